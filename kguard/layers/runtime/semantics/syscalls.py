# SPDX-License-Identifier: Apache-2.0
"""Which system calls does Falco ask the kernel for, and which of those that rules name does it not?

Authority: falcosecurity/falco userspace/falco/app/actions/configure_interesting_sets.cpp
(`select_event_set`) and app.cpp (`ignored_sc_set`); falcosecurity/libs
userspace/libsinsp/test/public_sinsp_API/interesting_syscalls.cpp (`io_sc_set`, and what
`sinsp_repair_state_sc_set` brings back).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

VOLUMINOUS = frozenset(
    {"read", "readv", "pread", "preadv", "write", "writev", "pwrite", "pwritev", "sendfile"}
)
"""Left out unless all are asked for, even where rules name them. Those that receive and send over
sockets are of the same kind, but belong to what Falco keeps its state by."""

PROCESS_STATE = frozenset({"clone", "clone3", "fork", "vfork", "execve", "execveat"})
"""Without these Falco does not know which process an event comes from."""

_PARSING = frozenset({"container"})
"""Plugins that ask for the events of new processes themselves."""

_REPAIRED = PROCESS_STATE | frozenset(
    {"accept", "accept4", "bind", "capset", "chdir", "chroot", "close", "fchdir", "getsockopt"}
    | {"prctl", "procexit", "setgid", "setpgid", "setresgid", "setresuid", "setsid", "setuid"}
    | {"socket"}
)


class Syscalls(msgspec.Struct, frozen=True):
    """`base_syscalls` of falco.yaml."""

    added: frozenset[str] = frozenset()
    """Named in `custom_set`: they stand in place of what Falco keeps its state by."""
    removed: frozenset[str] = frozenset()
    """Named there with `!`."""
    everything: bool = False
    """`all: true`, or `-A` on the command line."""
    repair: bool = False

    @property
    def unheard(self) -> frozenset[str]:
        """Those of which no rule gets an event, whatever it asks for."""
        gone = self.removed if self.everything else self.removed | VOLUMINOUS
        return gone - _REPAIRED if self.repair else gone

    def lost_state(self, named: Iterable[str], plugins: frozenset[str]) -> list[str]:
        """What is missing to tell processes apart, given what rules name and plugins parse."""
        if self.repair:
            return []
        kept = not self.added or bool(plugins & _PARSING)
        base = PROCESS_STATE if kept else self.added
        return sorted(PROCESS_STATE - ((base | frozenset(named)) - self.removed))


EVERY_SYSCALL = Syscalls(everything=True)
"""What is taken for granted where no configuration is known."""
