# SPDX-License-Identifier: Apache-2.0
"""Which mTLS mode does a sidecar enforce on a port?

Authority: istiod's `ComposePeerAuthentication` (istio/istio
pilot/pkg/security/authn/policy_applier.go, the same text from 1.24 to 1.32), its index of policies
(pilot/pkg/model/authentication.go) and their order (`sortConfigByCreationTime` in
pilot/pkg/model/config.go). A policy of the root namespace with a selector is ignored, whatever the
comment of its `selector` field in the API says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, cast

import msgspec

from kguard.model.manifests import JsonObject, mapping, strings

Mode = Literal["unset", "disable", "permissive", "strict"]
Scope = Literal["mesh", "namespace", "workload", "ignored"]

DEFAULT_MODE: Mode = "permissive"
REVISION_LABEL = "istio.io/rev"
_MODES: tuple[Mode, ...] = ("unset", "disable", "permissive", "strict")
_YOUNGEST = 1 << 62


class PeerAuthentication(msgspec.Struct, frozen=True, eq=False):
    """A PeerAuthentication as far as istiod reads it."""

    id: str
    namespace: str
    name: str
    created: int | None
    """Seconds since 1970; None for a file, which has no age."""
    selector: dict[str, str]
    has_selector: bool
    """Whether `spec.selector` is there at all, be it empty: ambient makes a difference."""
    mode: Mode
    ports: dict[int, Mode]
    revision: str

    @property
    def age_key(self) -> tuple[int, str, str]:
        """Order of precedence: the oldest first, then by name, then by namespace."""
        return age_key(self.created, self.name, self.namespace)

    def scope(self, root: str) -> Scope:
        """What the policy is about, for a control plane with this root namespace."""
        if not self.selector:
            return "mesh" if self.namespace == root else "namespace"
        return "ignored" if self.namespace == root else "workload"

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether all labels of the selector are on the pod."""
        return all(labels.get(key) == value for key, value in self.selector.items())


def parse(namespace: str, value: JsonObject, ref: str = "") -> PeerAuthentication:
    """Read a PeerAuthentication; what is malformed counts as absent (see `validation`)."""
    metadata, spec = mapping(value.get("metadata")), mapping(value.get("spec"))
    selector = spec.get("selector")
    name = metadata.get("name")
    return PeerAuthentication(
        id=ref,
        namespace=namespace,
        name=name if isinstance(name, str) else "",
        created=seconds_of(metadata.get("creationTimestamp")),
        selector=strings(mapping(selector).get("matchLabels")),
        has_selector=selector is not None,
        mode=mode_of(spec.get("mtls")),
        ports=_ports(spec.get("portLevelMtls")),
        revision=strings(metadata.get("labels")).get(REVISION_LABEL, ""),
    )


def mode_of(mtls: object) -> Mode:
    """The mode of a `MutualTLS` message; absent, empty and unreadable ones are unset."""
    value = mapping(mtls).get("mode")
    if isinstance(value, str) and value.lower() in _MODES and value.isupper():
        return cast("Mode", value.lower())
    if type(value) is int and 0 <= value < len(_MODES):
        return _MODES[value]
    return "unset"


def _ports(value: object) -> dict[int, Mode]:
    found = {}
    for key, mtls in mapping(value).items():
        text = str(key)
        if text.isdecimal() and text.isascii() and len(text) <= len("65535"):
            found[int(text)] = mode_of(mtls)
    return dict(sorted(found.items()))


def age_key(created: int | None, name: str, namespace: str) -> tuple[int, str, str]:
    """The order of istiod's configuration objects.

    A file without a timestamp will be created later than what has one.
    """
    return _YOUNGEST if created is None else created, name, namespace


def seconds_of(value: object) -> int | None:
    """A creation timestamp in seconds since 1970; None where there is none."""
    if isinstance(value, datetime):
        return int(value.replace(tzinfo=value.tzinfo or UTC).timestamp())
    if not isinstance(value, str):
        return None
    try:
        return int(datetime.fromisoformat(value).timestamp())
    except (ValueError, OverflowError):
        return None


class Chain(msgspec.Struct, frozen=True):
    """The policies that take part in the decision for one pod, at most one of each scope."""

    mesh: PeerAuthentication | None = None
    namespace: PeerAuthentication | None = None
    workload: PeerAuthentication | None = None

    @property
    def policies(self) -> tuple[PeerAuthentication, ...]:
        """From the widest scope to the narrowest."""
        return tuple(p for p in (self.mesh, self.namespace, self.workload) if p is not None)


class Decision(msgspec.Struct, frozen=True):
    """An effective mode with the policy that says so (None: Istio's default)."""

    mode: Mode
    decided_by: PeerAuthentication | None = None
    at_port: bool = False
    """Whether the policy says so in `portLevelMtls`."""


def workload_decision(chain: Chain) -> Decision:
    """The mode of every port that `portLevelMtls` does not name."""
    decision = Decision(DEFAULT_MODE)
    for policy in chain.policies:
        if policy.mode != "unset":
            decision = Decision(policy.mode, policy)
    return decision


def port_decision(chain: Chain, port: int) -> Decision:
    """The mode of a port of the pod: a container's port number, not a Service's."""
    workload = chain.workload
    if workload and workload.ports.get(port, "unset") != "unset":
        return Decision(workload.ports[port], workload, at_port=True)
    return workload_decision(chain)


@dataclass(slots=True)
class PolicyIndex:
    """All policies of a control plane, found by scope in constant time."""

    root: str
    mesh: list[PeerAuthentication] = field(default_factory=list)
    namespaces: dict[str, list[PeerAuthentication]] = field(default_factory=dict)
    ignored: list[PeerAuthentication] = field(default_factory=list)
    workloads: dict[tuple[str, str, str], list[PeerAuthentication]] = field(default_factory=dict)

    def mesh_chain(self, namespace: str) -> Chain:
        """The chain without the workload's own policies: what a whole namespace inherits."""
        return Chain(_first(self.mesh), _first(self.namespaces.get(namespace, ())))

    def selecting(self, namespace: str, labels: Mapping[str, str]) -> list[PeerAuthentication]:
        """The workload policies that select the pod, in order of precedence."""
        found = [
            policy
            for key, value in labels.items()
            for policy in self.workloads.get((namespace, key, value), ())
            if policy.selects(labels)
        ]
        return sorted(found, key=lambda policy: policy.age_key)

    def chain(self, namespace: str, labels: Mapping[str, str]) -> Chain:
        """The policies that decide for a pod."""
        above = self.mesh_chain(namespace)
        return Chain(above.mesh, above.namespace, _first(self.selecting(namespace, labels)))


def index(policies: Iterable[PeerAuthentication], root: str, revision: str = "") -> PolicyIndex:
    """Sort policies by scope and precedence, as the control plane of a revision sees them.

    Args:
        policies: in any order.
        root: the root namespace of the mesh.
        revision: of the control plane; empty sees policies of every revision.
    """
    found = PolicyIndex(root)
    for policy in sorted(policies, key=lambda policy: policy.age_key):
        if policy.revision and revision and policy.revision != revision:
            continue
        match policy.scope(root):
            case "mesh":
                found.mesh.append(policy)
            case "namespace":
                found.namespaces.setdefault(policy.namespace, []).append(policy)
            case "workload":
                key, value = min(policy.selector.items())
                found.workloads.setdefault((policy.namespace, key, value), []).append(policy)
            case _:
                found.ignored.append(policy)
    return found


def _first(policies: Iterable[PeerAuthentication]) -> PeerAuthentication | None:
    return next(iter(policies), None)
