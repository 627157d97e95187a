# SPDX-License-Identifier: Apache-2.0
"""Which shape have the facts about restricted pod-to-pod traffic?"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.model.facts.common import Evidence, Presence, Scope, Truth
from kguard.model.manifests import ObjectRef

Isolation = Literal["none", "open", "partial", "closed", "unknown"]
"""`none`: no policy selects the pods in this direction; `open`: policies select them and admit
everyone at every port; `closed`: nothing is admitted."""

Reach = Literal["everything", "ports", "nothing", "unknown"]
"""How much of a kind of peer can be opened: every port, some, none."""

Doubt = Literal["none", "other_policies", "not_read", "plugin", "labels"]
"""Why an answer is not certain: policies of kinds that are not evaluated, policies that could not
be read, readings in which network plugins differ, labels that the input does not tell."""

KnativePart = Literal["serving", "eventing", "no"]

Verdict = Literal["allowed", "blocked", "unknown"]

Basis = Literal[
    "environment",
    "outside",
    "configuration",
    "ingress",
    "gateway",
    "published",
    "knative",
    "eventing",
    "kafka",
    "dns",
    "webhook",
    "metrics",
    "mesh",
    "apiserver",
    "probe",
    "declared",
    "observed",
]
"""What shows that a flow is intended; `outside` is a setting with a host outside the cluster, whose
address need not be known; `declared` and `observed` come from files of the user."""


class Admission(msgspec.Struct):
    """One kind of peer, and what it can open: ports as `6379/TCP`, all of them as `*`."""

    reach: Reach
    ports: list[str]


class Opening(msgspec.Struct):
    """A rule that admits every pod of other namespaces."""

    who: str
    """The peer in words."""
    ports: list[str]
    """Those that the workload serves and pods of unknown places do not need anyway."""
    meant: list[str]
    """Workloads there of which the input shows that they connect."""
    because: list[Evidence]


class Ingress(msgspec.Struct):
    """Who can open connections to the pods."""

    isolation: Isolation
    selected: Truth
    """Whether a NetworkPolicy selects the pods in this direction."""
    internet: Admission
    """Any address outside the private ranges."""
    cluster: Admission
    """Any pod of any namespace, without being labelled for it."""
    namespace: Admission
    """Any pod of the same namespace, without being labelled for it."""
    nodes: Admission
    """Nodes of the cluster, apart from the own one, which is always admitted."""
    others: list[Opening]
    """Other namespaces whose every pod is admitted."""
    admits: list[str]
    """What the rules let in, in words, where the pods are isolated."""
    because: list[Evidence]


class Egress(msgspec.Struct):
    """What the pods can open connections to."""

    isolation: Isolation
    selected: Truth
    internet: Admission
    cluster: Admission
    own_namespace: Admission
    """Any pod of the same namespace."""
    nodes: Admission
    apiserver: Admission
    metadata: Admission
    """The metadata service of cloud providers, 169.254.169.254."""
    admits: list[str]
    because: list[Evidence]


class Workload(msgspec.Struct):
    """A workload, and how its traffic is restricted."""

    ref: ObjectRef
    serves: list[str]
    """Ports that it declares or that Services lead to, as `6379/TCP`."""
    published: list[str]
    """Those that a LoadBalancer, a NodePort, a host port, an Ingress, a gateway or a webhook
    configuration offers to clients that are no pods of the cluster."""
    host_network: bool
    knative: KnativePart
    user_ports: list[str]
    """Knative: ports of the user's container, behind the queue-proxy."""
    ingress: Ingress
    egress: Egress
    doubt: Doubt
    doubt_about: list[str]
    """The objects that leave the answer open, in words."""


class Namespace(msgspec.Struct):
    """A namespace with workloads."""

    ref: ObjectRef
    workloads: int
    policies: int
    default_deny: Truth
    """Whether every pod, also a future one, is isolated for incoming traffic."""
    because: list[Evidence]


class Defect(msgspec.Struct):
    """A part of a policy that does not do what it says."""

    path: str
    text: str
    because: list[Evidence]


class Policy(msgspec.Struct):
    """A policy of any kind that is evaluated, and what it does."""

    ref: ObjectRef
    said: str
    """The object in words: `NetworkPolicy shop/web`."""
    state: Literal["in_force", "refused", "not_enforced", "other_plugin"]
    """`not_enforced`: the network plugin enforces no policies; `other_plugin`: it does not know the
    kind."""
    selects: int
    """Workloads of the input that it selects."""
    named: bool
    """Whether its selector names any label at all."""
    near: str
    """A workload whose labels nearly match, with the difference; empty where there is none."""
    dangling: list[Defect]
    """Peers that match no pod of the input, although all pods there are known."""
    unresolved: list[Defect]
    """Port names that no pod in question declares."""
    idle: list[Defect]
    """Rules for a direction that the policy does not restrict."""
    redundant: list[Evidence]
    """What does the same without this policy; empty if it adds something."""
    repeated: list[Defect]
    """Rules that add nothing to another rule, of a policy that adds something as a whole."""
    shadowed: list[Defect]
    """Rules that never decide, because another one always decides before."""
    unreferenced: list[Defect]
    """Peers of rules that are workloads of the input, of which nothing shows that they connect."""
    problems: list[Defect]
    """Why the API server refuses it."""
    because: list[Evidence]
    tied: list[Defect] = []
    """Policies of the same tier and priority: the API does not say which of them is asked first."""


class Flow(msgspec.Struct):
    """A connection that something in the input shows to be intended."""

    source: str
    """The workload, or what else opens the connection, in words."""
    target: str
    port: str
    basis: Basis
    verdict: Verdict
    cut_by: Literal["nothing", "source", "target", "both"]
    """Whose restrictions block it."""
    ref: ObjectRef
    """The workload that suffers: the source if it is one, else the target."""
    because: list[Evidence]
    """The policies that block it, then what shows that it is intended."""
    depends: str = ""
    """What each network plugin would answer, in words, where it is not known which one runs and
    their answers differ; empty where the verdict does not depend on that."""


class Plugin(msgspec.Struct):
    """The network plugin, as far as it matters for policies."""

    name: str
    enforces: Truth
    basis: str
    """How it is known."""
    because: list[Evidence]


class Facts(msgspec.Struct):
    """The facts document of the network layer."""

    scope: Scope
    presence: Presence
    plugin: Plugin
    workloads: list[Workload]
    namespaces: list[Namespace]
    policies: list[Policy]
    flows: list[Flow]
