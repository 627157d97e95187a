# SPDX-License-Identifier: Apache-2.0
"""Which edits give an API server its audit flags and files, in the dialect of its configuration?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import structs

from kguard.inventory import Inventory
from kguard.layers.audit.facts import configurations
from kguard.layers.audit.facts.configuration import Configuration, mount_of
from kguard.layers.audit.facts.sources import candidates
from kguard.layers.audit.remedy import kops
from kguard.layers.audit.remedy.dialects import NOT_EDITABLE, Volume, operations
from kguard.layers.audit.remedy.kind import kind_operations
from kguard.layers.audit.remedy.platforms import mend_rancher, mend_shoot
from kguard.layers.audit.remedy.provider import switched_on
from kguard.layers.audit.remedy.recommended import FILE_NAME, POLICY
from kguard.layers.audit.semantics.flags import effective
from kguard.layers.audit.semantics.loading import load
from kguard.model.facts.audit import Server
from kguard.model.findings import Finding
from kguard.model.manifests import Manifest
from kguard.model.remedies import (
    Cannot,
    Create,
    Edit,
    Operation,
    Proposal,
    RemedyRequest,
    WriteFile,
)

POLICY_FOLDER = "/etc/kubernetes/audit"
LOG_FOLDER = "/var/log/kubernetes/audit"
LEAST = {"audit-log-maxage": 30, "audit-log-maxbackup": 10, "audit-log-maxsize": 100}

_OFF = "audit/recording-off"
_COUNTED = ("off", "silent")
_REACH = "audit/files-out-of-reach"
_LOST = "audit/events-lost"
_LOSSES = {
    "best-effort": ("the provider promises no more", "collect what matters by other means as well"),
    "log-batch": (
        "whether requests may wait for the log is a choice of the operator",
        "set audit-log-mode to blocking",
    ),
    "log-not-kept": (
        "the folder of the log is a volume that ends with the pod",
        "mount a folder of the node there",
    ),
    "not-written": ("the backend failed on the server that runs", "look into the server's own log"),
    "requests-refused": (
        "the backend failed on the server that runs",
        "look into the server's own log",
    ),
    "truncated": (
        "how large an event may be is a choice of the operator",
        "raise audit-log-truncate-max-event-size, or switch truncation off",
    ),
    "webhook-batch": (
        "where events should go besides is a choice of the operator",
        "give it audit-log-path as well, or set audit-webhook-mode to blocking",
    ),
}
"""By cause of a loss: why it is not mended, and what does."""


def mend_server(request: RemedyRequest) -> Iterator[Proposal]:
    """Flags and volumes that are missing, and a policy where there is none.

    An object that several servers need (the audit settings of their project) is made once.
    """
    proposals = list(_proposals(request))
    made: dict[str, Create] = {}
    for one in proposals:
        if isinstance(one, Create):
            key = repr(one.object)
            closes = (*made[key].closes, *one.closes) if key in made else one.closes
            made[key] = structs.replace(one, closes=closes)
    yield from made.values()
    yield from (one for one in proposals if not isinstance(one, Create))


def _proposals(request: RemedyRequest) -> Iterator[Proposal]:
    known = {found.ref: found for found in configurations(request.inventory)}
    for server in request.facts.servers:
        findings = [f for f in request.findings if f.target == server.ref]
        configuration = known.get(server.ref)
        shown = [f for f in findings if f.policy == _OFF] if server.counted in _COUNTED else []
        if shown:
            yield _of_counters(server, shown)
            findings = [f for f in findings if f not in shown]
        lasting = [f for f in findings if _is_choice(f, configuration)]
        yield from (Cannot((f.fingerprint,), *_LOSSES[f.path]) for f in lasting)
        findings = [f for f in findings if f not in lasting]
        if findings and configuration is not None:
            yield from _mend(request.inventory, server, configuration, findings)


def _is_choice(finding: Finding, configuration: Configuration | None) -> bool:
    """Whether a loss of events is for the operator to end."""
    if finding.policy != _LOST or finding.path == "reads-left-out":
        return False
    mountable = configuration is not None and bool(_volumes(configuration, {}))
    return not (finding.path == "log-not-kept" and mountable)


def _of_counters(server: Server, findings: list[Finding]) -> Proposal:
    """Counters are what happens: no edit of a configuration that says otherwise changes them."""
    closes = tuple(finding.fingerprint for finding in findings)
    if server.how == "metrics":
        reason = "only the server's counters are in the input, not how it is configured"
        return Cannot(closes, reason, "give it --audit-policy-file and --audit-log-path")
    reason = "the server that runs writes no event, whatever its configuration in the input says"
    path = server.policy_file or "audit-policy-file"
    return Cannot(closes, reason, f"look at {path} on the node, and start the server again")


def _mend(
    inventory: Inventory, server: Server, configuration: Configuration, findings: list[Finding]
) -> Iterator[Proposal]:
    closes = tuple(finding.fingerprint for finding in findings)
    instead = NOT_EDITABLE.get(configuration.how)
    holder = inventory.by_id(configuration.id)
    if configuration.managed is not None:
        yield switched_on(inventory, configuration, closes)
    elif configuration.ref.kind == "Node":
        reason = "the Node only tells with which arguments its server was started"
        yield Cannot(closes, reason, "change kube-apiserver-arg in the node's config.yaml")
    elif configuration.patches:
        reason = "kubeadm patches the pod of the API server: what stands here may not count"
        yield Cannot(closes, reason, f"write the flags into {', '.join(configuration.patches)}")
    elif instead:
        yield Cannot(closes, f"a configuration of {configuration.how} is not edited", instead)
    elif isinstance(holder, Manifest) and configuration.how == "kops":
        yield from _mend_kops(holder, server, findings)
    elif isinstance(holder, Manifest) and configuration.how == "gardener":
        yield from mend_shoot(holder, server, closes)
    elif isinstance(holder, Manifest) and configuration.how == "rancher":
        off = any(finding.policy == _OFF for finding in findings)
        limits = _retention(server, findings, starting=off)
        yield from mend_rancher(holder, configuration, server, limits, closes)
    else:
        yield from _mend_flags(inventory, server, configuration, findings)


def _mend_flags(
    inventory: Inventory, server: Server, configuration: Configuration, findings: list[Finding]
) -> Iterator[Proposal]:
    """Flags and volumes in the dialect of the configuration."""
    closes = tuple(finding.fingerprint for finding in findings)
    holder = inventory.by_id(configuration.id)
    flags: dict[str, str] = {}
    volumes: list[Volume] = []
    policies = {finding.policy for finding in findings}
    if _OFF in policies and server.policy == "absent":
        name = _policy_at_hand(inventory)
        if not name:
            name = FILE_NAME
            yield WriteFile(FILE_NAME, POLICY, closes, "the policy that the API server reads")
        flags["audit-policy-file"] = f"{POLICY_FOLDER}/{name}"
    if _OFF in policies and server.backend == "none":
        flags["audit-log-path"] = f"{LOG_FOLDER}/audit.log"
    starting = bool(policies & {_OFF, _REACH})
    flags.update(_retention(server, findings, starting=starting))
    if starting or _LOST in policies:
        volumes = _volumes(configuration, flags)
    if configuration.how == "kind" and isinstance(holder, Manifest):
        edits = tuple(kind_operations(holder, configuration, flags, volumes))
    else:
        edits = operations(inventory, configuration, flags, volumes)
    if server.log_reach == "read-only" and _REACH in policies:
        edits += tuple(_writable(configuration))
    if edits:
        why = "the flags and volumes that the API server lacks"
        yield Edit(configuration.id, edits, closes, why)


def _mend_kops(holder: Manifest, server: Server, findings: list[Finding]) -> Iterator[Proposal]:
    off = any(finding.policy == _OFF for finding in findings)
    flags: dict[str, str] = {}
    if off and server.policy == "absent":
        flags["audit-policy-file"] = kops.POLICY_PATH
    if off and server.backend == "none":
        flags["audit-log-path"] = kops.LOG_PATH
    flags.update(_retention(server, findings, starting=off))
    policy = POLICY if "audit-policy-file" in flags else ""
    edits = tuple(kops.kops_operations(holder, flags, policy))
    if edits:
        closes = tuple(finding.fingerprint for finding in findings)
        yield Edit(
            holder.id, edits, closes, "the settings and the policy that the API server lacks"
        )


def _policy_at_hand(inventory: Inventory) -> str:
    """The file of the only valid policy of the input."""
    found = [one for one in candidates(inventory) if load(one.source.value).state == "valid"]
    return found[0].file.rpartition("/")[2] if len(found) == 1 else ""


def _writable(configuration: Configuration) -> Iterator[Operation]:
    """The log's mount without its `readOnly`."""
    flag = effective(configuration.flags)["audit-log-path"]
    mount = mount_of(flag.value or "", configuration.mounts or ())
    if mount is not None and mount.kind == "host" and mount.pointer:
        yield Operation("replace", f"{mount.pointer}/readOnly", value=False)


