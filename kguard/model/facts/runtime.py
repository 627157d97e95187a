# SPDX-License-Identifier: Apache-2.0
"""Which shape have the facts about runtime detection?"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.model.facts.common import Evidence, Presence, Scope, Truth
from kguard.model.facts.falco import (
    Artifact,
    Careless,
    Driver,
    DriverState,
    Drop,
    DropState,
    Fetch,
    LoadedFile,
    LoadState,
    Means,
    Protection,
    Receiver,
    Route,
    Tamper,
)
from kguard.model.manifests import ObjectRef

__all__ = [
    "Artifact",
    "Careless",
    "Driver",
    "DriverState",
    "Drop",
    "DropState",
    "Fetch",
    "LoadState",
    "LoadedFile",
    "Means",
    "Protection",
    "Receiver",
    "Route",
    "Tamper",
]

Kind = Literal["daemonset", "deployment", "pod", "operator", "values", "file"]
"""How Falco is installed; `values` is a values file of its chart, `file` a lone falco.yaml."""

RulesState = Literal["loads", "invalid", "empty", "unknown"]
"""`invalid`: Falco refuses to start; `empty`: it starts and no rule is in force."""

BaseRules = Literal["present", "named", "proved", "absent"]
"""Where the rules that come with Falco are: in the input, named by the user, named and proved by
what the running Falco has loaded, or nowhere."""

VersionBasis = Literal["running", "written", "assumed", "unknown"]
Reach = Literal["every_node", "some_nodes", "unknown"]
Feature = Literal["grpc_output", "grpc_server", "legacy_ebpf", "gvisor"]
Effect = Literal["dead", "disabled", "hidden"]
"""What is lost: the rule can never match, is switched off, or lies below the minimum priority."""

Cause = Literal["macro", "list", "rule", "selection", "priority", "syscalls", "volume", "itself"]
"""`syscalls`: the configuration takes them out; `volume`: Falco leaves them out by itself."""
Breadth = Literal[
    "specific",
    "pattern",
    "namespace",
    "registry",
    "user",
    "circumstance",
    "all_but",
    "everything",
    "unknown",
]
"""How much a change leaves out, from narrow to wide: a program, file, image or address; a few
letters; everything in a namespace, from a registry or of a user; a property that attacks share with
everything else (a type of event, a flag); everything but what is named; everything."""

NodeState = Literal["watched", "unwatched", "unwatchable", "unknown"]
Obstacle = Literal[
    "none",
    "node_name",
    "node_selector",
    "affinity",
    "taint",
    "platform",
    "kernel",
    "no_daemonset",
    "not_running",
]
"""`no_daemonset`: no Falco of the input runs on every node; `platform`: no Falco could see system
calls there; `kernel`: this driver cannot; `not_running`: it should run there, and does not."""
DetectionState = Literal["fires", "hidden", "silent", "unknown"]


class Removed(msgspec.Struct):
    """Something configured that the running version no longer has."""

    feature: Feature
    state: Literal["removed", "unknown"]
    """`unknown`: the version is not known."""
    because: list[Evidence]


class Installation(msgspec.Struct):
    """One Falco, in whatever shape it is written."""

    ref: ObjectRef
    kind: Kind
    version: str
    version_basis: VersionBasis
    config: Literal["read", "default", "unknown"]
    """`default`: nothing overrides what the image brings along."""
    outputs: list[str]
    """The outputs that are on."""
    delivered: Truth
    """Whether an alert reaches anyone outside Falco's own pod."""
    delivery: list[Evidence]
    rules: RulesState
    base_rules: BaseRules
    loaded: int
    enabled: int
    dead: int
    minimum_priority: str
    reasons: list[Evidence]
    """Why `rules` is what it is."""
    reach: Reach
    removed: list[Removed]
    shadows_judged: Literal["all", "some", "none"]
    """How many pairs of rules were compared; `none` where every rule that matches raises an
    alert, or where the rules are not known."""
    lost_state: list[str]
    """System calls without which Falco cannot tell processes apart, as `base_syscalls` leaves
    them out."""
    state_because: list[Evidence]
    because: list[Evidence]
    unheard: list[str] = []
    """Rules in force whose alerts every way refuses: they are not grave enough for it."""
    drops: DropState = "unknown"
    drops_because: list[Evidence] = []
    queue: int = 0
    """Alerts that wait for slow outputs at most; 0: no limit."""
    nodes: list[str] = []
    """The nodes that this is about, where the rules differ from node to node; empty: all."""


ProblemClass = Literal[
    "yaml",
    "structure",
    "condition",
    "output",
    "definition",
    "engine",
    "plugin",
    "ignored",
    "slow",
    "suspicious",
    "deprecated",
    "no_effect",
    "name",
    "unused",
]
"""What a problem is about. Errors: the YAML, the structure of items, conditions, outputs,
definitions that do not fit together, a newer engine or a plugin that is needed. Warnings: a part is
ignored, a rule is held against every event, a comparison means something else than it says,
something is deprecated, an exception adds nothing, a name breaks the rules, a definition is not
used."""


class Problem(msgspec.Struct):
    """An error or a warning that Falco gives about a rules file."""

    ref: ObjectRef
    file: str
    level: Literal["error", "warning"]
    code: str
    """Falco's own code; empty for a plugin that is missing, which has none."""
    about: ProblemClass
    message: str
    item: str
    """The rule, macro or list, by name."""
    because: list[Evidence]


