# SPDX-License-Identifier: Apache-2.0
"""What does a client's sidecar send to a service: plaintext, TLS of its own, or mutual TLS?

Authority: istio/istio pilot/pkg/networking/core/cluster_tls.go (`buildUpstreamTLSSettings`,
`applyUpstreamTLSSettings`), cluster_traffic_policy.go and pilot/pkg/networking/util
(`MergeSubsetTrafficPolicy`), pilot/pkg/model/push_context.go (`BestEffortInferServiceMTLSMode`)
and pilot/pkg/xds/endpoints/mtls_checker.go (`checkMtlsEnabled`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from kguard.layers.mtls.semantics.destination import (
    PASSTHROUGH,
    Level,
    Policy,
    Rule,
    Subset,
    TlsMode,
)
from kguard.layers.mtls.semantics.peerauth import (
    Mode,
    PolicyIndex,
    port_decision,
    workload_decision,
)

Sends = Literal["plaintext", "simple", "mutual", "istio_mutual"]
Socket = Literal["plaintext", "simple", "mutual", "istio_mutual", "auto"]
TLS_MODE_LABEL = "security.istio.io/tlsMode"
_SENDS: dict[TlsMode, Sends] = {
    "disable": "plaintext",
    "simple": "simple",
    "mutual": "mutual",
    "istio_mutual": "istio_mutual",
}


class Endpoint(msgspec.Struct, frozen=True):
    """One address behind a service, with the labels of its pod."""

    name: str
    namespace: str
    labels: dict[str, str]
    port: int

    @property
    def tls_label(self) -> str:
        """What the pod's label says; no label is no sidecar."""
        return self.labels.get(TLS_MODE_LABEL, "disabled")


class Target(msgspec.Struct, frozen=True):
    """One port of a service, as a client knows it."""

    namespace: str
    port: int
    endpoints: tuple[Endpoint, ...]
    passthrough: bool = False
    """Whether addresses are taken as they come (headless, or a ServiceEntry without resolution)."""
    external: bool = False
    """Whether the service is outside of the mesh."""


class Upstream(msgspec.Struct, frozen=True):
    """What a client's proxy does for one port of a service, or of one of its subsets."""

    socket: Socket
    original_destination: bool
    sends: dict[str, Sends]
    """For each endpoint; empty where addresses are taken as they come."""


class Client(msgspec.Struct, frozen=True):
    """What decides beside rules: policies, and the mesh's switch."""

    policies: PolicyIndex
    auto_mtls: bool = True
    subset_fallback: bool = True
    """Since Istio 1.31: a subset without TLS falls back to the rule when endpoints are marked."""


def upstream(client: Client, target: Target, rule: Rule | None, subset: str = "") -> Upstream:
    """What is sent to one port of a service under the rule in force.

    Args:
        client: policies and switches of the mesh.
        target: the port of the service.
        rule: the rule that the client obeys, if any.
        subset: the name of one of the rule's subsets; empty for the service as a whole.
    """
    part = rule.subset(subset) if rule and subset else None
    policy = rule.policy if rule else None
    level = _level(policy, part.policy if part else None, target.port)
    endpoints = target.endpoints
    if part:
        endpoints = tuple(e for e in endpoints if part.labels.items() <= e.labels.items())
    original = target.passthrough or PASSTHROUGH in _balancers(policy, part, target.port)
    inferred = _service_mode(client, target, part.policy if part else policy)
    socket = _socket(client, rule, level, inferred)
    if original:
        certain: Socket = "istio_mutual" if socket == "auto" else socket
        return Upstream(certain, original_destination=True, sends={})
    sends = {e.name: _sends(client, target, rule, subset, socket, e) for e in endpoints}
    return Upstream(socket, original_destination=False, sends=sends)


def _level(policy: Policy | None, subset: Policy | None, port: int) -> Level:
    """The merged level: a subset's field wins, its own entry for the port replaces everything."""
    above = policy.at(port)[0] if policy else Level()
    if subset is None:
        return above
    own, whole = subset.at(port)
    if whole or policy is None:
        return own
    return Level(own.tls or above.tls, own.balancer or above.balancer)


def _balancers(policy: Policy | None, part: Subset | None, port: int) -> Iterator[str]:
    """Every place that can make the proxy take addresses as they come; a subset inherits it."""
    if policy:
        yield policy.at(port)[0].balancer
    if part and part.policy:
        yield part.policy.at(port)[0].balancer
        yield part.policy.all_ports.balancer


def _service_mode(client: Client, target: Target, policy: Policy | None) -> Mode | None:
    """What is inferred for the service: None where it is unknown or switched off.

    Workload and port policies are not looked at, and neither is a port's own load balancer.
    """
    if target.external:
        return None
    balancer = policy.all_ports.balancer if policy else ""
    if target.passthrough or balancer == PASSTHROUGH:
        labels = [endpoint.tls_label for endpoint in target.endpoints]
        if not labels or "disabled" in labels:
            return None
    mode = workload_decision(client.policies.mesh_chain(target.namespace)).mode
    return None if mode == "disable" else mode


def _socket(client: Client, rule: Rule | None, level: Level, inferred: Mode | None) -> Socket:
    tls = level.tls
    if tls is None:
        return "auto" if client.auto_mtls and inferred else "plaintext"
    by_file = not tls.credential or (rule is not None and rule.selector is not None)
    if tls.mode in ("simple", "mutual") and not by_file:
        # only rules with a workload selector may name a Secret; the others lose their TLS
        return "plaintext"
    return _SENDS[tls.mode]


def _sends(
    client: Client,
    target: Target,
    rule: Rule | None,
    subset: str,
    socket: Socket,
    endpoint: Endpoint,
) -> Sends:
    if socket != "auto":
        return socket
    mode = _marking(client, rule, subset, target.port)
    if endpoint.tls_label != "istio":
        return "plaintext"
    if mode is not None:
        return "istio_mutual" if mode == "istio_mutual" else "plaintext"
    chain = client.policies.chain(endpoint.namespace, endpoint.labels)
    off = port_decision(chain, endpoint.port).mode == "disable"
    return "plaintext" if off else "istio_mutual"


def _marking(client: Client, rule: Rule | None, subset: str, port: int) -> TlsMode | None:
    """The next mode that is found upwards, where a port's level has dropped it."""
    policies: Sequence[Policy | None] = ()
    if rule is not None:
        part = rule.subset(subset) if subset else None
        above = [rule.policy] if client.subset_fallback or not part else []
        policies = [part.policy, *above] if part else above
    for policy in policies:
        mode = policy.tls_mode(port) if policy else None
        if mode is not None:
            return mode
    return None
