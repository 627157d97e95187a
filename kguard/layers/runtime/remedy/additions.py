# SPDX-License-Identifier: Apache-2.0
"""How does a Falco get rules for attacks that nothing in force would notice?

Rules that its files ship switched off are switched on where one of them would notice; for the rest
kguard's own file is added. Both come after everything else that is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from kguard import data
from kguard.inventory import Inventory
from kguard.layers.runtime.facts.falco import RULES_FOLDER, Falco
from kguard.layers.runtime.facts.texts import Text
from kguard.layers.runtime.remedy.enabling import Choice, disabled_rules
from kguard.layers.runtime.remedy.places import OWN_PRIORITY, Setup, plain, setups, whole
from kguard.layers.runtime.semantics import settings as falco_yaml
from kguard.layers.runtime.traces import ARTIFACT_GROUP
from kguard.model.facts.runtime import Facts
from kguard.model.findings import Finding
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, PlainDocument, mapping
from kguard.model.remedies import (
    Cannot,
    Create,
    Edit,
    Operation,
    Proposal,
    Refused,
    RemedyRequest,
    WriteFile,
)
from kguard.sources.yaml import untyped
from kguard.sources.yaml.splice import SpliceRefused, splice
from kguard.sources.yaml.untyped import Sequence as Items

RULES_NAME = "kguard_rules.yaml"
_ENABLED_NAME = "kguard_switched_on.yaml"
_OBJECTS = {RULES_NAME: "kguard", _ENABLED_NAME: "kguard-switched-on"}
_ENABLE = "- rule: {}\n  enabled: true\n  override:\n    enabled: replace\n"
_NO_FOLDER = "the input shows no folder of rules that a new file could go to"


def add_rules(request: RemedyRequest) -> Iterator[Proposal]:
    """Add the rules that kguard ships, one for each attack of the baseline."""
    for setup in setups(request):
        findings = [f for f in request.findings if f.target == setup.owner]
        if findings:
            chosen = disabled_rules(setup, _missing(request, setup, findings))
            closes = tuple(finding.fingerprint for finding in findings)
            yield from _enabled(request.inventory, setup, chosen, closes)
            if not chosen.suffices:
                yield from _added(request.inventory, setup, closes)


def _missing(request: RemedyRequest, setup: Setup, findings: list[Finding]) -> list[str]:
    """The ids of the attacks that the findings name."""
    facts: Facts = request.facts
    return [
        one.id
        for one in facts.detections
        if one.installation == setup.owner
        and one.state != "fires"
        and any(f"({one.id})" in finding.message for finding in findings)
    ]


def _enabled(
    inventory: Inventory, setup: Setup, chosen: Choice, closes: tuple[str, ...]
) -> Iterator[Proposal]:
    """Switch on what the files ship switched off, in a file of its own or by the selection."""
    for name, harm in chosen.noisy:
        yield Refused((), f"switch on the rule {name}, which is shipped switched off", harm)
    if not chosen.rules:
        return
    names = ", ".join(chosen.rules)
    why = f"switch on rules that are shipped switched off: {names}"
    falco = setup.falco
    known = [text.content for text in setup.rules.texts if text.path.endswith(_ENABLED_NAME)]
    content = "".join(known) + "".join(_ENABLE.format(json.dumps(name)) for name in chosen.rules)
    placed = _placed(inventory, falco, _ENABLED_NAME, content, closes, why)
    if placed is None and falco is not None and falco.config_text is not None:
        placed = _selected(inventory, falco.config_text, chosen.rules, closes, why)
    yield placed or Cannot(closes, _NO_FOLDER, f"switch on {names} in a local rules file")


def _selected(
    inventory: Inventory, config: Text, names: Sequence[str], closes: tuple[str, ...], why: str
) -> Edit | None:
    """Add steps to the selection in falco.yaml; the last step that concerns a rule decides."""
    steps = [{"enable": {"rule": name}} for name in names]
    written = falco_yaml.read(config.content)
    known = written.get("rules") if written else None
    count = len(known.items) if isinstance(known, Items) else 0
    operations = (
        [Operation("add", pointer("rules", count + n), step) for n, step in enumerate(steps)]
        if count
        else [Operation("add", "/rules", steps)]
    )
    if isinstance(inventory.by_id(config.ref), PlainDocument):
        placed = tuple(Operation(o.op, config.section + o.pointer, o.value) for o in operations)
        return Edit(config.ref, placed, closes, why)
    try:
        return whole(inventory, config, splice(config.content, operations), closes, why)
    except SpliceRefused:
        return None


def _placed(
    inventory: Inventory,
    falco: Falco | None,
    name: str,
    content: str,
    closes: tuple[str, ...],
    why: str,
) -> Proposal | None:
    """The proposal that puts a rules file after all others; None where there is no folder."""
    if falco is None:
        return None
    if falco.kind == "operator":
        return _rulesfile(falco, name, content, closes, why)
    if falco.kind == "values":
        return _in_values(inventory, falco, name, content, closes, why)
    folder = falco.files.folder(RULES_FOLDER)
    if folder and _reads_folder(falco):
        return _in_config_map(inventory, folder[-1], name, content, closes, why)
    return None


def _added(inventory: Inventory, setup: Setup, closes: tuple[str, ...]) -> Iterator[Proposal]:
    content = (data.rules_dir() / RULES_NAME).read_text(encoding="utf-8")
    why = "rules of kguard's own for every attack of the baseline"
    falco = setup.falco
    placed = _placed(inventory, falco, RULES_NAME, content, closes, why)
    if placed is not None:
        yield placed
    elif falco is not None and falco.kind == "file" and falco.config_text is not None:
        yield WriteFile(RULES_NAME, content, closes, why)
        yield from _listed(inventory, falco, falco.config_text, closes, why)
    else:
        instead = f"put rules/{RULES_NAME} of kguard into {RULES_FOLDER}"
        yield Cannot(closes, _NO_FOLDER, instead)


def _reads_folder(falco: Falco) -> bool:
    return RULES_FOLDER in {path.rstrip("/") for path in falco.settings.rules_files}


def _in_config_map(
    inventory: Inventory, beside: Text, name: str, content: str, closes: tuple[str, ...], why: str
) -> Proposal:
    holder = inventory.by_id(beside.ref)
    if not isinstance(holder, Manifest) or not beside.pointer.startswith("/data/"):
        return Cannot(closes, "the folder of rules is no ConfigMap of the input", "")
    operation = Operation("add", pointer("data", f"99-{name}"), content)
    return Edit(beside.ref, (operation,), closes, why)


def _in_values(
    inventory: Inventory, falco: Falco, name: str, content: str, closes: tuple[str, ...], why: str
) -> Proposal:
    document = inventory.by_id(falco.id)
    values = mapping(document.value) if isinstance(document, PlainDocument) else {}
    operations = [Operation("add", pointer("customRules", f"99-{name}"), content)]
    if not mapping(values.get("customRules")):
        # Two files may be added: the second edit finds the mapping that the first has made.
        operations.insert(0, Operation("add", "/customRules", {}))
    return Edit(falco.id, tuple(operations), closes, why)


def _rulesfile(falco: Falco, name: str, content: str, closes: tuple[str, ...], why: str) -> Create:
    (document,) = untyped.load(content)
    made = {
        "apiVersion": f"{ARTIFACT_GROUP}/v1alpha1",
        "kind": "Rulesfile",
        "metadata": {"name": _OBJECTS[name], "namespace": falco.ref.namespace},
        "spec": {"inlineRules": plain(document), "priority": OWN_PRIORITY},
    }
    return Create(made, closes, why)


def _listed(
    inventory: Inventory, falco: Falco, config: Text, closes: tuple[str, ...], why: str
) -> Iterator[Proposal]:
    path = f"/etc/falco/{RULES_NAME}"
    if path in falco.settings.rules_files or inventory.by_id(config.ref) is None:
        return
    number = len(falco.settings.rules_files)
    operation = Operation("add", pointer("rules_files", number), path)
    yield Edit(config.ref, (operation,), closes, why)
