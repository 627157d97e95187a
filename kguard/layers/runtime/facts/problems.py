# SPDX-License-Identifier: Apache-2.0
"""What does Falco complain of when it loads the rules, and what is each complaint about?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kguard.layers.runtime.facts.rulesets import Rules
from kguard.layers.runtime.facts.texts import Text
from kguard.layers.runtime.semantics.definitions import Requirement
from kguard.layers.runtime.semantics.results import Problem as LoadProblem
from kguard.model.facts import runtime as model

_NAMED_ITEMS = ("rule", "macro", "list")
_ABOUT: Mapping[str, model.ProblemClass] = {
    "LOAD_ERR_FILE_READ": "yaml",
    "LOAD_ERR_YAML_PARSE": "yaml",
    "LOAD_ERR_YAML_VALIDATE": "structure",
    "LOAD_ERR_COMPILE_CONDITION": "condition",
    "LOAD_ERR_COMPILE_OUTPUT": "output",
    "LOAD_ERR_VALIDATE": "definition",
    "LOAD_UNKNOWN_SOURCE": "ignored",
    "LOAD_UNKNOWN_FILTER": "ignored",
    "LOAD_UNKNOWN_ITEM": "ignored",
    "LOAD_UNKNOWN_KEY": "ignored",
    "LOAD_UNSAFE_NA_CHECK": "suspicious",
    "LOAD_COMPILE_CONDITION": "suspicious",
    "LOAD_NO_EVTTYPE": "slow",
    "LOAD_DEPRECATED_ITEM": "deprecated",
    "LOAD_APPEND_NO_VALUES": "no_effect",
    "LOAD_EXCEPTION_NAME_NOT_UNIQUE": "no_effect",
    "LOAD_INVALID_MACRO_NAME": "name",
    "LOAD_INVALID_LIST_NAME": "name",
    "LOAD_UNUSED_MACRO": "unused",
    "LOAD_UNUSED_LIST": "unused",
}
_ENGINE = "required_engine_version"


def problems(rules: Rules) -> Iterator[model.Problem]:
    """Errors and warnings of loading; errors only where every file is in the input."""
    for result in rules.ruleset.results:
        text = rules.text_of(result.name)
        if text is None or (rules.missing and not result.successful):
            continue
        for level, found in (("error", result.errors), ("warning", result.warnings)):
            for problem in found:  # a rule may be defined in an earlier file than the last one
                there = rules.text_of(problem.context.file) or text
                yield _problem(problem, level, there)
    if not rules.missing:
        for requirement, complaint in rules.ruleset.unmet:
            yield from _unmet(rules, requirement, complaint)


def _problem(problem: LoadProblem, level: str, text: Text) -> model.Problem:
    spots = problem.context.spots
    named = [spot for spot in spots if spot.item_type in _NAMED_ITEMS and spot.item_name]
    item = f"{named[-1].item_type} {named[-1].item_name}" if named else ""
    needs_engine = any(spot.item_type == _ENGINE for spot in spots)
    return model.Problem(
        ref=text.owner,
        file=text.name,
        level="error" if level == "error" else "warning",
        code=problem.code,
        about="engine" if needs_engine else _ABOUT[problem.code],
        message=problem.message,
        item=item,
        because=[text.at(problem.context.line, f"{item or 'the file'}: {problem.message}")],
    )


def _unmet(rules: Rules, requirement: Requirement, complaint: str) -> Iterator[model.Problem]:
    text = rules.text_of(requirement.context.file)
    if text is not None:
        yield model.Problem(
            ref=text.owner,
            file=text.name,
            level="error",
            code="",
            about="plugin",
            message=complaint,
            item="",
            because=[text.at(requirement.context.line, complaint)],
        )
