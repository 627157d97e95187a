# SPDX-License-Identifier: Apache-2.0
"""Is every change that takes something from a rule named, with how much it takes?"""

from __future__ import annotations

import pytest

from kguard.layers.runtime.semantics.changes import MAX_CHANGES, Changes
from kguard.layers.runtime.semantics.environment import EVERY_PLUGIN
from kguard.layers.runtime.semantics.loader import RulesFile, load
from kguard.layers.runtime.semantics.losses import verdicts
from kguard.layers.runtime.semantics.parser import parse
from kguard.layers.runtime.semantics.weakening import MAX_ALTERNATIVES, Gap, gap

BASE = """\
- macro: container
  condition: (container.id != host)
- macro: started
  condition: (evt.type = execve)
- list: shells
  items: [bash, sh]
- macro: hook
  condition: (evt.num = 0)
- rule: Shell
  desc: d
  condition: started and container and proc.name in (shells) and not hook
  output: o
  priority: NOTICE
"""


def changes(local: str) -> tuple[Changes, list[str]]:
    files = [RulesFile("base.yaml", BASE), RulesFile("local.yaml", local)]
    ruleset = load(files, EVERY_PLUGIN)
    assert ruleset.successful, ruleset.results[-1].errors
    dead = [name for name, answer in verdicts(ruleset).items() if answer.verdict == "dead"]
    return Changes(files, EVERY_PLUGIN, ruleset), dead


def blamed(local: str) -> list[tuple[str, str, int]]:
    found, dead = changes(local)
    return [(c.kind, c.name, c.line) for c in found.blamed(dead).get("Shell", [])]


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("- macro: container\n  condition: (evt.num=0)\n", [("macro", "container", 1)]),
        ("- list: shells\n  items: []\n", [("list", "shells", 1)]),
        ("- macro: hook\n  condition: (evt.num>0)\n", [("macro", "hook", 1)]),
        (
            (
                "- rule: Shell\n  condition: and never\n  override: {condition: append}\n"
                "- macro: never\n  condition: (evt.num=0)\n"
            ),
            [("rule", "Shell", 1)],
        ),
        (
            (
                "- macro: container\n  condition: (evt.num=0)\n"
                "- macro: started\n  condition: (evt.num=0)\n"
                "- list: shells\n  items: [bash, ash]\n"
            ),
            [("macro", "container", 1), ("macro", "started", 3)],
        ),
        ("- list: shells\n  items: [bash]\n", []),
    ],
)
def test_who_is_to_blame(local, expected):
    assert blamed(local) == expected


def test_what_one_change_does():
    found, dead = changes(
        "- list: shells\n  items: [bash]\n- macro: hook\n  condition: (evt.num=0)\n"
    )
    assert dead == []
    (impact,) = found.impacts
    assert (impact.change.name, impact.rule) == ("shells", "Shell")


def test_too_many_changes_are_not_tried():
    one = "- rule: Shell\n  condition: and not proc.pname=p{}\n  override: {{condition: append}}\n"
    found, _ = changes("".join(one.format(n) for n in range(MAX_CHANGES + 3)))
    assert len({impact.change for impact in found.impacts}) == MAX_CHANGES
    assert [change.line for change in found.untried] == [1 + 3 * n for n in (2, 1, 0)]


RULE = "evt.type=execve and container.id != host and proc.name in (bash, sh)"


def between(before: str, after: str) -> Gap | None:
    return gap(parse(before), parse(after))


@pytest.mark.parametrize(
    ("added", "breadth", "excluded"),
    [
        ("proc.pname = cron", "specific", "proc.pname = cron"),
        ("k8s.ns.name = shop", "namespace", "k8s.ns.name = shop"),
        ("k8s.ns.name startswith shop-", "namespace", "k8s.ns.name startswith shop-"),
        ("container.image.repository startswith quay.io/", "registry", None),
        ("container.image.repository startswith quay.io/team/app", "specific", None),
        ("container.image.repository glob quay.io/*", "registry", None),
        ("user.name = root", "user", None),
        ("user.uid = 0", "user", None),
        ("proc.cmdline contains x", "pattern", None),
        ("proc.cmdline contains backup", "specific", None),
        ("fd.name startswith /var", "pattern", None),
        ("fd.name startswith /var/lib/app", "specific", None),
        ("fd.sip in (10.0.0.0/8)", "pattern", None),
        ("fd.sip in (10.1.2.0/24)", "specific", None),
        ("proc.tty = 0", "circumstance", None),
        ("container.privileged = false", "circumstance", None),
        ("proc.aname exists", "circumstance", None),
        ("proc.pname != runc", "all_but", None),
        ("k8s.ns.name = shop and proc.pname = cron", "specific", None),
        ("k8s.ns.name = shop and user.name = root", "namespace", None),
        ("k8s.ns.name = shop or proc.pname = cron", "namespace", "k8s.ns.name = shop"),
        ("proc.name in (bash, sh, zsh)", "everything", None),
        ("container.id != host and k8s.ns.name = shop", "namespace", None),
        ("proc.pname = val(proc.name)", "unknown", None),
        ("tolower(k8s.ns.name) = shop", "namespace", None),
    ],
)
def test_how_wide_an_exclusion_is(added, breadth, excluded):
    found = between(RULE, f"{RULE} and not ({added})")
    assert found is not None
    assert found.breadth == breadth
    assert excluded is None or found.excluded == (excluded,)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (RULE, RULE),
        (RULE, f"{RULE} or proc.name=zsh"),
        (RULE, f"{RULE} and not proc.name=zsh"),
        (RULE, f"{RULE} and evt.num > 0"),
        ("proc.name in (a, b)", "proc.name in (b, a, c)"),
        ("fd.name startswith /etc/ssh", "fd.name startswith /etc/ssh and fd.name contains /etc"),
    ],
)
def test_nothing_is_left_out(before, after):
    assert between(before, after) is None


def test_a_shorter_list_leaves_out_the_rest():
    found = between("proc.name in (a, b, c)", "proc.name in (a)")
    assert found == Gap("all_but", ("not proc.name in (a)",))


def test_too_many_alternatives_are_unknown():
    many = " or ".join(f"proc.pname = p{n}" for n in range(MAX_ALTERNATIVES + 1))
    assert between(RULE, f"{RULE} and not ({many})") == Gap("unknown")
