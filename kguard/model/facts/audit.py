# SPDX-License-Identifier: Apache-2.0
"""What shape have the facts about audit logging?"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.model.facts.common import Evidence, Presence, Scope
from kguard.model.manifests import ObjectRef

How = Literal[
    "kubeadm",
    "pod",
    "kind",
    "cluster-api",
    "k3s",
    "rke2",
    "script",
    "rancher",
    "talos",
    "kops",
    "gardener",
    "openshift",
    "eks",
    "aks",
    "gke",
    "metrics",
]
Backend = Literal["log", "webhook", "both", "none", "managed", "unknown"]
Verdict = Literal["proven-on", "proven-off", "policy-unknown", "managed-unknown", "unknown"]
Level = Literal["None", "Metadata", "Request", "RequestResponse", "unknown"]
Floor = Literal["None", "Metadata", "Request", "RequestResponse"]
PolicyState = Literal["valid", "invalid", "absent", "managed", "unknown"]
Validity = Literal["valid", "invalid", "unknown"]
LossCause = Literal[
    "webhook-batch",
    "log-batch",
    "log-not-kept",
    "truncated",
    "best-effort",
    "reads-left-out",
    "not-written",
    "requests-refused",
]
Recording = Literal["on", "off", "unknown"]
Counted = Literal["recording", "silent", "off", "unknown", "none"]


class Request(msgspec.Struct, frozen=True):
    """One concrete request: the witness of a hole. An empty user is a failed authentication."""

    user: str
    groups: list[str]
    verb: str
    api_group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    text: str
    """The request in words."""


class Retention(msgspec.Struct, frozen=True):
    """One limit of the log; 0 stands for no limit, -1 for unknown."""

    flag: Literal["audit-log-maxage", "audit-log-maxbackup", "audit-log-maxsize"]
    state: Literal["set", "default", "unknown"]
    value: int
    because: list[Evidence]


class Loss(msgspec.Struct, frozen=True):
    """A way in which the backend loses events that the policy records."""

    cause: LossCause
    text: str
    because: list[Evidence]


class Server(msgspec.Struct, frozen=True):
    """One configuration of an API server."""

    ref: ObjectRef
    how: How
    version: str
    recording: Recording
    """Whether any event can be written: a policy and a backend are both there."""
    verdict: Verdict
    """How sure that is: `policy-unknown` has all flags but no policy to read, `managed-unknown` is
    a provider's server about which the input says nothing."""
    backend: Backend
    policy: PolicyState
    policy_file: str
    policy_name: str
    """The audit policy of `Facts.policies` that it uses; empty where there is none."""
    policy_reach: Literal["mounted", "missing", "unknown"]
    """Whether the server's container sees the policy file."""
    log_reach: Literal["kept", "lost", "read-only", "unknown"]
    """Whether what is written to the log outlives the container."""
    retention: list[Retention]
    losses: list[Loss]
    because: list[Evidence]
    """Why it records or does not."""
    because_reach: list[Evidence]
    counted: Counted = "none"
    """What its counters show; `none`: they are not in the input. `silent` means many requests and
    no event, `off` that no request was judged, `unknown` too few requests."""


class Hole(msgspec.Struct, frozen=True):
    """Requests of a family that one rule of the policy records too thinly."""

    rule: str
    """The rule in words; `no rule` where none matches."""
    level: Level
    cause: Literal["level", "stages"]
    witness: Request
    because: list[Evidence]


class OwnFamily(msgspec.Struct, frozen=True):
    """A class of requests that the user's settings ask for."""

    id: str
    floor: Floor
    groups: list[str]
    title: str = ""
    resources: tuple[str, ...] = ("*",)
    verbs: tuple[str, ...] = ("create", "update", "patch", "delete", "deletecollection")


class Profile(msgspec.Struct, frozen=True):
    """How the user's settings change floors and ceilings; empty: the defaults hold."""

    floors: dict[str, Floor] = {}
    ceilings: dict[str, Floor] = {}
    families: list[OwnFamily] = []


