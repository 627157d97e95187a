# SPDX-License-Identifier: Apache-2.0
"""Is a ruleset what Falco makes of its files?"""

from __future__ import annotations

import json
import time

import pytest

from kguard.layers.runtime.semantics.environment import ENGINES, Environment
from kguard.layers.runtime.semantics.evaluation import holds
from kguard.layers.runtime.semantics.events import types_of
from kguard.layers.runtime.semantics.expressions import as_text
from kguard.layers.runtime.semantics.lists import substitute
from kguard.layers.runtime.semantics.loader import Ruleset, RulesFile, Selection, load
from kguard.layers.runtime.semantics.parser import parse
from kguard.layers.runtime.semantics.satisfiability import satisfiable

BASE = """
- list: shells
  items: [bash, "my shell"]
- macro: started
  condition: evt.type in (execve, execveat)
- rule: shell
  desc: d
  condition: started and proc.name in (shells)
  output: o %proc.name
  priority: NOTICE
  tags: [container, T1059]
"""


def loaded(*texts: str, environment: Environment | None = None) -> Ruleset:
    files = [RulesFile(f"{number}.yaml", text) for number, text in enumerate(texts)]
    return load(files, environment) if environment else load(files)


def condition(*texts: str, rule: str = "shell") -> str:
    return as_text(loaded(*texts).compiled.rules[rule].condition)


def codes(ruleset: Ruleset) -> list[str]:
    return [p.code for result in ruleset.results for p in (*result.errors, *result.warnings)]


def test_lists_are_put_in_as_text():
    assert condition(BASE).endswith('proc.name in (bash, "my shell"))')


def test_a_later_file_replaces_a_macro():
    override = "- macro: started\n  condition: (evt.num=0)\n"
    assert condition(BASE, override).startswith("(evt.num = 0 and")


def test_an_empty_list_takes_its_comma_along():
    assert substitute("a in (x, l, y)", "l", "") == ("a in (x  , y)", True)
    assert substitute("a in (l, y)", "l", "")[0].replace(" ", "") == "ain(y)"


def test_a_list_is_found_between_delimiters_only():
    assert substitute("a in (xl, l)", "l", "1, 2")[0] == "a in (xl, 1, 2 )"


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("evt.type=open and proc.name=a", {"open"}),
        ("evt.type in (open, close) and not evt.type=open", {"close"}),
        ("not (not evt.type=open or proc.name=a)", {"open"}),
        ("evt.type != open and evt.type in (open, close)", {"close"}),
        ("evt.type=open or evt.type=close", {"open", "close"}),
    ],
)
def test_event_types(text, types):
    assert types_of(parse(text)) == types


def test_selections_apply_in_order_after_the_files():
    ruleset = loaded(BASE)
    everything = Selection("disable", "rule", "*")
    assert ruleset.enabled([everything]) == {"shell": False}
    again = Selection("enable", "tag", "T1059")
    assert ruleset.enabled([everything, again]) == {"shell": True}
    assert ruleset.enabled([again, everything]) == {"shell": False}


def test_a_minimum_priority_hides_less_urgent_rules():
    assert loaded(BASE).enabled(minimum=4) == {"shell": False}
    assert loaded(BASE).enabled(minimum=5) == {"shell": True}


def test_an_error_anywhere_leaves_nothing_in_force():
    ruleset = loaded(BASE, "- rule: none\n  enabled: false\n")
    assert codes(ruleset) == ["LOAD_ERR_VALIDATE", "LOAD_DEPRECATED_ITEM"]
    assert ruleset.enabled() == {}


def test_a_rule_of_an_unknown_source_is_skipped():
    text = BASE + "- rule: audit\n  desc: d\n  condition: ka.verb=get\n  output: o\n"
    text += "  priority: INFO\n  source: k8s_audit\n"
    bare = loaded(text, environment=Environment(frozenset({"container"})))
    assert codes(bare) == ["LOAD_UNKNOWN_SOURCE"]
    assert list(bare.enabled()) == ["shell"]
    assert list(loaded(text).enabled()) == ["shell", "audit"]


