# SPDX-License-Identifier: Apache-2.0
"""How does an input become a report? The pipeline, one short step after the other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from kguard import layers
from kguard.config import Config, Identity
from kguard.engine import catalog
from kguard.engine.base import Batch, Engine, Failure, Verdict, verdicts
from kguard.engine.judging import AtOnce, Judging
from kguard.inventory import Inventory, build
from kguard.inventory.places import Places
from kguard.model.findings import (
    FAMILIES,
    SEVERITIES,
    Assumed,
    Finding,
    Incomplete,
    LayerCoverage,
    Policy,
    RawFinding,
    Report,
    fingerprint,
)
from kguard.model.layer import Request
from kguard.model.manifests import Collected, ObjectRef
from kguard.selection import Chosen, Options, chosen, joined, select
from kguard.triage import baseline, waivers

__all__ = [
    "Judged",
    "Options",
    "compute",
    "inventory_of",
    "nothing_read",
    "order",
    "scan",
    "select",
]

_FIRST, _LAST = "images", "network"
"""The layers whose facts are computed first and last. Those of images are soon there and take long
to judge; those of the network take longest, and the engine is done with all the others by then."""
_WAIVERS = "waivers"
"""The subjects of policies that judge the waivers, after everything else."""


class Judged(msgspec.Struct, frozen=True):
    """A report with what it was made of, for remedies and explanations."""

    report: Report
    inventory: Inventory
    facts: dict[str, Any]
    """The facts structs, by layer."""


def scan(
    collected: Collected,
    options: Options,
    engine: Engine,
    policies: Chosen | None = None,
    *,
    beside: bool = True,
    asked: Collection[str] | None = None,
) -> Judged:
    """Judge everything that the sources yielded.

    Args:
        collected: manifests, plain documents and what could not be read.
        options: what the user asked for.
        engine: an engine without policies; it is loaded here and left open.
        policies: those that the options choose, where they are known already.
        beside: whether the engine works while the next facts are computed; a handful of objects is
            judged in less time without.
        asked: the policies whose findings are needed, where those of others are not; None: all.

    Raises:
        UsageError: a policy was asked for that does not exist.
        ConfigError: waivers or baseline cannot be read.
        PolicyError: a policy's METADATA is wrong, or it returned something of the wrong shape.
    """
    run = policies or chosen(options)
    facts: dict[str, Any] = {}
    found: list[Finding] = []
    worker = None if beside else AtOnce()
    wanted = _wanted(run.policies, asked)
    with Judging(engine, run.policies, run.libraries, worker) as judging:
        inventory = inventory_of(collected, options)
        for batch in _batches(run.policies, _kept(facts, inventory, options), inventory, options):
            some = tuple(policy for policy in batch.policies if policy.id in wanted)
            if some:
                judging.submit(msgspec.structs.replace(batch, policies=some))
        places = Places(inventory)
        for raw in judging.findings():
            found += _concrete(raw, run.policies, places, options)
    failures = [*run.failures, *judging.failures]
    facts = _ordered(facts)
    asked_late = tuple(p for p in run.policies if p.subjects == _WAIVERS and p.id in wanted)
    found, late = _triage(found, engine, asked_late, places, options)
    report = _report(found, failures + late, run, facts, inventory, options)
    return Judged(report, inventory, facts)


def _wanted(policies: Iterable[Policy], asked: Collection[str] | None) -> frozenset[str]:
    """The policies that are evaluated; all of them where it matters what waivers are used for."""
    known = {policy.id: policy for policy in policies}
    if asked is None or any(p in known and known[p].subjects == _WAIVERS for p in asked):
        return frozenset(known)
    return frozenset(asked)


def inventory_of(collected: Collected, options: Options) -> Inventory:
    """The typed index of the input, with what is assumed about the cluster."""
    config = options.config
    settings = msgspec.to_builtins(config.cluster)
    assume = {k: Assumed(v, "configured", "kguard.yaml") for k, v in settings.items() if v}
    assume |= {k: Assumed(v, "configured", "--assume") for k, v in options.assume.items()}
    return build(collected, namespace=options.namespace, assume=assume, templates=config.workloads)


def compute(inventory: Inventory, options: Options) -> dict[str, Any]:
    """The facts structs of the layers that were asked for."""
    return _ordered(dict(_each(inventory, options)))


def _ordered(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in layers.DOCUMENTS if name in facts}


def _each(inventory: Inventory, options: Options) -> Iterator[tuple[str, Any]]:
    """The facts structs, each as soon as it is there."""
    config = options.config
    request = Request(
        scope=options.scope,
        at=options.at,
        evidence_dirs=(
            *options.evidence_dirs,
            *(config.subject(name) for name in config.trust.evidence),
        ),
        trust_roots=(
            *options.trust_roots,
            *(config.path(name) for name in (*config.trust.roots, *config.trust.keys)),
        ),
        identities=tuple(_identity(i, config) for i in config.trust.identities),
        registry=options.registry,
        approved=options.approved,
        settings={
            **msgspec.to_builtins({"audit": config.audit, "runtime": config.runtime}),
            **config.image_blocks(options.cache),
        },
        progress=options.progress,
    )
    found: dict[str, Any] = {}
    for name in sorted(options.layers, key=lambda name: (name == _LAST, name != _FIRST)):
        found[name] = layers.load(name).facts(inventory, request)
        yield name, found[name]
    if joined(options):
        yield layers.JOINED, layers.load(layers.JOINED).facts(_ordered(found), request)


def _kept(
    facts: dict[str, Any], inventory: Inventory, options: Options
) -> Iterator[tuple[str, Any]]:
    """The facts structs as they come, kept in `facts`."""
    for name, document in _each(inventory, options):
        facts[name] = document
        yield name, document


def _identity(identity: Identity, config: Config) -> dict[str, str]:
    found: dict[str, str] = msgspec.to_builtins(identity)
    return {**found, "key": config.path(identity.key)} if identity.key else found


def _batches(
    policies: Sequence[Policy],
    documents: Iterable[tuple[str, Any]],
    inventory: Inventory,
    options: Options,
) -> Iterator[Batch]:
    for name, document in documents:
        mine = tuple(
            p for p in policies if p.layer == name and p.input == "facts" and p.subjects != _WAIVERS
        )
        if mine:
            yield Batch(name, _document(document, mine, options), mine)
    objects = tuple(p for p in policies if p.input == "objects")
    if objects:
        document = {"objects": [m.object for m in inventory.manifests], "scope": options.scope}
        yield Batch("objects", _document(document, objects, options), objects)
    adopted = tuple(p for p in policies if p.input == "adopted")
    if adopted:
        from kguard.engine.adopted.document import document as of_adopted

        subjects = of_adopted(adopted, inventory)
        yield Batch("adopted", _document(subjects, adopted, options), adopted)


def _document(document: Any, policies: Sequence[Policy], options: Options) -> bytes:
    """The input of a batch: a facts document with the policies' parameters."""
    settings = options.config.policies
    params = {
        policy.id: catalog.parameters(
            policy, settings[policy.id].params if policy.id in settings else {}
        )
        for policy in policies
        if policy.params
    }
    body = msgspec.json.encode(document)
    head = b'{"params":' + msgspec.json.encode(params)
    return b"".join((head, b"," if body != b"{}" else b"", memoryview(body)[1:]))


