# SPDX-License-Identifier: Apache-2.0
"""What does Falco make of its configuration, what that includes, variables and `-o`?"""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest

from kguard.layers.runtime.remedy.places import plain
from kguard.layers.runtime.semantics.configuration import (
    assigned,
    included,
    includes,
    is_open,
    laid_over,
    with_variables,
)
from kguard.layers.runtime.semantics.settings import read
from kguard.model.facts.runtime import Facts, Installation
from tests.unit.layers.runtime.test_facts import CONFIG, RULE, config_map, daemonset, facts

MAIN = "foo: [bar]\nbase: {id: 1, name: x}\n"
SECOND = "foo: [bar2]\nbase: {id: 2}\nnew: 3\n"


def table(text: str) -> Any:
    found = read(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("strategy", "result"),
    [
        ("append", {"foo": ["bar", "bar2"], "base": {"id": 2}, "new": 3}),
        ("override", {"foo": ["bar2"], "base": {"id": 2}, "new": 3}),
        ("add-only", {"foo": ["bar"], "base": {"id": 1, "name": "x"}, "new": 3}),
    ],
)
def test_strategies(strategy, result):
    assert plain(included(table(MAIN), table(SECOND), strategy)) == result


def test_what_is_included():
    text = "config_files:\n- a\n- {path: b, strategy: add-only}\n- {path: c, strategy: odd}\n- {}\n"
    assert list(includes(table(text))) == [("a", "append"), ("b", "add-only"), ("c", "append")]
    assert list(includes(table("config_files: a\n"))) == [("a", "append")]
    assert list(includes(table("x: 1\n"))) == []


@pytest.mark.parametrize(
    ("values", "result"),
    [
        ("a: {c: 3}\n", {"a": {"b": 1, "c": 3}, "l": [1]}),
        ("l: [2]\n", {"a": {"b": 1}, "l": [2]}),
        ("l: null\n", {"a": {"b": 1}}),
        ("a: text\n", {"a": "text", "l": [1]}),
    ],
)
def test_values_over_defaults(values, result):
    assert plain(laid_over(table("a: {b: 1}\nl: [1]\n"), table(values))) == result


KNOWN = {"A": "one", "B": "", "N": "7"}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("x${A}y", "xoney"),
        ("${B}${A}", "one"),
        ("${C}", ""),
        ("$${A}", "${A}"),
        ("${SECRET}/${A}", "${SECRET}/one"),
        ("${A", "${A"),
        ("$A", "$A"),
        ("'${N}'", "7"),
    ],
)
def test_variables(written, value):
    value_of = lambda name: None if name == "SECRET" else KNOWN.get(name, "")  # noqa: E731
    found = with_variables(table(f"k:\n- {written}\n"), value_of)
    assert found.get("k").items[0].text == value


def test_what_is_left_open():
    assert is_open("https://${HOST}/x")
    assert not is_open("https://$${HOST}/x")


@pytest.mark.parametrize(
    ("steps", "result"),
    [
        (["a.b=1"], {"a": {"b": 1}, "l": [{"n": "x"}]}),
        (["a.c=2"], {"a": {"b": 0, "c": 2}, "l": [{"n": "x"}]}),
        (["l[0].n=y"], {"a": {"b": 0}, "l": [{"n": "y"}]}),
        (["l[].n=z", "l[].n=w"], {"a": {"b": 0}, "l": [{"n": "x"}, {"n": "z"}, {"n": "w"}]}),
        (["m[]=q"], {"a": {"b": 0}, "l": [{"n": "x"}], "m": ["q"]}),
        (['a={"d": [1]}'], {"a": {"d": [1]}, "l": [{"n": "x"}]}),
        (["a=[broken"], {"a": "[broken", "l": [{"n": "x"}]}),
        ([r"a\.b=1"], {"a": {"b": 0}, "l": [{"n": "x"}], "a.b": 1}),
        (["a.b=x=y"], {"a": {"b": "x=y"}, "l": [{"n": "x"}]}),
        (["nothing"], {"a": {"b": 0}, "l": [{"n": "x"}]}),
        (["[0]=x"], {"a": {"b": 0}, "l": [{"n": "x"}]}),
        (["a[x]=1"], {"a": {"b": 0}, "l": [{"n": "x"}]}),
        ([f"{'a.' * 60}b=1"], {"a": {"b": 0}, "l": [{"n": "x"}]}),
    ],
)
def test_the_command_line(steps, result):
    assert plain(reduce(assigned, steps, table("a: {b: 0}\nl: [{n: x}]\n"))) == result


