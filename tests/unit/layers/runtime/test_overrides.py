# SPDX-License-Identifier: Apache-2.0
"""Are harmful changes seen without the rules that they change, and harmless ones left alone?"""

from __future__ import annotations

import pytest

from kguard.layers.runtime.semantics.environment import EVERY_PLUGIN
from kguard.layers.runtime.semantics.loader import RulesFile
from kguard.layers.runtime.semantics.overrides import harmful


def found(text: str) -> list[tuple[str, str, str, int]]:
    answers = harmful([RulesFile("local.yaml", text)], EVERY_PLUGIN)
    return [(one.effect, one.kind, one.name, one.step.line) for one in answers]


REPLACED = "  override: {condition: replace}\n"
APPENDED = "  override: {condition: append}\n"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (
            "- macro: container\n  condition: (never_true)\n" + REPLACED,
            ("dead", "macro", "container"),
        ),
        ("- macro: open_read\n  condition: (evt.num=0)\n", ("dead", "macro", "open_read")),
        ("- macro: user_x\n  condition: (evt.num>=0)\n", ("dead", "macro", "user_x")),
        ("- macro: user_x\n  condition: (always_true)\n" + REPLACED, ("dead", "macro", "user_x")),
        ("- list: shell_binaries\n  items: []\n", ("dead", "list", "shell_binaries")),
        ("- rule: Shell\n  enabled: false\n", ("disabled", "rule", "Shell")),
        (
            "- rule: Shell\n  enabled: false\n  override: {enabled: replace}\n",
            ("disabled", "rule", "Shell"),
        ),
        ("- rule: Shell\n  condition: and evt.num=0\n" + APPENDED, ("dead", "rule", "Shell")),
        ("- rule: Shell\n  condition: and never_true\n  append: true\n", ("dead", "rule", "Shell")),
    ],
)
def test_harmful(text, answer):
    assert found(text) == [(*answer, 1)]


@pytest.mark.parametrize(
    "text",
    [
        "- macro: user_x\n  condition: (never_true)\n",
        "- macro: user_x\n  condition: (proc.name=x)\n" + REPLACED,
        "- macro: mine\n  condition: (evt.num=0)\n",
        "- list: user_known\n  items: []\n  override: {items: replace}\n",
        "- list: shell_binaries\n  items: [pwsh]\n  override: {items: append}\n",
        "- rule: r\n  desc: d\n  condition: evt.type=open and x\n  output: o\n  priority: INFO\n",
        "- rule: Shell\n  condition: and not y\n" + APPENDED,
        "- rule: Shell\n  enabled: true\n",
        "- macro: container\n  condition: or z\n" + APPENDED,
        "- rule: [\n",
        "- rule: x\n  condition: and (\n  append: true\n",
    ],
)
def test_harmless_or_unreadable(text):
    assert found(text) == []
