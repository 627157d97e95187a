# SPDX-License-Identifier: Apache-2.0
"""Which system calls does Falco ask for under a `base_syscalls`?"""

from __future__ import annotations

import pytest

from kguard.layers.runtime.semantics.settings import read, settings_of
from kguard.layers.runtime.semantics.syscalls import EVERY_SYSCALL, VOLUMINOUS


def syscalls(text: str):
    node = read(f"base_syscalls: {text}\n")
    assert node is not None
    return settings_of(node).syscalls


@pytest.mark.parametrize(
    ("text", "unheard"),
    [
        ("{}", VOLUMINOUS),
        ("{all: true}", set()),
        ("{custom_set: [execve]}", VOLUMINOUS),
        ("{custom_set: ['!execve', connect], all: true}", {"execve"}),
        ("{custom_set: ['!execve', '!connect'], all: true, repair: true}", {"connect"}),
        ("{repair: true}", VOLUMINOUS),
        ("{custom_set: 5, all: maybe}", VOLUMINOUS),
    ],
)
def test_what_no_rule_hears(text, unheard):
    assert syscalls(text).unheard == unheard


def test_nothing_is_left_out_where_no_configuration_is_known():
    assert EVERY_SYSCALL.unheard == frozenset()


@pytest.mark.parametrize(
    ("text", "named", "plugins", "lost"),
    [
        ("{}", [], [], []),
        ("{custom_set: [connect]}", ["execve"], [],
         ["clone", "clone3", "execveat", "fork", "vfork"]),
        ("{custom_set: [connect]}", ["execve"], ["container"], []),
        ("{custom_set: [connect], repair: true}", [], [], []),
        ("{custom_set: ['!fork']}", [], ["container"], ["fork"]),
        ("{custom_set: ['!fork']}", ["fork"], [], ["fork"]),
    ],
)  # fmt: skip
def test_what_falco_needs_to_tell_processes_apart(text, named, plugins, lost):
    assert syscalls(text).lost_state(named, frozenset(plugins)) == lost
