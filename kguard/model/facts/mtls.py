# SPDX-License-Identifier: Apache-2.0
"""Which shape have the facts about mutual TLS?"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.model.facts.certificates import Certificate, Expiry, TrustBundle
from kguard.model.facts.common import Evidence, Presence, Scope, Truth
from kguard.model.manifests import ObjectRef

Plane = Literal["sidecar", "ambient", "gateway", "waypoint", "none", "unknown"]
Basis = Literal["live", "written", "predicted", "assumed"]
Mode = Literal["strict", "permissive", "disable"]
Effective = Literal[
    "strict",
    "permissive",
    "disable",
    "user_tls",
    "gateway",
    "uncaptured",
    "not_enrolled",
    "unknown",
]
"""What a port does with a connection: the three modes of Istio, TLS that ends in the sidecar
without mesh identity, a gateway's own servers, ports that the proxy never sees, no proxy at all."""

Gap = Literal[
    "none",
    "protocol",
    "proxy_port",
    "excluded",
    "not_included",
    "interception",
    "bypass",
]
DecidedAt = Literal["default", "mesh", "namespace", "workload", "port", "plane"]
Role = Literal["application", "mesh", "system"]


class Ports(msgspec.Struct):
    """Ports of one workload that share their fate."""

    ports: list[str]
    """Numbers in ascending order; `other` stands for every port that nothing names."""
    protocol: str
    listener: Literal["seen", "not_seen"]
    """`not_seen`: no container declares the ports and no Service leads there, though others."""
    intended: Mode
    """What PeerAuthentication says, as a sidecar reads it."""
    effective: Effective
    decided_at: DecidedAt
    decided_by: str
    """The object that decides, in words; empty for a default."""
    gap: Gap
    """Why the proxy does not see these ports."""
    caller: Literal["any", "apiserver"]
    """`apiserver`: a webhook or aggregated API, called without any mesh identity."""
    divergence: Literal["none", "fail_open", "over_strict"]
    """Where ambient does something else than the policy says."""
    exemption: Literal["none", "documented", "expired"]
    """Whether an annotation of the policy that exempts the ports gives a reason and a last day."""
    until: str
    """That day, as YYYY-MM-DD."""
    because: list[Evidence]


class Workload(msgspec.Struct):
    """A workload and what its ports accept."""

    ref: ObjectRef
    role: Role
    plane: Plane
    basis: Basis
    reason: Literal[
        "enrolled",
        "opted_out",
        "not_labelled",
        "host_network",
        "system",
        "no_webhook",
        "ambient_off",
        "not_restarted",
        "not_known",
    ]
    tls_label: Literal["istio", "off"]
    """Whether clients are told that the pods speak mutual TLS (`security.istio.io/tlsMode`)."""
    inherited: Mode
    """What mesh and namespace say without the workload's own policy; clients look no further."""
    serves: Literal["ports", "apiserver", "nothing"]
    """Whether it declares TCP ports for other pods, or only such as the API server calls."""
    intended: Mode
    """Of the ports that nothing names."""
    modes: list[Ports]
    because: list[Evidence]
    """Why it is or is not in the mesh."""


class Namespace(msgspec.Struct):
    """A namespace with workloads, and how far its workloads are in the mesh."""

    ref: ObjectRef
    role: Role
    enrolment: Literal["sidecar", "ambient", "none", "disabled", "unknown"]
    """What its labels do to a pod without labels of its own."""
    intended: Mode
    decided_at: DecidedAt
    workloads: int
    enrolled: int
    unknown: int
    outside: list[str]
    """Workloads without a proxy that serve ports, for no reason of their own."""
    because: list[Evidence]


class DeadPort(msgspec.Struct):
    """An entry of portLevelMtls that decides nothing."""

    port: str
    reason: Literal["service_port", "undeclared"]
    """`service_port`: the number is a Service's port, the pods listen on another one."""
    because: list[Evidence]