class Loss(msgspec.Struct):
    """One item that takes rules out of force."""

    ref: ObjectRef
    effect: Effect
    cause: Cause
    name: str
    """The macro, list, rule, or pattern of the selection."""
    rules: list[str]
    of: int
    """How many rules are loaded in all."""
    explanation: str
    file: str
    """The rules file with the item; empty where the configuration is the cause."""
    line: int
    """The line of the item in that file, from 1; 0 where there is none to take out."""
    because: list[Evidence]


class Weakening(msgspec.Struct):
    """One change after which rules see less, or tell of it with less urgency."""

    ref: ObjectRef
    installation: ObjectRef
    """The Falco, or the rules files, that load it."""
    cause: Literal["macro", "list", "rule"]
    name: str
    effect: Literal["narrowed", "demoted", "unknown"]
    """`demoted`: a lower priority; `unknown`: there are too many changes to try each."""
    breadth: Breadth
    excluded: list[str]
    """What the rules no longer see, as conditions, the first few."""
    detections: list[str]
    """Ids of the scenarios that these rules saw and no longer see."""
    rules: list[str]
    file: str
    line: int
    because: list[Evidence]


class Shadow(msgspec.Struct):
    """A rule that never raises an alert, because an earlier one takes all of its events."""

    ref: ObjectRef
    installation: ObjectRef
    rule: str
    priority: str
    by: str
    by_priority: str
    because: list[Evidence]


class Rule(msgspec.Struct):
    """One loaded rule."""

    installation: ObjectRef
    name: str
    priority: str
    enabled: bool
    state: Literal["live", "dead", "unknown"]


class AuditRule(msgspec.Struct):
    """A rule in force about audit events, and what the audit log must hold for it to fire.

    `*` stands for values that the rule does not name; the resource `` for requests about none.
    """

    installation: ObjectRef
    name: str
    level: Literal["Metadata", "Request", "RequestResponse"]
    stages: list[str]
    verbs: list[str]
    resources: list[str]
    subresources: list[str]
    because: list[Evidence]
    """Where the rule is defined."""


class Taint(msgspec.Struct):
    """A taint that nothing tolerates."""

    key: str
    value: str
    effect: str


class Node(msgspec.Struct):
    """A node of the cluster and whether a Falco watches it."""

    ref: ObjectRef
    state: NodeState
    obstacle: Obstacle
    detail: str
    taints: list[Taint]
    installation: ObjectRef
    """The Falco that comes nearest to it."""
    only_here: list[str]
    """Workloads (`namespace/name`) that can run on no watched node, the first few by name."""
    because: list[Evidence]
    runs_here: list[str] = []
    """Workloads whose pods are here now, the first few by name; only for nodes without Falco."""


class BlindSpot(msgspec.Struct):
    """A workload whose system calls never reach the kernel of the node."""

    ref: ObjectRef
    runtime_class: str
    handler: str
    """The handler of the RuntimeClass; empty where that object is not in the input."""
    because: list[Evidence]


class Detection(msgspec.Struct):
    """Something that an attacker does, and the rule that would notice it."""

    installation: ObjectRef
    id: str
    title: str
    asked: bool
    """Whether the user added it, in `runtime.scenarios` of kguard.yaml."""
    state: DetectionState
    rule: str
    priority: str
    because: list[Evidence] = []
    """What took the rule away that would notice it, if something did."""
    nodes: list[str] = []
    """Where it is so, if it is different on other nodes; empty: everywhere."""


class Ordinary(msgspec.Struct):
    """Something that happens all the time, for which a rule in force raises an alert."""

    installation: ObjectRef
    id: str
    title: str
    rule: str
    priority: str
    because: list[Evidence]


ResponseEffect = Literal["cuts", "stops", "notes", "unknown"]
"""`cuts`: connections; `stops`: pods or a node; `notes`: labels, logs, captures."""


class Response(msgspec.Struct):
    """Something that Falco Talon does by itself when an alert comes."""

    ref: ObjectRef
    name: str
    """The rule of Talon."""
    action: str
    actionner: str
    effect: ResponseEffect
    rules: list[str]
    """Names of Falco's rules whose alerts it is done for; empty: the rule chooses otherwise."""
    because: list[Evidence]


class Alerts(msgspec.Struct):
    """Alerts of one rule about one workload, as PolicyReports of the input hold them."""

    ref: ObjectRef
    """The workload of the input, or the report where that is not certain."""
    rule: str
    priority: str
    count: int
    first: str
    """RFC 3339; empty where it is not known."""
    last: str
    because: list[Evidence]


class Facts(msgspec.Struct):
    """The facts document of the runtime layer."""

    scope: Scope
    presence: Presence
    subject: ObjectRef
    """The cluster as a whole, for findings about absence."""
    installations: list[Installation] = []
    loaded_files: list[LoadedFile] = []
    artifacts: list[Artifact] = []
    drivers: list[Driver] = []
    drops: list[Drop] = []
    routes: list[Route] = []
    receivers: list[Receiver] = []
    problems: list[Problem] = []
    losses: list[Loss] = []
    weakened: list[Weakening] = []
    shadows: list[Shadow] = []
    rules: list[Rule] = []
    audit_rules: list[AuditRule] = []
    nodes: list[Node] = []
    blind_spots: list[BlindSpot] = []
    detections: list[Detection] = []
    tampering: list[Tamper] = []
    alerts: list[Alerts] = []
    responses: list[Response] = []
    ordinary: list[Ordinary] = []
