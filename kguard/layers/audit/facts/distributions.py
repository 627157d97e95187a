# SPDX-License-Identifier: Apache-2.0
"""Which API servers do k3s and RKE2 start from their config.yaml?

Authority: k3s pkg/cli/cmds/server.go (`kube-apiserver-arg`, audit is off unless it says so) and
RKE2's static pod executor: with `audit-policy-file`, or a CIS `profile`, it sets the log path
and CIS's retention itself, and writes a policy that records nothing where there is no file.
A key with a trailing `+` appends to what earlier files of the server say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kguard.inventory import Inventory
from kguard.layers.audit.facts.configuration import Configuration
from kguard.layers.audit.semantics.flags import Flag, normalized
from kguard.model.facts.audit import How
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, ObjectRef, PlainDocument

RKE2_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "metadata": {"name": "rke2-audit-policy"},
    "rules": [{"level": "None"}],
}
"""What RKE2 writes to `RKE2_POLICY_FILE` where a profile is set and the file does not exist."""
RKE2_POLICY_FILE = "/etc/rancher/rke2/audit-policy.yaml"

_RKE2_ADDS = {
    "audit-log-path": "/var/lib/rancher/rke2/server/logs/audit.log",
    "audit-log-maxage": "30",
    "audit-log-maxbackup": "10",
    "audit-log-maxsize": "100",
}
_RKE2_KEYS = frozenset({"profile", "audit-policy-file", "cni", "control-plane-resource-requests"})
_SERVER_KEYS = frozenset(
    {
        *("kube-apiserver-arg", "kube-controller-manager-arg", "kube-scheduler-arg"),
        *("audit-policy-file", "cluster-init", "tls-san", "write-kubeconfig-mode", "etcd-arg"),
        *("cluster-cidr", "service-cidr", "datastore-endpoint", "secrets-encryption"),
        *("etcd-expose-metrics", "disable-scheduler", "disable-cloud-controller"),
    }
)


def of_version(version: str) -> How:
    """Which of the two a Kubernetes version is of, as Rancher names it (`v1.32.5+k3s1`)."""
    return "k3s" if "+k3s" in version else "rke2"


def configurations(inventory: Inventory) -> Iterator[Configuration]:
    """Every server configuration of k3s and RKE2 in the input."""
    for document in sorted(inventory.documents, key=lambda found: found.id):
        value = document.value
        if isinstance(value, dict) and (how := _distribution(document, value)):
            yield _of_document(document, value, how)


def _distribution(document: PlainDocument, value: JsonObject) -> How | None:
    """Which distribution's server the file configures, if any."""
    keys = {str(key).rstrip("+") for key in value}
    file = document.text.file.lower()
    profile = value.get("profile")
    hardened = isinstance(profile, str) and profile.startswith("cis")
    server = bool(keys & _SERVER_KEYS) or hardened
    if not server:
        return None
    if "k3s" in file:
        return "k3s"
    return "rke2" if "rke2" in file or keys & _RKE2_KEYS else "k3s"


def _of_document(document: PlainDocument, value: JsonObject, how: How) -> Configuration:
    flags, built_in = of_settings(value, how)
    appended = any(str(key).endswith("+") for key in value)
    file = document.text.file
    return Configuration(
        ref=ObjectRef("", "File", "", file.rpartition("/")[2], document.text.cluster),
        id=document.id,
        how=how,
        file=file,
        flags=tuple(flags),
        place="/kube-apiserver-arg" if "kube-apiserver-arg" in value else "",
        built_in=built_in,
        unsure="other files of the server add to this one" if appended else "",
    )


def of_settings(value: JsonObject, how: str) -> tuple[list[Flag], Any]:
    """The flags that a configuration amounts to, and the policy that RKE2 writes itself."""
    flags = list(_arguments(value))
    return _with_defaults(value, flags) if how == "rke2" else (flags, None)


def _arguments(value: JsonObject) -> Iterator[Flag]:
    for key in ("kube-apiserver-arg", "kube-apiserver-arg+"):
        given = value.get(key)
        single = isinstance(given, str)
        entries: list[Any] = given if isinstance(given, list) else [given]
        for index, text in enumerate(entries):
            if isinstance(text, str):
                name, equals, content = text.partition("=")
                place = pointer(key) if single else pointer(key, index)
                yield Flag(normalized(name), content if equals else "true", place)


def _with_defaults(value: JsonObject, flags: list[Flag]) -> tuple[list[Flag], Any]:
    """What RKE2 adds to the flags, and the policy that it writes itself."""
    named = {flag.name for flag in flags}
    built_in = None
    policy, profile = value.get("audit-policy-file"), value.get("profile")
    if isinstance(policy, str):
        flags = [*flags, Flag("audit-policy-file", policy, "/audit-policy-file")]
    elif "audit-policy-file" not in named and isinstance(profile, str) and profile:
        flags = [*flags, Flag("audit-policy-file", RKE2_POLICY_FILE, "/profile")]
        built_in = RKE2_POLICY
    else:
        return flags, None
    added = [Flag(name, text) for name, text in _RKE2_ADDS.items() if name not in named]
    return [*flags, *added], built_in