def _concrete(
    raw: Iterable[RawFinding], policies: Sequence[Policy], places: Places, options: Options
) -> list[Finding]:
    """The findings of some policies, each once and with its places."""
    by_id = {policy.id: policy for policy in policies}
    left_out = set(options.config.namespaces.exclude)
    chosen: dict[str, RawFinding] = {}
    for entry in raw:
        if _home(entry.target) in left_out:
            continue
        kind = f"{entry.path}?unknown" if entry.unknown else entry.path
        name = fingerprint(entry.policy, entry.target, kind)
        if name not in chosen or entry.message < chosen[name].message:
            chosen[name] = entry
    return [_finding(name, entry, by_id[entry.policy], places) for name, entry in chosen.items()]


def _home(target: ObjectRef) -> str:
    """The namespace of an object; of a Namespace, itself."""
    return target.name if (target.kind, target.group) == ("Namespace", "") else target.namespace


def order(finding: Finding) -> tuple[Any, ...]:
    """Reports list findings by layer, severity, policy and target."""
    return (
        FAMILIES.index(finding.layer),
        -SEVERITIES.index(finding.severity),
        finding.policy,
        finding.target,
        finding.path,
        finding.state,
    )


def _finding(name: str, raw: RawFinding, policy: Policy, places: Places) -> Finding:
    quotes, locations = [], []
    for evidence in raw.evidence:
        quote, location = places.quote(evidence)
        quotes.append(quote)
        if location and location not in locations:
            locations.append(location)
    return Finding(
        fingerprint=name,
        policy=policy.id,
        layer=policy.layer,
        severity=raw.severity or policy.severity,
        state="unknown" if raw.unknown else "open",
        target=raw.target,
        path=raw.path,
        message=raw.message,
        locations=tuple(locations),
        evidence=tuple(quotes),
        remedy=policy.remedy,
        controls=policy.controls,
    )