def _retention(server: Server, findings: list[Finding], *, starting: bool) -> dict[str, str]:
    """The limits that are missing or too small, never below what counts already."""
    told = {finding.path for finding in findings if finding.policy == "audit/log-kept-too-short"}
    unset = starting or any(f.policy == "audit/log-limits-unset" for f in findings)
    found: dict[str, str] = {}
    for entry in server.retention:
        short = starting and 0 < entry.value < LEAST[entry.flag]
        if short or entry.flag in told or (unset and entry.state != "set"):
            found[entry.flag] = str(max(entry.value, LEAST[entry.flag]))
    return found


def _volumes(configuration: Configuration, added: dict[str, str]) -> list[Volume]:
    """What the server's container must see and does not."""
    mounts = configuration.mounts
    if mounts is None:
        return []
    given = {flag.name: flag.value for flag in effective(configuration.flags).values()}
    flags: dict[str, Any] = {**given, **added}
    found = []
    for flag, name, read_only in (
        ("audit-policy-file", "audit-policy", True),
        ("audit-log-path", "audit-log", False),
    ):
        path = flags.get(flag)
        folder = path.rpartition("/")[0] if isinstance(path, str) else ""
        if folder and mount_of(str(path), mounts) is None:
            found.append(Volume(name, folder, read_only))
    return found