def test_fields_of_a_plugin_that_is_not_loaded_do_not_exist():
    text = BASE.replace("started and", "started and container.id != host and")
    bare = loaded(text, environment=Environment(frozenset()))
    assert codes(bare) == ["LOAD_ERR_COMPILE_CONDITION"]
    assert bare.results[0].errors[0].message.endswith("nonexistent field container.id")


def test_a_typo_of_enabled_leaves_the_rule_on():
    ruleset = loaded(BASE.replace("  tags:", "  enable: false\n  tags:"))
    assert codes(ruleset) == ["LOAD_UNKNOWN_KEY"]
    assert ruleset.enabled() == {"shell": True}


def test_a_newer_engine_is_required():
    ruleset = loaded("- required_engine_version: 0.99.0\n" + BASE)
    message = "Rules require engine version 0.99.0, but engine version is 0.62.0"
    assert [p.message for p in ruleset.results[0].errors] == [message]


def test_a_problem_knows_its_line():
    ruleset = loaded(BASE, "\n\n- macro: started\n  condition: undefined_macro\n")
    problem = ruleset.results[1].errors[0]
    assert (problem.context.file, problem.context.line) == ("1.yaml", 3)
    assert problem.message == "Undefined macro 'undefined_macro' used in filter."


def test_the_document_of_falco_v():
    document = loaded(BASE).as_json()
    assert document == {
        "falco_load_results": [{"name": "0.yaml", "successful": True, "errors": [], "warnings": []}]
    }


def test_macros_that_multiply_are_refused_in_time():
    lines = ["- macro: m0\n  condition: evt.num=1\n"]
    lines += [f"- macro: m{n}\n  condition: m{n - 1} and m{n - 1}\n" for n in range(1, 60)]
    started = time.monotonic()
    ruleset = loaded("".join(lines) + BASE)
    assert time.monotonic() - started < 5
    assert ruleset.results[0].given_up.message == (
        "the condition is too large with its macros written out"
    )


def test_lists_that_multiply_are_refused_in_time():
    lines = ["- list: l0\n  items: [aaaaaaaa]\n"]
    for number in range(1, 40):
        items = ", ".join([f"l{number - 1}"] * 9)
        lines.append(f'- list: l{number}\n  items: ["{items}"]\n')
    lines.reverse()
    text = "".join(lines) + BASE.replace("(shells)", "(l39)")
    started = time.monotonic()
    ruleset = loaded(text)
    assert time.monotonic() - started < 10
    assert "grow beyond 262144" in ruleset.results[0].given_up.message


def test_a_macro_that_leads_to_itself():
    text = "- macro: a\n  condition: b\n- macro: b\n  condition: evt.num=1\n"
    text += "- macro: a\n  condition: or a\n  override: {condition: append}\n" + BASE
    assert loaded(text).results[0].errors[0].code == "LOAD_ERR_VALIDATE"


@pytest.mark.parametrize(
    "text",
    [
        "- required_engine_version: " + "9" * 6000 + "\n",
        "- required_engine_version: 0." + "9" * 6000 + ".0\n",
        "- macro: m\n  condition: " + "a and " * 60_000 + "a\n",
        "- macro: m\n  condition: '" + "(" * 100_000 + "'\n",
        "- macro: m\n  condition: \"a.b = '" + "x" * 300_000 + '"\n',
        "- rule: r\n  desc: d\n  condition: evt.type=open\n  output: '" + "%" * 100_000 + "'\n"
        "  priority: INFO\n",
        "- list: " + "l" * 300_000 + "\n  items: []\n",
        "\x00",
        "- &a [*a]\n",
        "- rule: {a: b}\n",
        "- list: [x]\n",
        "- macro: m\n  condition: [x]\n",
    ],
    ids=str.__len__,
)
def test_hostile_files_end_in_time(text):
    started = time.monotonic()
    ruleset = loaded(text, BASE)
    assert time.monotonic() - started < 10
    assert len(ruleset.results) == 2


