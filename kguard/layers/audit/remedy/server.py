# SPDX-License-Identifier: Apache-2.0
"""Which edits give an API server its audit flags and files, in the dialect of its configuration?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kguard.inventory import Inventory
from kguard.layers.audit.facts import configurations
from kguard.layers.audit.facts.configuration import Configuration, mount_of
from kguard.layers.audit.facts.sources import candidates
from kguard.layers.audit.remedy import kops
from kguard.layers.audit.remedy.dialects import NOT_EDITABLE, Volume, at, operations
from kguard.layers.audit.remedy.kind import kind_operations
from kguard.layers.audit.remedy.recommended import FILE_NAME, POLICY
from kguard.layers.audit.semantics.flags import effective
from kguard.layers.audit.semantics.loading import load
from kguard.model.facts.audit import Server
from kguard.model.findings import Finding
from kguard.model.manifests import Manifest
from kguard.model.remedies import Cannot, Edit, Operation, Proposal, RemedyRequest, WriteFile

POLICY_FOLDER = "/etc/kubernetes/audit"
LOG_FOLDER = "/var/log/kubernetes/audit"
LEAST = {"audit-log-maxage": 30, "audit-log-maxbackup": 10, "audit-log-maxsize": 100}

_OFF = "audit/recording-off"
_COUNTED = ("off", "silent")
_REACH = "audit/files-out-of-reach"


def mend_server(request: RemedyRequest) -> Iterator[Proposal]:
    """Flags and volumes that are missing, and a policy where there is none."""
    known = {found.ref: found for found in configurations(request.inventory)}
    for server in request.facts.servers:
        findings = [f for f in request.findings if f.target == server.ref]
        configuration = known.get(server.ref)
        shown = [f for f in findings if f.policy == _OFF] if server.counted in _COUNTED else []
        if shown:
            yield _of_counters(server, shown)
            findings = [f for f in findings if f not in shown]
        if findings and configuration is not None:
            yield from _mend(request.inventory, server, configuration, findings)


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
    if configuration.ref.api_version.startswith("eksctl.io/"):
        yield _log_of_eksctl(inventory, configuration, closes)
        return
    if configuration.ref.kind == "Node":
        reason = "the Node only tells with which arguments its server was started"
        yield Cannot(closes, reason, "change kube-apiserver-arg in the node's config.yaml")
        return
    instead = NOT_EDITABLE.get(configuration.how)
    if instead:
        yield Cannot(closes, f"a configuration of {configuration.how} is not edited", instead)
        return
    holder = inventory.by_id(configuration.id)
    if configuration.how == "kops" and isinstance(holder, Manifest):
        yield from _mend_kops(holder, server, findings)
        return
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
    if starting:
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


def _log_of_eksctl(
    inventory: Inventory, configuration: Configuration, closes: tuple[str, ...]
) -> Proposal:
    """The type `audit` among those that the cluster logs."""
    holder = inventory.by_id(configuration.id)
    value = holder.object if isinstance(holder, Manifest) else {}
    why = "the control plane log of type audit"
    for place, rest in (
        ("/cloudWatch/clusterLogging/enableTypes", ["audit"]),
        ("/cloudWatch/clusterLogging", {"enableTypes": ["audit"]}),
        ("/cloudWatch", {"clusterLogging": {"enableTypes": ["audit"]}}),
    ):
        given = at(value, place)
        if isinstance(given, list):
            edit = Operation("add", f"{place}/{len(given)}", "audit")
            return Edit(configuration.id, (edit,), closes, why)
        above = at(value, place.rpartition("/")[0])
        if isinstance(above, dict):
            operation = Operation("add" if given is None else "replace", place, rest)
            return Edit(configuration.id, (operation,), closes, why)
    return Cannot(closes, "the configuration is not readable", NOT_EDITABLE["eks"])


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