class Family(msgspec.Struct, frozen=True):
    """A class of management operations: what must be recorded, and what is."""

    id: str
    title: str
    floor: Level
    level: Level
    """The weakest level at which any request of the family is recorded."""
    state: Literal["recorded", "hole", "unknown"]
    in_use: Literal["true", "false"]
    """Whether the objects that the family is about occur in the input (or are always there)."""
    holes: list[Hole]
    origin: Literal["built-in", "own"] = "built-in"
    """Whether the user's settings add it."""


class Excess(msgspec.Struct, frozen=True):
    """Content that must not be in the log and is written there."""

    limit: Literal["secret_bodies", "token_bodies", "configmap_bodies"]
    title: str
    rule: str
    level: Level
    witness: Request
    because: list[Evidence]


class Lint(msgspec.Struct, frozen=True):
    """A part of the policy that does not do what it seems to."""

    kind: Literal["ignored-field", "shadowed", "never-matches", "not-served"]
    path: str
    text: str
    because: list[Evidence]


class Recorded(msgspec.Struct, frozen=True):
    """Resources and verbs that the policy records alike: the highest level at each stage.

    Resources are `resource` or `resource/subresource` whatever their group; `*` stands for those
    of groups that Kubernetes does not serve itself, the empty word for requests about none.
    """

    resources: list[str]
    verbs: list[str]
    levels: dict[str, Level]
    """By stage: `RequestReceived`, `ResponseStarted`, `ResponseComplete`."""
    because: list[Evidence]
    """The rule that records most of the completed request."""


class Problem(msgspec.Struct, frozen=True):
    """A reason why the API server refuses the policy."""

    path: str
    text: str
    because: list[Evidence]


class Unseen(msgspec.Struct, frozen=True):
    """Somebody who may act as others, and a rule that leaves requests that he sends out."""

    subject: str
    rule: str
    because: list[Evidence]


Route = Literal[
    "impersonate",
    "host-pods",
    "node-proxy",
    "apiserver-exec",
    "kubeadm-config",
    "openshift-apiserver",
    "cluster-api",
    "rancher",
]


class Defeat(msgspec.Struct, frozen=True):
    """A binding that lets somebody hide from the audit log or switch it off."""

    ref: ObjectRef
    subject: str
    route: Route
    text: str
    because: list[Evidence]


class Noise(msgspec.Struct, frozen=True):
    """Requests that may be dropped, and the highest level at which any of them is recorded."""

    title: str
    level: Level


class AuditPolicy(msgspec.Struct, frozen=True):
    """An audit policy of the input, or one that a distribution brings along."""

    ref: ObjectRef
    name: str
    origin: Literal["object", "built-in"]
    servers: list[str]
    """The API servers of the input that use it."""
    state: Validity
    problems: list[Problem]
    families: list[Family]
    concerns: list[Family]
    """The nine security concerns of CIS 3.2.2, each as a family."""
    excesses: list[Excess]
    lints: list[Lint]
    recorded: list[Recorded]
    """What a reader of the log can see at best; empty: the policy is invalid or too complex."""
    because: list[Evidence]
    unseen: list[Unseen] = []
    """Who can hide behind a rule at level None, because he may impersonate others."""
    noise: list[Noise] = []
    """Requests of components of Kubernetes that nobody misses."""


class Divergence(msgspec.Struct, frozen=True):
    """An audit flag that replicas of one control plane do not have alike."""

    ref: ObjectRef
    """The replica that differs from the first one."""
    flag: str
    text: str
    because: list[Evidence]


class Facts(msgspec.Struct, frozen=True):
    """The facts document of the audit layer."""

    scope: Scope
    presence: Presence
    servers: list[Server]
    policies: list[AuditPolicy]
    divergences: list[Divergence] = []
    defeats: list[Defeat] = []
    profile: Profile = Profile()
    """What the user's settings change of the requirement."""
    unread: list[Evidence] = []
    """What was asked for and could not be read, so that there may be more than is seen here."""