def falco(found: Facts) -> Installation:
    (one,) = found.installations
    return one


def whole(config: str, *objects: Any, **pod: Any) -> Facts:
    rules = config_map("rules", r__yaml=RULE)
    return facts(daemonset(**pod), config_map("falco", falco__yaml=config), rules, *objects)


HTTP = "http_output: {enabled: true, url: 'https://x.example.com'}\n"


def with_folder(config: str) -> Facts:
    made = daemonset()
    spec = made["spec"]["template"]["spec"]
    spec["volumes"].append({"name": "more", "configMap": {"name": "more"}})
    mount = {"name": "more", "mountPath": "/etc/falco/config.d"}
    spec["containers"][0]["volumeMounts"].append(mount)
    more = config_map("more", z__yaml=HTTP)
    rules = config_map("rules", r__yaml=RULE)
    return facts(made, config_map("falco", falco__yaml=config), rules, more)


def test_a_folder_is_read_only_where_it_is_included():
    assert falco(with_folder(CONFIG)).outputs == []
    listed = f"{CONFIG}config_files: [/etc/falco/config.d]\n"
    assert falco(with_folder(listed)).outputs == ["http"]
    file = f"{CONFIG}config_files: [/etc/falco/config.d/z.yaml, /nowhere.yaml]\n"
    assert falco(with_folder(file)).outputs == ["http"]


def test_an_included_folder_that_nobody_can_see_leaves_the_configuration_open():
    made = daemonset()
    spec = made["spec"]["template"]["spec"]
    spec["volumes"].append({"name": "more", "emptyDir": {}})
    mount = {"name": "more", "mountPath": "/etc/falco/config.d"}
    spec["containers"][0]["volumeMounts"].append(mount)
    config = f"{CONFIG}config_files: [/etc/falco/config.d]\n{HTTP}"
    rules = config_map("rules", r__yaml=RULE)
    found = falco(facts(made, config_map("falco", falco__yaml=config), rules))
    assert (found.config, found.delivered, found.rules) == ("unknown", "unknown", "unknown")


def variable(**entry: Any) -> Any:
    made = daemonset()
    container = made["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "HOST", **entry}]
    return made


@pytest.mark.parametrize(
    ("entry", "delivered"),
    [
        ({"value": "siem.example.com"}, "true"),
        ({"value": ""}, "false"),
        ({"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}, "unknown"),
        ({"valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}, "unknown"),
        ({"valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}, "true"),
    ],
)
def test_variables_of_the_container(entry, delivered):
    config = f"{CONFIG}http_output: {{enabled: true, url: 'https://${{HOST}}'}}\n"
    objects = [config_map("falco", falco__yaml=config), config_map("rules", r__yaml=RULE)]
    found = facts(variable(**entry), *objects, config_map("c", k="siem.example.com"))
    assert falco(found).delivered == delivered


def test_rules_selected_on_the_command_line():
    off = whole(CONFIG, args=["-o", "rules[].disable.rule=*"])
    assert (falco(off).enabled, falco(off).rules) == (0, "empty")
    back = ["-o", "rules[].disable.rule=*", "-o", "rules[].enable.rule=sh*"]
    assert falco(whole(CONFIG, args=back)).enabled == 1