def _triage(
    found: list[Finding],
    engine: Engine,
    policies: Sequence[Policy],
    places: Places,
    options: Options,
) -> tuple[list[Finding], list[Failure]]:
    """Apply waivers and baseline; the waivers themselves are judged by these policies, too."""
    inventory = places.inventory
    known = waivers.counted(waivers.inline(inventory.collected, inventory), options.approved)
    if options.waivers_file:
        known += waivers.read(Path(options.waivers_file))
    outcome = waivers.apply(found, known, options.at.date())
    judged: list[Verdict] = []
    if policies:
        batch = Batch(_WAIVERS, _document(outcome.facts, policies, options), tuple(policies))
        judged += verdicts(engine, batch)
    raw = chain.from_iterable(verdict.raw for verdict in judged)
    marked = (*outcome.findings, *_concrete(raw, policies, places, options))
    before = (
        baseline.read(Path(options.baseline_file), options.cluster)
        if options.baseline_file
        else frozenset()
    )
    marked = baseline.apply(marked, before | options.known)
    return sorted(marked, key=order), [v.failure for v in judged if v.failure]


def _report(
    found: Sequence[Finding],
    failures: Sequence[Failure],
    run: Chosen,
    facts: Mapping[str, Any],
    inventory: Inventory,
    options: Options,
) -> Report:
    collected = inventory.collected
    incomplete = [
        Incomplete(_place(entry.source, entry.line, entry.column), entry.reason, entry.hint)
        for entry in collected.unreadable
    ]
    incomplete += [Incomplete(f"policy {f.policy}", f.reason, f.hint) for f in failures]
    empty = not collected.manifests and not any(_present(facts[name]) for name in facts)
    if empty and (collected.looked_at or not incomplete):
        incomplete.append(nothing_read(collected, options.inputs))
    return Report(
        findings=tuple(found),
        complete=not incomplete,
        incomplete=tuple(sorted(set(incomplete))),
        coverage={name: _coverage(name, facts) for name in facts},
        not_evaluated=tuple(sorted({*collected.not_evaluated, *run.left_out})),
        assumed=dict(sorted(inventory.assumed.items())),
        scope=options.scope,
        at=options.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        inputs=options.inputs,
        objects=len(inventory.manifests) + len(inventory.shadowed),
        policies={policy.id: policy for policy in run.policies},
        facts=dict(facts),
        renderers=dict(sorted(collected.renderers.items())),
    )


def _present(document: Any) -> bool:
    return getattr(document, "presence", "absent") == "present"


def _coverage(name: str, facts: Mapping[str, Any]) -> LayerCoverage:
    return layers.load(name).coverage(facts[name])


def nothing_read(collected: Collected, inputs: Sequence[str]) -> Incomplete:
    """The sentence for an input without a single manifest."""
    where = ", ".join(inputs) or "the input"
    count = collected.looked_at
    looked = f"{count} file{'' if count == 1 else 's'} looked at, none has apiVersion and kind"
    return Incomplete(
        where,
        f"no manifest found ({looked if count else 'it holds no YAML or JSON file'})",
        "name the folder with your manifests, or `-` for stdin",
    )


def _place(source: str, line: int, column: int) -> str:
    return f"{source}:{line}:{column}" if line else source
