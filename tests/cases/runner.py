# SPDX-License-Identifier: Apache-2.0
"""How is a case folder judged: `tests/cases/<layer>/<name>/{in/, base/?, kguard.yaml?, expected.yaml}`?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from kguard import config, sources
from kguard.engine import catalog
from kguard.engine.embedded import EmbeddedEngine
from kguard.inventory import build
from kguard.layers import JOINED, NAMES, load
from kguard.model.findings import LAYERS, Finding
from kguard.model.manifests import Collected
from kguard.model.remedies import Edit
from kguard.remediation.plan import Plan, Wishes, make
from kguard.scan import Judged, Options, scan
from kguard.sources.falco_rules import add_base_rules
from kguard.sources.files import display_path
from kguard.triage import waivers

CASES = Path(__file__).parent
AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """One case folder; `layer` is the one layer that it runs (`cross` needs all of them)."""

    folder: Path

    @property
    def layer(self) -> str:
        return self.folder.parent.name

    @property
    def id(self) -> str:
        return f"{self.layer}/{self.folder.name}"

    @property
    def settings(self) -> config.Config:
        path = self.folder / "kguard.yaml"
        return config.read(path) if path.exists() else config.Config()


def cases() -> list[Case]:
    return [Case(folder.parent) for folder in sorted(CASES.glob("*/*/in")) if folder.is_dir()]


class LoadedOnce(EmbeddedEngine):
    """An engine that compiles the shipped policies once for all cases."""

    def __init__(self) -> None:
        super().__init__()
        policies = catalog.bundled()
        self.failures = super().load(policies, {})

    def load(self, policies, libraries):
        del policies, libraries
        return self.failures


def read_inputs(case: Case, folder: str = "in") -> Collected:
    wanted = tuple(pattern for name in NAMES for pattern in load(name).files)
    settings = case.settings
    collected = sources.collect(
        [str(case.folder / folder)],
        sources.Options(patterns=wanted, render="never", namespace=settings.namespace),
    )
    add_base_rules(map(settings.path, settings.falco.rules), collected)
    for holder in (
        *(m.text for m in collected.manifests),
        *(d.text for d in collected.documents),
        *collected.files,
    ):
        holder.file = _short(holder.file)
    for rules in collected.base_rules:
        rules.file = rules.file.removeprefix(f"{display_path(case.folder)}/")
    collected.not_evaluated = [
        msgspec.structs.replace(entry, source=_short(entry.source))
        for entry in collected.not_evaluated
    ]
    return collected


def _short(name: str) -> str:
    """The part of a displayed path from `in/` on."""
    return "in/" + name.rpartition("/in/")[2] if "/in/" in name else name


def judge(case: Case, collected: Collected, engine: Any, layers: tuple[str, ...] = ()) -> Judged:
    settings = case.settings
    options = Options(
        config=settings,
        scope=settings.scope or "app",
        at=AT,
        layers=layers or (LAYERS if case.layer == JOINED else (case.layer,)),
        policies=_joining() if case.layer == JOINED else (),
        namespace=settings.namespace,
        inputs=("in",),
        approved=_approved(case),
    )
    return scan(collected, options, engine)


def _approved(case: Case) -> frozenset[str] | None:
    """The waivers that count where a case has a folder `base`: those of its manifests."""
    if not (case.folder / "base").is_dir():
        return None
    collected = read_inputs(case, "base")
    return frozenset(w.identity for w in waivers.inline(collected, build(collected)))


def _joining() -> tuple[str, ...]:
    """The policies on what layers do to one another; they need the facts of all layers."""
    return tuple(policy.id for policy in catalog.bundled() if policy.layer == JOINED)


def line(finding: Finding) -> dict[str, str]:
    """A finding as expected.yaml holds it."""
    place = next((p for p in finding.locations if p.role == "decides"), None)
    row = {"policy": finding.policy, "target": str(finding.target)}
    if finding.path:
        row["path"] = finding.path
    if place is not None and place.file:
        row["at"] = f"{place.file}:{place.line}"
    if finding.state != "open":
        row["state"] = finding.state
    return row


def expected(case: Case) -> dict[str, Any]:
    path = case.folder / "expected.yaml"
    return yaml.safe_load(path.read_text()) if path.exists() else {}


def write_expected(case: Case, judged: Judged) -> None:
    rows = [line(finding) for finding in judged.report.findings]
    text = yaml.safe_dump({"findings": rows}, sort_keys=False, width=100)
    (case.folder / "expected.yaml").write_text(text)


def fix(case: Case, collected: Collected, engine: Any) -> Plan:
    """The remedies of a case, proved."""
    judged = judge(case, collected, engine)
    return make(judged, lambda changed: judge(case, changed, engine), Wishes())


def summary(plan: Plan) -> dict[str, Any]:
    """A plan as remedy.yaml holds it."""
    proof = plan.proof
    return {
        "closes": [f"{closed.policy} {closed.target}" for closed in proof.closes],
        "writes": sorted(plan.applied.created),
        "changes": sorted({proposal.ref for proposal in proof.accepted if _edits(proposal)}),
        "refuses": [f"{r.reason}: {r.counterexample}" for r in proof.refused],
        "cannot": [c.reason for c in proof.cannot],
    }


def _edits(proposal: Any) -> bool:
    return isinstance(proposal, Edit)


def expected_remedy(case: Case) -> dict[str, Any]:
    path = case.folder / "remedy.yaml"
    return yaml.safe_load(path.read_text()) if path.exists() else {}


def write_remedy(case: Case, plan: Plan) -> None:
    found = {key: value for key, value in summary(plan).items() if value}
    path = case.folder / "remedy.yaml"
    if found:
        path.write_text(yaml.safe_dump(found, sort_keys=False, width=100, allow_unicode=True))
    elif path.exists():
        path.unlink()