class PeerAuthentication(msgspec.Struct):
    """A PeerAuthentication, and whether it decides anything."""

    ref: ObjectRef
    scope: Literal["mesh", "namespace", "workload", "ignored"]
    mode: Literal["unset", "disable", "permissive", "strict"]
    state: Literal["decides", "dead", "refused", "unknown"]
    dead_reason: Literal[
        "none", "root_selector", "younger", "no_workload", "revision", "undiscovered"
    ]
    origin: Literal["user", "net-istio"]
    """`net-istio`: shipped with Knative's Istio integration, on purpose as it is."""
    namespace_written: Truth
    """Whether the manifest names its namespace itself."""
    selects: int
    """Workloads of the input to which it applies."""
    tie: Literal["none", "same", "differs"]
    """Whether files alone leave open which of several policies of one scope is the oldest;
    `differs`: and they say different things."""
    rivals: list[str]
    weakest: Literal["unset", "disable", "permissive", "strict"]
    """The weakest mode among the policies of the tie."""
    dead_ports: list[DeadPort]
    problems: list[str]
    """Why the API server refuses it."""
    because: list[Evidence]


class ClientRule(msgspec.Struct):
    """What a DestinationRule makes clients send to a service of the mesh."""

    ref: ObjectRef
    host: str
    part: str
    """`rule`, `port 80`, `subset v1` or `subset v1 port 80`."""
    mode: Literal["disable", "simple", "mutual", "istio_mutual"]
    sends: Literal["plaintext", "foreign_tls", "mtls"]
    effect: Literal["cut", "downgrade", "misnamed", "none", "unknown"]
    """`cut`: the service cannot take it; `downgrade`: the service accepts it without identity;
    `misnamed`: the host is a Service for people, but not for sidecars."""
    refusal: Literal["none", "strict", "unreadable", "own_tls", "no_proxy"]
    """Why it is cut: `unreadable`: the sidecar reads HTTP and cannot read this TLS; `own_tls`: the
    sidecar ends another TLS there; `no_proxy`: nothing ends mutual TLS."""
    reaches: Literal["sidecars", "mixed"]
    """`mixed`: some of the pods that it covers have no sidecar, or one that takes no mutual TLS."""
    obeyed: Truth
    """Whether any client of the input takes this part: rules can hide one another."""
    service: str
    because: list[Evidence]


class GatewayServer(msgspec.Struct):
    """One server of a gateway, as it faces its clients."""

    ref: ObjectRef
    server: str
    port: int
    protocol: str
    accepts: Literal[
        "plaintext", "challenge", "redirect", "tls", "mutual", "mesh", "passthrough", "unknown"
    ]
    """`challenge`: plaintext, and only ACME's HTTP-01 challenges are served."""
    audience: Literal["mesh", "outside", "unknown"]
    """For whom it is: `mesh` where only names or Services of the cluster lead there."""
    because: list[Evidence]


class Caller(msgspec.Struct):
    """An intended call to a workload of the mesh by someone without a mesh identity."""

    kind: Literal["workload", "ingress", "outside", "kubelet", "scrape"]
    ref: ObjectRef
    """The caller: a workload, an Ingress or route, the Service that is open to the outside, what
    asks for the scrape."""
    target: ObjectRef
    port: str
    """Of the target's pods."""
    identity: Literal["none", "unknown", "withheld"]
    """`withheld`: the caller has a sidecar, but it sends no certificate of the mesh."""
    verdict: Literal["works", "refused", "unknown"]
    because: list[Evidence]


Hazard = Literal[
    "none",
    "parent_disable",
    "headless",
    "pod_ip",
    "label_off",
    "not_captured",
    "no_tunnel",
    "no_identity",
    "rule",
    "auto_off",
    "no_sidecar",
    "not_imported",
]
"""Why no mesh identity is sent: policy above the workload is DISABLE, a headless Service with a
pod that has no sidecar, a call to a pod's address, the label `tlsMode`, annotations that lead past
the client's sidecar, a sidecar that ztunnel cannot reach by tunnel, no proxy at the client, a
DestinationRule, automatic mutual TLS switched off, no sidecar at the server, a Service that the
client's Sidecar does not import or that istiod does not look at."""


class Edge(msgspec.Struct):
    """An intended call between two workloads: what is sent, accepted, and becomes of it."""

    client: ObjectRef
    server: ObjectRef
    port: str
    """Of the server's pods."""
    service: str
    """Namespace, name and port of the Service on the way."""
    sends: Literal["plaintext", "foreign_tls", "mtls", "hbone", "unknown"]
    accepts: Effective
    verdict: Literal["works", "cut", "unknown"]
    identity: Literal["proven", "none", "unknown"]
    hazard: Hazard
    because: list[Evidence]


