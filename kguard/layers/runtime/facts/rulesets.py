# SPDX-License-Identifier: Apache-2.0
"""Which rules are in force in each Falco, and what took others away?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import msgspec

from kguard.inventory import Inventory
from kguard.layers.runtime.facts.artifacts import artifacts
from kguard.layers.runtime.facts.falco import Falco
from kguard.layers.runtime.facts.operator import fetched, from_registry, ordered, undecided
from kguard.layers.runtime.facts.texts import Text, from_base_rules, from_documents, line_of
from kguard.layers.runtime.semantics.changes import Changes
from kguard.layers.runtime.semantics.environment import EVERY_PLUGIN, SYSCALL, Environment
from kguard.layers.runtime.semantics.loader import Ruleset, RulesFile, load
from kguard.layers.runtime.semantics.losses import verdicts
from kguard.layers.runtime.semantics.satisfiability import Answer, satisfiable
from kguard.layers.runtime.semantics.shadowing import Shadows, shadows
from kguard.layers.runtime.semantics.syscalls import EVERY_SYSCALL, Syscalls
from kguard.layers.runtime.semantics.versions import engine_of
from kguard.layers.runtime.traces import is_rules
from kguard.model.facts.common import Evidence
from kguard.model.manifests import BaseRules, PlainDocument

BASE_FILE = "falco_rules.yaml"
LOCAL_FILE = "falco_rules.local.yaml"
_WHOLE_VERSION = re.compile(r"v?\d{1,9}\.\d{1,9}\.\d{1,9}(?:[-+].*)?", re.ASCII)
_ORDER = (BASE_FILE, "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml")


class Rules(msgspec.Struct, dict=True):
    """The rules that one Falco loads."""

    texts: list[Text]
    missing: list[Evidence]
    """Rules files that are read but are not in the input, and what goes beyond kguard's limits."""
    environment: Environment
    ruleset: Ruleset
    answers: dict[str, Answer]
    syscalls: Syscalls = EVERY_SYSCALL
    """What Falco asks the kernel for; everything where no Falco is known."""

    @cached_property
    def changes(self) -> Changes:
        """What each change of a definition does to the rules that need it."""
        return Changes(self.files(), self.environment, self.ruleset)

    def own_conflict(self, name: str) -> tuple[str, ...]:
        """Why a rule that no change is to blame for is dead: what it says without any change."""
        original = self.changes.originals.get(name)
        answer = satisfiable(original.condition) if original else self.answers[name]
        return (answer if answer.verdict == "dead" else self.answers[name]).conflict

    def shadows(self, order: Sequence[str]) -> Shadows:
        """The rules whose every event an earlier one takes, where the first that matches wins."""
        alive = [name for name in order if not self.is_dead(name)]
        return shadows(self.ruleset.compiled.rules, alive)

    def is_deaf(self, name: str) -> bool:
        """Whether Falco gets none of the events that a rule is about."""
        types = self.types(name)
        return bool(types) and types <= self.syscalls.unheard

    def types(self, name: str) -> frozenset[str]:
        """The system calls that a rule is about; none for rules of other sources."""
        rule = self.ruleset.compiled.rules[name]
        return rule.types if rule.info.source == SYSCALL else frozenset()

    def is_dead(self, name: str) -> bool:
        """Whether a rule can never raise an alert here."""
        return self.answers[name].verdict == "dead" or self.is_deaf(name)

    @property
    def is_complete(self) -> bool:
        """Whether everything that is loaded is in the input, and was followed to its end."""
        return not self.missing

    def text_of(self, name: str) -> Text | None:
        """The text of a file that the loader names."""
        return next((text for text in self.texts if text.name == name), None)

    def files(self) -> list[RulesFile]:
        """The files in the order of loading."""
        return _files_of(self.texts)


def rules_documents(inventory: Inventory) -> list[PlainDocument]:
    """The plain documents that are rules files."""
    return [document for document in inventory.documents if is_rules(document.value)]


def load_texts(
    texts: Sequence[Text],
    missing: Sequence[Evidence],
    environment: Environment,
    syscalls: Syscalls = EVERY_SYSCALL,
) -> Rules:
    """Load rules; nothing is judged where a part of them is not in the input."""
    ruleset = load(_files_of(texts), environment)
    answers = verdicts(ruleset) if ruleset.successful else {}
    unknown = [*missing, *_given_up(texts, ruleset)]
    return Rules(list(texts), unknown, environment, ruleset, answers, syscalls)


def _given_up(texts: Sequence[Text], ruleset: Ruleset) -> Iterator[Evidence]:
    for problem in (result.given_up for result in ruleset.results):
        text = next((t for t in texts if problem and t.name == problem.context.file), None)
        if problem and text:
            note = f"{problem.message}: kguard does not follow them, and Falco may"
            yield text.at(problem.context.line, note)


def _files_of(texts: Iterable[Text]) -> list[RulesFile]:
    return [RulesFile(text.name, text.content, text.continues) for text in texts]


def rules_of(inventory: Inventory, falco: Falco) -> Rules:
    """The rules of one Falco, with what is missing in the input."""
    found = _of_operator(inventory, falco) if falco.kind == "operator" else _files(inventory, falco)
    environment = _environment(falco, tuple(_versions(inventory, falco)))
    return load_texts(*found, environment, falco.settings.syscalls)


