# SPDX-License-Identifier: Apache-2.0
"""Would one change of a cluster be admitted?

A request is denied for what it brings: findings at or above the gate that the cluster does not have
without it. Milder ones, and effects that get weaker, are warnings that the API server shows to the
user. A new finding that cannot be decided denies as well, unless that is allowed.

Authority: AdmissionReview of admission.k8s.io/v1 (k8s.io/api admission/v1/types.go), and
https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from kguard import layers
from kguard.errors import UsageError, validation
from kguard.inventory.overlay import without
from kguard.model.findings import SEVERITIES, Finding, Report, severity_at_least
from kguard.model.layer import Comparison
from kguard.model.manifests import Collected, JsonObject, Manifest, SourceText, mapping
from kguard.model.safe_text import clean
from kguard.scan import Judged
from kguard.sources import overlaid
from kguard.triage.diff import appeared

MAX_REVIEW_BYTES = 16 << 20
"""Object and former object: an API server takes 3 MiB in a request."""
MAX_WARNING = 256
"""Characters of one warning; the API server may cut longer ones."""
MAX_WARNINGS = 16
"""With `MAX_WARNING` the 4,096 characters that the API server passes on."""
MAX_MESSAGE = 4096
_WHOLE = frozenset({"", "ephemeralcontainers"})
"""Subresources whose requests carry the object that there will be; the others change no fact."""
_FORBIDDEN = 403
_HINT = (
    "an object with apiVersion admission.k8s.io/v1, kind AdmissionReview and a request; a webhook's"
    " configuration asks for it by `admissionReviewVersions: [v1]`"
)


class GroupVersionKind(msgspec.Struct):
    """The kind of the object, as the API server says it."""

    group: str = ""
    version: str = ""
    kind: str = ""


class Request(msgspec.Struct, rename="camel"):
    """What somebody wants to do (`request` of the review)."""

    uid: str
    operation: Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
    kind: GroupVersionKind = msgspec.field(default_factory=GroupVersionKind)
    sub_resource: str = ""
    namespace: str = ""
    name: str = ""
    object: JsonObject | None = None
    old_object: JsonObject | None = None

    @property
    def subject_name(self) -> str:
        """The name of the object; those of a deleted collection come without one."""
        return self.name or str(mapping((self.old_object or {}).get("metadata")).get("name", ""))


class Review(msgspec.Struct, rename="camel"):
    """The question as it comes."""

    api_version: Literal["admission.k8s.io/v1"]
    kind: Literal["AdmissionReview"]
    request: Request


class Status(msgspec.Struct):
    """Why a request is denied."""

    message: str
    code: int = _FORBIDDEN
    reason: str = "Forbidden"


class Response(msgspec.Struct, rename="camel", omit_defaults=True):
    """The decision (`response` of the review)."""

    uid: str
    allowed: bool
    status: Status | None = None
    warnings: tuple[str, ...] = ()
    audit_annotations: dict[str, str] = {}


class Answer(msgspec.Struct, rename="camel"):
    """The review as it goes back."""

    response: Response
    api_version: str = "admission.k8s.io/v1"
    kind: str = "AdmissionReview"


Judge = Callable[[Collected, frozenset[str] | None], Judged]
"""Judges a state; of some policies the findings are needed (None: of all)."""


@dataclass
class Context:
    """The cluster that requests are judged in, and how a state of it is judged."""

    collected: Collected
    judge: Judge
    gate: str = "high"
    allow_unknown: bool = False

    _before: Judged | None = None
    _asked: frozenset[str] | None = None

    def before(self, asked: frozenset[str] | None = None) -> Judged:
        """The cluster without the request, judged once; its objects have their ids then.

        Args:
            asked: the policies whose findings are needed; None: all.
        """
        enough = self._asked is None or (asked is not None and asked <= self._asked)
        if self._before is None or not enough:
            self._asked = None if asked is None else asked | (self._asked or frozenset())
            self._before = self.judge(self.collected, self._asked)
        return self._before


def read(data: bytes) -> Request:
    """The request of a review.

    Raises:
        UsageError: the text is no AdmissionReview of v1.
    """
    if len(data) > MAX_REVIEW_BYTES:
        raise UsageError(f"the review is larger than {MAX_REVIEW_BYTES >> 20} MiB")
    if not data.strip():
        raise UsageError("this is no AdmissionReview: nothing was sent", hint=_HINT)
    try:
        return msgspec.json.decode(data, type=Review).request
    except (msgspec.DecodeError, RecursionError) as error:
        message, place = validation(error)
        where = f" ({'.'.join(place)})" if place else ""
        raise UsageError(f"this is no AdmissionReview: {message}{where}", hint=_HINT) from None


def decide(request: Request, context: Context) -> Response:
    """Whether a request is admitted, and what its user should know.

    Raises:
        UsageError: the request creates or updates, and has no object.
    """
    state = _after(request, context)
    if state is None:
        return Response(request.uid, allowed=True)
    after = context.judge(state, None)
    # Only what is found after the request can be new.
    before = context.before(frozenset(finding.policy for finding in after.report.findings))
    effects = layers.compare(before.facts, after.facts)
    new = appeared(before.report.findings, after.report.findings)
    found = sorted(new, key=lambda f: (-SEVERITIES.index(f.severity), f.policy, f.message))
    against = [f for f in found if _denies(f, context)]
    mild = [*map(_line, (f for f in found if f not in against))]
    reasons, failed = [*map(_line, against)], [*_failures(after.report)]
    # A policy that failed has not looked: what it would have found is unknown.
    (mild if context.allow_unknown else reasons).extend(failed)
    return Response(
        request.uid,
        allowed=not reasons,
        status=Status(_message(reasons)) if reasons else None,
        warnings=_warnings(mild, effects),
        audit_annotations=_annotations(found),
    )


def _after(request: Request, context: Context) -> Collected | None:
    """The cluster after the request; None where it changes nothing that is judged."""
    if changes_nothing(request):
        return None
    base = context.collected
    if request.operation != "DELETE":
        if request.object is None:
            raise UsageError("the request has no object")
        return overlaid(base, Collected([_manifest(request, request.object)]))
    context.before()
    kept = without(base.manifests, {identity(request)})
    return msgspec.structs.replace(base, manifests=kept)


def _manifest(request: Request, item: JsonObject) -> Manifest:
    """The object of a request, with what its address alone may say."""
    metadata = dict(mapping(item.get("metadata")))
    if request.namespace:
        metadata.setdefault("namespace", request.namespace)
    if not metadata.get("name"):
        metadata["name"] = request.name or metadata.get("generateName") or ""
    text = SourceText(file="", index=0, line=0, text="", cluster="request", overlay=True)
    return Manifest({**item, "metadata": metadata}, text)


def subject(request: Request) -> Manifest | None:
    """The object of a request, with its identity; None where it brings none."""
    if request.object is None:
        return None
    kind = request.kind
    manifest = _manifest(request, request.object)
    manifest.api_version = f"{kind.group}/{kind.version}" if kind.group else kind.version
    manifest.kind, manifest.namespace = kind.kind, request.namespace
    manifest.name = str(mapping(manifest.metadata).get("name", ""))
    manifest.id = _id(request, manifest.name)
    return manifest


def changes_nothing(request: Request) -> bool:
    """Whether no fact depends on what the request does."""
    return request.sub_resource not in _WHOLE or request.operation == "CONNECT"


def identity(request: Request) -> str:
    """`Manifest.id` of the object that the request is about."""
    return _id(request, request.subject_name)


def _id(request: Request, name: str) -> str:
    kind = request.kind
    named = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    return f"{named}/{request.namespace or '-'}/{name}"


def _denies(finding: Finding, context: Context) -> bool:
    undecided = finding.state == "unknown" and context.allow_unknown
    return severity_at_least(finding.severity, context.gate) and not undecided


def _failures(report: Report) -> Iterator[str]:
    """The policies that gave no answer."""
    for entry in report.incomplete:
        if entry.source.startswith("policy "):
            yield clean(f"{entry.source} cannot be decided: {entry.reason}")


def _message(reasons: Iterable[str]) -> str:
    text = "; ".join(reasons)
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"


def _line(finding: Finding) -> str:
    doubt = "cannot be decided: " if finding.state == "unknown" else ""
    return clean(f"{finding.policy}: {doubt}{finding.message}")


def _warnings(mild: Iterable[str], effects: Comparison) -> tuple[str, ...]:
    found = [*mild, *_effects(effects)]
    short = [text if len(text) <= MAX_WARNING else text[: MAX_WARNING - 1] + "…" for text in found]
    if len(short) <= MAX_WARNINGS:
        return tuple(short)
    return (*short[: MAX_WARNINGS - 1], f"and {len(short) - MAX_WARNINGS + 1} more")


def _effects(effects: Comparison) -> Iterator[str]:
    for word, changes in (
        ("weaker", effects.weaker),
        ("opens", effects.opened),
        ("cuts", effects.cut),
    ):
        for change in changes:
            yield clean(f"{word}: {change.target}: {change.text}")


def _annotations(findings: Iterable[Finding]) -> dict[str, str]:
    """What the API server's audit log keeps of the decision."""
    policies = ",".join(sorted({finding.policy for finding in findings}))
    return {"findings": policies} if policies else {}
