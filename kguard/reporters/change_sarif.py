# SPDX-License-Identifier: Apache-2.0
"""At which line of a pull request does a code scanning alert stand?

GitHub shows an alert in a pull request only where its lines are among those that changed. So what a
change brings stands at the changed line that brings it; the objects that suffer are related places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from kguard.model.differences import Cause, Difference, Effect
from kguard.model.findings import Finding, Policy, Report, Severity, fingerprint
from kguard.model.locations import Location
from kguard.model.manifests import ObjectRef
from kguard.reporters import sarif
from kguard.reporters.settings import Settings

_SEVERITY: dict[str, Severity] = {"opens": "medium", "cuts": "medium", "weakens": "medium"}
_TITLES = {
    "opens": "The change opens something",
    "cuts": "The change cuts an intended connection",
    "weakens": "The change weakens a protection",
}


def render(found: Difference, head: Report, settings: Settings) -> str:
    """What a change brings, as a SARIF log: new findings, and effects that none of them tells.

    Args:
        found: what the change does.
        head: the report of the changed state, for its policies and inputs.
        settings: how it is shown.
    """
    moved = anchored(head, found)
    new = {one.finding.fingerprint for one in found.new}
    findings = [finding for finding in moved.findings if finding.fingerprint in new]
    told = {one.cause for one in found.new}
    mute = [e for e in found.effects if e.kind in _SEVERITY and e.cause not in told]
    effects = [_as_finding(effect) for effect in mute]
    rules = {effect.policy: _rule(effect.policy) for effect in effects}
    whole = msgspec.structs.replace(
        moved, findings=(*findings, *effects), policies={**head.policies, **rules}
    )
    return sarif.render(whole, settings)


def anchored(report: Report, found: Difference) -> Report:
    """The report with each new finding at the changed line that brings it."""
    causes = {one.finding.fingerprint: one.cause for one in found.new if one.cause}
    findings = tuple(
        _moved(finding, causes[finding.fingerprint]) if finding.fingerprint in causes else finding
        for finding in report.findings
    )
    return msgspec.structs.replace(report, findings=findings)


def _moved(finding: Finding, cause: Cause) -> Finding:
    if cause.place is None:
        return finding
    return msgspec.structs.replace(finding, locations=tuple(_first(cause.place, finding.locations)))


def _first(place: Location, others: Iterable[Location]) -> Iterator[Location]:
    """A place before all others, which are related to it now."""
    yield msgspec.structs.replace(place, role="decides")
    for other in others:
        if (other.file, other.line, other.path) != (place.file, place.line, place.path):
            yield msgspec.structs.replace(other, role="related") if _decides(other) else other


def _decides(place: Location) -> bool:
    return place.role == "decides"


def _as_finding(effect: Effect) -> Finding:
    places: Sequence[Location] = effect.places
    if effect.cause and effect.cause.place:
        places = tuple(_first(effect.cause.place, effect.places))
    kind, _, name = effect.targets[0].partition(" ")
    namespace, _, name = name.rpartition("/")
    target = ObjectRef("", kind, namespace, name)
    policy = f"change/{effect.kind}"
    return Finding(
        fingerprint=fingerprint(policy, target, effect.text),
        policy=policy,
        layer=effect.layer,
        severity=_SEVERITY[effect.kind],
        state="open",
        target=target,
        path="",
        message=effect.text,
        locations=tuple(places),
        evidence=(),
        remedy="",
        controls=(),
    )


def _rule(policy: str) -> Policy:
    title = _TITLES[policy.partition("/")[2]]
    return Policy(
        id=policy,
        layer="change",
        package="",
        title=title,
        description=f"{title}: what is in effect after it is compared with what was before.",
        severity="medium",
        subjects="",
        remedy="",
        no_remedy="whether that is meant, only the author of the change knows",
        kind="effect",
        controls=(),
        since="",
        params={},
        input="facts",
        aliases=(),
        deprecated=False,
        related_resources=(),
        file="",
        text="",
        has_unknown=False,
        bundled=True,
    )