def _of_operator(inventory: Inventory, falco: Falco) -> tuple[list[Text], list[Evidence]]:
    namespace = falco.ref.namespace
    here = ordered(inventory, namespace, "Rulesfile", falco.labels)
    missing = [
        Evidence(m.id, "/spec/selector", "it chooses nodes, and no Node object is in the input")
        for m in (undecided(inventory, namespace) if falco.labels is None else ())
    ]
    texts = [text for _, text in here]
    for manifest in from_registry(inventory, namespace, falco.labels):
        text = fetched(inventory, manifest)
        if text is None:
            note = "its rules lie in a registry, not in the input"
            missing.append(Evidence(manifest.id, "/spec/ociArtifact", note))
        else:
            texts.append(text)
    return sorted(texts, key=lambda text: text.path), missing


def _files(inventory: Inventory, falco: Falco) -> tuple[list[Text], list[Evidence]]:
    by_name = _plain_files(inventory)
    base = {rules.name: rules for rules in inventory.base_rules}
    texts, missing = [], []
    for path in falco.settings.rules_files:
        found, absent = _at(falco, path, by_name, base)
        texts += found
        missing += absent
    return texts, missing


def _plain_files(inventory: Inventory) -> dict[str, list[PlainDocument]]:
    """The documents of each file by its name; of two with one name, the one that holds rules.

    What bears the name of a rules file is read as one, and refused where it holds something else.
    """
    files: dict[str, list[PlainDocument]] = {}
    for document in inventory.documents:
        files.setdefault(document.text.file, []).append(document)
    known = sorted(files.values(), key=lambda found: any(is_rules(d.value) for d in found))
    return {_base_name(found[0]): found for found in known}


def _versions(inventory: Inventory, falco: Falco) -> Iterator[tuple[str, str]]:
    """The versions of the plugins that are fetched by a whole version, by name."""
    for artifact in artifacts(inventory, falco):
        name, _, tag = artifact.reference.partition("@")[0].rpartition("/")[2].partition(":")
        if _WHOLE_VERSION.fullmatch(tag):
            yield name, tag


def _environment(falco: Falco, versions: tuple[tuple[str, str], ...]) -> Environment:
    """The plugins that are loaded; where nothing is written, the container plugin at least."""
    written = falco.settings.plugins_written or falco.kind == "operator"
    loaded = falco.settings.environment if written else EVERY_PLUGIN
    return msgspec.structs.replace(loaded, engine=engine_of(falco.version), versions=versions)


def _base_name(document: PlainDocument) -> str:
    return document.text.file.rpartition("/")[2]


def _at(
    falco: Falco, path: str, plain: dict[str, list[PlainDocument]], base: dict[str, BaseRules]
) -> tuple[list[Text], list[Evidence]]:
    """The rules at a path of `rules_files`: a file or a folder."""
    text = falco.files.read(path)
    if text is not None:
        return [text], []
    name = path.rpartition("/")[2]
    if not name.endswith((".yaml", ".yml")):
        return _in_folder(falco, path)
    if name in plain:
        return [text.at_path(path) for text in from_documents(plain[name])], []
    if name in base:
        return [from_base_rules(base[name], path)], []
    if name == LOCAL_FILE and not falco.files.is_opaque(path):
        return [], []
    return [], [_absent(falco, path)]


def _in_folder(falco: Falco, path: str) -> tuple[list[Text], list[Evidence]]:
    found = falco.files.folder(path)
    hidden = falco.files.is_opaque(path.rstrip("/")) and not found
    return found, [_absent(falco, path)] if hidden or falco.kind == "file" else []


def _absent(falco: Falco, path: str) -> Evidence:
    note = f"{path} is read, but its content is not in the input"
    if falco.config_text is not None:
        return falco.config_text.at(line_of(falco.config_text.content, path), note)
    return Evidence(falco.id, "", note)


def lone_rulesets(inventory: Inventory, used: set[str]) -> Iterator[Rules]:
    """Folders with rules files that no Falco of the input reads, one ruleset a folder.

    Those of the folder that one reads are loaded too: the others may change what they define.
    """
    folders: dict[str, list[PlainDocument]] = {}
    for document in rules_documents(inventory):
        folder = document.text.file.rpartition("/")[0]
        folders.setdefault(folder, []).append(document)
    for _, documents in sorted(folders.items()):
        if all(document.id in used for document in documents):
            continue
        texts = from_documents(sorted(documents, key=_reading_order))
        yield load_texts(texts, _no_base(texts), EVERY_PLUGIN)


def _reading_order(document: PlainDocument) -> tuple[int, str, int]:
    name = _base_name(document)
    place = _ORDER.index(name) if name in _ORDER else len(_ORDER)
    return place + name.endswith(".local.yaml"), name, document.text.index


def _no_base(texts: Sequence[Text]) -> list[Evidence]:
    """A folder with nothing but overrides lacks the rules that it changes."""
    names = {text.name.rpartition("/")[2] for text in texts}
    if names == {LOCAL_FILE}:
        return [texts[0].at(1, "the rules that this file changes are not in the input")]
    return []