class Headless(msgspec.Struct):
    """A headless Service of which some pods have no sidecar, so that none is sent mutual TLS."""

    ref: ObjectRef
    without: list[str]
    """Its workloads without a sidecar, or whose label says that they speak no mutual TLS."""
    strict: list[str]
    """Its workloads that refuse plaintext."""
    because: list[Evidence]


class Authorization(msgspec.Struct):
    """An AuthorizationPolicy that names callers by identity."""

    ref: ObjectRef
    action: Literal["allow", "deny", "other"]
    uses: Literal["positive", "negative"]
    """`negative`: notPrincipals and the like, which hold for callers without identity."""
    unproven: list[str]
    """Workloads that it selects and that accept callers without identity."""
    because: list[Evidence]


class KnativeSetting(msgspec.Struct):
    """A setting of Knative that bears on mutual TLS."""

    ref: ObjectRef
    key: str
    kind: Literal["pod_addressing", "server_tls", "event_transport"]
    value: str
    strict: list[str]
    """Knative workloads with a STRICT sidecar."""
    dispatchers: Literal["mesh", "outside", "unknown"]
    """Whether the pods of brokers and channels are in the mesh; `unknown` where none is seen."""
    plaintext: list[str]
    """Triggers and Subscriptions whose subscriber is addressed over plain HTTP."""
    because: list[Evidence]


class OtherMesh(msgspec.Struct):
    """Another mesh, or encryption of the network plugin: named for what it gives, not judged."""

    ref: ObjectRef
    name: str
    gives: Literal["mutual_tls", "permissive_tls", "authentication", "node_encryption"]
    """`permissive_tls`: mutual TLS is offered, plaintext accepted; `authentication`: identities
    are checked, nothing is encrypted; `node_encryption`: between nodes, without identities."""
    because: list[Evidence]


class LinkerdPorts(msgspec.Struct):
    """Ports of a workload of Linkerd that admit the same clients for the same reason."""

    ports: list[str]
    accepts: Literal["nobody", "authenticated", "tls", "unauthenticated", "uncaptured", "unknown"]
    """`tls`: TLS of the mesh in which the client shows no identity; `uncaptured`: the proxy does
    not see the port."""
    decided_by: str
    because: list[Evidence]


class LinkerdWorkload(msgspec.Struct):
    """A workload that Linkerd meshes, or may mesh."""

    ref: ObjectRef
    meshed: Literal["yes", "unknown"]
    modes: list[LinkerdPorts]
    because: list[Evidence]


class MeshFacts(msgspec.Struct):
    """The mesh as a whole."""

    ref: ObjectRef
    """The root namespace."""
    root: str
    intended: Mode
    """What mesh-wide policy says, Istio's default where there is none."""
    decided_by: str
    sign: Literal["policy", "enrolment", "routing", "none"]
    """The strongest sign of the mesh: a PeerAuthentication, something enrolled, or only objects
    that route traffic, as an application ships them for whichever mesh it may meet."""
    auto_mtls: Literal["on", "off"]
    everywhere: Literal["mutual", "none"]
    """`mutual`: a DestinationRule of the root namespace asks for mutual TLS to the whole mesh."""
    control_plane: Literal["seen", "not_seen"]
    because: list[Evidence]
    """Why the mesh-wide mode is what it is."""
    settings: list[Evidence]
    """Where MeshConfig stands, or what is assumed in its place."""


class EventSource(msgspec.Struct):
    """A source of events, and how it talks to the brokers that it reads from."""

    ref: ObjectRef
    brokers: str
    transport: Literal["plaintext", "tls"]
    because: list[Evidence]


class Facts(msgspec.Struct):
    """The facts document of the mtls layer."""

    scope: Scope
    presence: Presence
    mesh: MeshFacts
    others: list[OtherMesh] = []
    linkerd: list[LinkerdWorkload] = []
    namespaces: list[Namespace] = []
    workloads: list[Workload] = []
    policies: list[PeerAuthentication] = []
    callers: list[Caller] = []
    edges: list[Edge] = []
    rules: list[ClientRule] = []
    headless: list[Headless] = []
    authorization: list[Authorization] = []
    knative: list[KnativeSetting] = []
    gateways: list[GatewayServer] = []
    certificates: list[Certificate] = []
    expiries: list[Expiry] = []
    trust_bundles: list[TrustBundle] = []
    events: list[EventSource] = []
