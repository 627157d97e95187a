# SPDX-License-Identifier: Apache-2.0
"""What do `kguard runtime rules` and `kguard runtime coverage` answer?"""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Sequence
from typing import Any

from kguard.inventory import Inventory
from kguard.layers.runtime.facts.discovery import discover
from kguard.layers.runtime.facts.nodes import watching
from kguard.layers.runtime.semantics import settings as falco_yaml
from kguard.layers.runtime.semantics.compiler import CompiledRule
from kguard.layers.runtime.semantics.environment import EVERY_PLUGIN
from kguard.layers.runtime.semantics.events import described
from kguard.layers.runtime.semantics.expressions import as_text
from kguard.layers.runtime.semantics.loader import Ruleset, RulesFile, load
from kguard.layers.runtime.semantics.losses import Silence, culprits, silence, verdicts
from kguard.layers.runtime.semantics.placement import Placement, node_of, place
from kguard.layers.runtime.semantics.settings import Settings
from kguard.model.manifests import JsonObject, ObjectRef, mapping
from kguard.sources.yaml.untyped import Mapping


def list_rules(texts: Sequence[tuple[str, str]], config: str) -> dict[str, Any]:
    """The rules of files in order: `falco -V`'s answer, and what can still fire.

    Args:
        texts: names and contents of the rules files, in the order of loading.
        config: the content of falco.yaml; empty where there is none.
    """
    chosen = falco_yaml.settings_of(falco_yaml.read(config) or Mapping())
    environment = chosen.environment if chosen.plugins_written else EVERY_PLUGIN
    files = [RulesFile(name, content) for name, content in texts]
    ruleset = load(files, environment)
    answers = verdicts(ruleset) if ruleset.successful else {}
    dead = [name for name, answer in answers.items() if answer.verdict == "dead"]
    blamed = culprits(files, environment, ruleset, dead)
    reasons = {}
    for name in dead:
        conflict = " and ".join(f"`{part}`" for part in answers[name].conflict)
        culprit = blamed.get(name)
        place = f"; {culprit.kind} {culprit.name}, {culprit.file}:{culprit.line}" if culprit else ""
        reasons[name] = f"no event can match: {conflict}{place}"
    rows = [_row(rule, chosen, reasons) for rule in _rules(ruleset)]
    return {"result": ruleset.as_json(), "rules": rows}


def _rules(ruleset: Ruleset) -> list[CompiledRule]:
    return list(ruleset.compiled.rules.values()) if ruleset.successful else []


def _row(rule: CompiledRule, chosen: Settings, reasons: dict[str, str]) -> dict[str, Any]:
    name = rule.info.name
    quiet = silence(rule, chosen.selections, chosen.minimum)
    because = [reasons[name]] if name in reasons else []
    because += [_silence_words(quiet)] if quiet else []
    return {
        "name": name,
        "enabled": quiet is None,
        "dead": name in reasons,
        "because": "; ".join(because),
        "condition_compiled": as_text(rule.condition),
        "events": described(rule.condition, rule.info.source),
    }


def _silence_words(quiet: Silence) -> str:
    if quiet.step is not None:
        return f"disabled in {quiet.step.file}:{quiet.step.line}"
    return {"selection": "disabled by `rules` of falco.yaml", "priority": "below the minimum"}.get(
        quiet.by, "disabled"
    )


def list_coverage(inventory: Inventory, pattern: str) -> list[dict[str, Any]]:
    """Each DaemonSet and node: is there a pod, and if not, what is in the way?

    Args:
        inventory: DaemonSets and Nodes.
        pattern: glob of DaemonSet names, alone or as `namespace/name`; empty for Falco's.

    Returns:
        Rows by DaemonSet and node; where several have one name, they are called `namespace/name`.
    """
    nodes = [node_of(manifest.object) for manifest in inventory.of("Node")]
    chosen = _daemonsets(inventory, pattern)
    names = Counter(ref.name for ref, _ in chosen)
    rows = []
    for ref, pod in chosen:
        name = ref.name if names[ref.name] == 1 else f"{ref.namespace}/{ref.name}"
        for node in nodes:
            found = place(pod, node)
            rows.append(
                {
                    "daemonset": name,
                    "node": node.name,
                    "covered": found.runs,
                    "reason": _reason(found),
                }
            )
    return sorted(rows, key=lambda row: (row["daemonset"], row["node"]))


def _daemonsets(inventory: Inventory, pattern: str) -> list[tuple[ObjectRef, JsonObject]]:
    if not pattern:
        pods = {falco.ref: falco.pod for falco in watching(discover(inventory))}
        return list(pods.items())
    found = []
    for manifest in inventory.of("DaemonSet", "apps"):
        names = (manifest.name, f"{manifest.namespace}/{manifest.name}")
        if any(fnmatch.fnmatchcase(name, pattern) for name in names):
            template = mapping(manifest.spec.get("template"))
            found.append((manifest.ref, mapping(template.get("spec"))))
    return found


def _reason(found: Placement) -> str:
    match found.obstacle:
        case "none":
            return ""
        case "taint":
            return f"taint {found.detail} is not tolerated"
        case "node_name":
            return f"nodeName is {found.detail}"
        case "node_selector":
            return f"nodeSelector {found.detail}"
        case "affinity":
            return f"node affinity: {found.detail}"