def test_a_macro_sees_only_what_stands_before_it():
    late = "- macro: first\n  condition: second\n- macro: second\n  condition: evt.num > 0\n"
    (result,) = loaded(late).results
    (error,) = result.errors
    assert (error.code, error.message) == (
        "LOAD_ERR_VALIDATE",
        "Undefined macro 'second' used in filter.",
    )
    appended = "- macro: first\n  condition: and proc.name = x\n  append: true\n"
    early = "- macro: first\n  condition: evt.num > 0\n- macro: second\n  condition: evt.num > 1\n"
    seeing = appended.replace("proc.name = x", "second")
    assert loaded(early, seeing).successful


@pytest.mark.parametrize(
    ("plugins", "unmet"),
    [({"container"}, 1), ({"container", "json"}, 0), ({"container", "k8saudit"}, 0), (set(), 1)],
)
def test_one_alternative_of_a_required_plugin_must_be_loaded(plugins, unmet):
    text = (
        "- required_plugin_versions:\n  - name: json\n    version: 0.7.0\n"
        "    alternatives: [{name: k8saudit, version: 0.14.0}]\n" + BASE
    )
    ruleset = loaded(text, environment=Environment(frozenset(plugins)))
    assert len(ruleset.unmet) == unmet
    assert ruleset.successful is (unmet == 0)
    assert bool(ruleset.enabled()) is (unmet == 0)
    assert loaded(text).successful


@pytest.mark.parametrize(
    ("release", "text", "expected"),
    [
        ((0, 42), "- required_engine_version: 0.57.0\n", []),
        ((0, 42), "- required_engine_version: 58\n", ["LOAD_ERR_VALIDATE"]),
        ((0, 43), "- required_engine_version: 0.58.0\n", []),
        ((0, 43), "- required_engine_version: 0.62.0\n", ["LOAD_ERR_VALIDATE"]),
        ((0, 44), "- required_engine_version: 0.62.0\n", []),
        ((0, 44), "- required_engine_version: 1.0.0\n", ["LOAD_ERR_VALIDATE"]),
        ((0, 43), BASE + "  enable: false\n", []),
        ((0, 44), BASE + "  enable: false\n", ["LOAD_UNKNOWN_KEY"]),
        ((0, 43), BASE.replace("in (shells)", "= oneof (shells)"), ["LOAD_ERR_COMPILE_CONDITION"]),
        ((0, 44), BASE.replace("in (shells)", "= oneof (shells)"), []),
    ],
)
def test_engines_of_releases(release, text, expected):
    environment = Environment(frozenset({"container"}), engine=ENGINES[release])
    assert codes(loaded(text, environment=environment)) == expected


def _rule(condition: str) -> str:
    written = json.dumps(condition)
    return f"- rule: r\n  desc: d\n  condition: {written}\n  output: o\n  priority: INFO\n"


@pytest.mark.parametrize(
    "text",
    [
        "- rule: [\n",
        "\x00",
        "- rule: &a [*a]\n",
        "rule: no list\n",
        "- 5\n",
        "- rule: r\n  desc: {}\n  condition: []\n  output: 1\n  priority: INFO\n",
        "- macro: a\n  condition: a\n" + _rule("a"),
        "- macro: a\n  condition: b\n- macro: b\n  condition: a\n" + _rule("a"),
        _rule("(" * 5_000 + "evt.num > 0"),
        _rule("not " * 50_000 + "undefined"),
        _rule("evt.num > 0 and " * 600_000 + "evt.num > 0"),
        _rule("proc.name = " + "x" * 10_000_000 + " y"),
        _rule('proc.name = "' + "\\\\" * 100_000),
        _rule("tolower(" * 5_000 + "proc.name"),
    ],
    ids=lambda text: text[:20].encode("unicode_escape").decode(),
)
def test_hostile_files_are_refused_in_bounded_time(text):
    started = time.process_time()
    ruleset = loaded(text)
    (result,) = ruleset.results
    assert not ruleset.successful
    assert len(result.errors) == 1
    assert len(json.dumps(ruleset.as_json())) < 2 * len(text) + 5_000
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    "pattern", ["(a+)+b", "(a|aa)*c", "a{1,99999}", "[" * 500, "(" * 400, "(?P<x>", "a" * 10_000]
)
def test_hostile_regular_expressions_are_not_tried_for_ever(pattern):
    ruleset = loaded(_rule(f"proc.name regex '{pattern}'"))
    started = time.process_time()
    for rule in ruleset.compiled.rules.values():
        assert holds(rule.condition, {"proc.name": "b"}) in (None, False)
        holds(rule.condition, {"proc.name": "a" * 60})
        satisfiable(rule.condition)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("version", "compatible"),
    [
        ("0.14.0", True),
        ("0.14.2", True),
        ("0.15.0", True),
        ("0.13.9", False),
        ("1.14.0", False),
        ("0.14.0-rc1", True),
        ("", True),
    ],
)
def test_a_required_plugin_is_of_the_same_major_version_and_no_older(version, compatible):
    text = (
        "- required_plugin_versions:\n  - name: k8saudit\n    version: 0.14.0\n"
        "    alternatives: [{name: json, version: 0.1.0}]\n" + BASE
    )
    loaded_plugins = frozenset({"container", "k8saudit", "json"})
    environment = Environment(loaded_plugins, versions=(("k8saudit", version),))
    ruleset = loaded(text, environment=environment)
    assert ruleset.successful is compatible
    if not compatible:
        ((_, complaint),) = ruleset.unmet
        assert complaint == (
            f"Plugin 'k8saudit' version '{version}' is not compatible with required plugin "
            "version '0.14.0'"
        )


