# SPDX-License-Identifier: Apache-2.0
"""What does `kguard runtime rules` answer: what does Falco say, and what can the rules see?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from kguard.layers.runtime.facts.detections import Detections
from kguard.layers.runtime.facts.judged import explain
from kguard.layers.runtime.facts.rulesets import Rules, load_texts
from kguard.layers.runtime.facts.texts import Text, file_ref
from kguard.layers.runtime.facts.weakened import weakened
from kguard.layers.runtime.semantics import settings as falco_yaml
from kguard.layers.runtime.semantics.environment import EVERY_PLUGIN
from kguard.layers.runtime.semantics.events import described
from kguard.layers.runtime.semantics.expressions import as_text
from kguard.layers.runtime.semantics.losses import Silence, silence
from kguard.layers.runtime.semantics.scenarios import SCENARIOS
from kguard.layers.runtime.semantics.settings import Settings
from kguard.layers.runtime.semantics.syscalls import EVERY_SYSCALL
from kguard.layers.runtime.semantics.versions import engine_of, parse_version
from kguard.model.facts.runtime import Weakening
from kguard.model.manifests import ObjectRef
from kguard.sources.yaml.untyped import Mapping

_OWNER = ObjectRef(kind="File", name="")


def list_rules(texts: Sequence[tuple[str, str]], config: str, version: str = "") -> dict[str, Any]:
    """The rules of files in order: `falco -V`'s answer, and what can still fire.

    Args:
        texts: names and contents of the rules files, in the order of loading.
        config: the content of falco.yaml; empty where there is none.
        version: the release of Falco, which decides about the rules engine.
    """
    chosen = falco_yaml.settings_of(falco_yaml.read(config) or Mapping())
    plugins = chosen.environment if chosen.plugins_written else EVERY_PLUGIN
    environment = msgspec.structs.replace(plugins, engine=engine_of(parse_version(version)))
    files = [Text(name, content, file_ref(name), name) for name, content in texts]
    rules = load_texts(files, (), environment, chosen.syscalls if config else EVERY_SYSCALL)
    return {
        "result": rules.ruleset.as_json(),
        "not_judged": [evidence.note for evidence in rules.missing],
        "unmet": [complaint for _, complaint in rules.ruleset.unmet],
        "rules": list(_rows(rules, chosen)),
        "detections": list(_detections(rules, chosen)),
    }


def _rows(rules: Rules, chosen: Settings) -> Iterator[dict[str, Any]]:
    if not rules.ruleset.successful:
        return
    order = rules.ruleset.order(chosen.selections, chosen.minimum)
    first = chosen.rule_matching == "first"
    shadows = rules.shadows(order).by if first else {}
    changed = list(weakened(rules, _OWNER, order, SCENARIOS))
    reasons = dict(_reasons(rules))
    for name, rule in rules.ruleset.compiled.rules.items():
        quiet = silence(rule, chosen.selections, chosen.minimum)
        because = [reasons[name]] if name in reasons else []
        yield {
            "name": name,
            "enabled": quiet is None,
            "dead": name in reasons,
            "because": "; ".join([*because, *([_silence_words(quiet)] if quiet else [])]),
            "weakened": [_weakening(one) for one in changed if name in one.rules],
            "shadowed_by": shadows.get(name, ""),
            "condition_compiled": as_text(rule.condition),
            "events": described(rule.types, rule.info.source),
        }


def _reasons(rules: Rules) -> Iterator[tuple[str, str]]:
    """Why rules can never fire."""
    dead = [name for name, answer in rules.answers.items() if answer.verdict == "dead"]
    blamed = rules.changes.blamed(dead) if dead else {}
    for name, rule in rules.ruleset.compiled.rules.items():
        if rules.answers[name].verdict == "dead":
            changes = blamed.get(name, ())
            places = [f"{one.kind} {one.name}, {one.file}:{one.line}" for one in changes]
            place = "; ".join(places) or f"{rule.info.context.file}:{rule.info.context.line}"
            conflict = rules.answers[name].conflict if places else rules.own_conflict(name)
            yield name, f"{explain(conflict)}; {place}"
        elif rules.is_deaf(name):
            calls = ", ".join(sorted(rules.types(name)))
            yield name, f"Falco does not ask the kernel for {calls}"


def _weakening(one: Weakening) -> str:
    place = f"{one.cause} {one.name}, {one.file}:{one.line}"
    if one.effect == "demoted":
        return f"less urgent than before; {place}"
    shown = " or ".join(f"`{text}`" for text in one.excluded)
    lost = f"; no longer sees {', '.join(one.detections)}" if one.detections else ""
    return f"leaves out {one.breadth.replace('_', ' ')}: {shown}{lost}; {place}"


def _silence_words(quiet: Silence) -> str:
    if quiet.step is not None:
        return f"disabled in {quiet.step.file}:{quiet.step.line}"
    return {"selection": "disabled by `rules` of falco.yaml", "priority": "below the minimum"}.get(
        quiet.by, "disabled"
    )


def _detections(rules: Rules, chosen: Settings) -> Iterator[dict[str, str]]:
    found = Detections(rules, _OWNER, chosen.selections, chosen.minimum, None)
    for one in found.all(SCENARIOS):
        because = "; ".join(f"{step.ref}:{step.line}: {step.note}" for step in one.because)
        yield {
            "id": one.id,
            "title": one.title,
            "state": one.state,
            "rule": one.rule,
            "priority": one.priority,
            "because": because,
        }