@pytest.mark.parametrize(
    ("comparison", "complaint"),
    [
        ("evt.num contains 1", "'contains' operator not supported for numeric filters"),
        ("fd.sport pmatch (1)", "'pmatch' operator not supported for numeric filters"),
        ("evt.is_wait glob tru*", "'glob' operator not supported for numeric filters"),
        ("fd.is_server > 0", "'>' operator not supported for numeric filters"),
        ("fd.sip startswith 10.", "'startswith' operator not supported for ip address and network"),
        ("fd.snet regex 10.*", "'regex' operator not supported for ip address and network filters"),
        ("proc.name bcontains 6173", "'bcontains' operator not supported for string filters"),
        ("evt.buffer icontains a", "'icontains' operator not supported for buffer filters"),
        ("len(proc.name) startswith 1", "'startswith' operator not supported for numeric filters"),
        ("tolower(proc.name) bstartswith 61", "operator not supported for string filters"),
        ("k8smeta.pod.labels = a", "'=' operator not supported list filters"),
        ("k8smeta.pod.labels startswith a", "'startswith' operator not supported list filters"),
        ("proc.name regex a\\d", "invalid regex pattern: invalid escape sequence: \\d"),
        (
            'proc.name regex "(?i)a"',
            "invalid regex pattern: no argument for repetition operator: ?",
        ),
        ('proc.name regex oneof (a, "(")', "invalid regex pattern: missing ): ("),
        ("proc.name pmatch val(proc.pname)", "doesn't support right-hand side fields"),
        ("fd.snet = val(fd.sip)", "field type 'IPNET' doesn't support right-hand side fields"),
    ],
)
def test_comparisons_that_the_engine_refuses(comparison, complaint):
    text = json.dumps(f"started and {comparison}")
    override = f"- rule: shell\n  condition: {text}\n  override: {{condition: replace}}\n"
    (problem,) = loaded(BASE, override).results[1].errors
    assert problem.code == "LOAD_ERR_COMPILE_CONDITION"
    assert complaint in problem.message


@pytest.mark.parametrize(
    "comparison",
    [
        "evt.buffer bcontains 6173",
        "evt.buffer startswith a",
        "fd.sport in (1, 2)",
        "fd.snet in (10.0.0.0/8)",
        "k8smeta.pod.labels intersects (a, b)",
        "k8smeta.pod.labels exists",
        "len(proc.name) >= 3",
        "proc.name iglob A*",
        'proc.name regex "[[:alpha:]]+[0-9]{2,3}"',
        "proc.aname in (a)",
    ],
)
def test_comparisons_that_the_engine_takes(comparison):
    text = json.dumps(f"started and {comparison}")
    override = f"- rule: shell\n  condition: {text}\n  override: {{condition: replace}}\n"
    assert loaded(BASE, override).successful
