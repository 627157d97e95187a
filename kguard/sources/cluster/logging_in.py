# SPDX-License-Identifier: Apache-2.0
"""How long may a program take that a kubeconfig names for logging in?

The official client waits for it without a limit: `subprocess` in its two modules that start
programs is replaced by this one's, and nothing else of it.
"""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

from kguard.errors import ClusterError
from kguard.sources import processes

UNATTENDED_SECONDS = 60.0
AT_A_TERMINAL_SECONDS = 300.0
"""Somebody may have to answer a question, or to log in in a browser."""


class _Program(subprocess.Popen[str]):
    """A program that is ended, with all that it started, when its time is over."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        # One that reads the terminal has to stay in the terminal's session.
        options.setdefault("start_new_session", options.get("stdin") is None)
        super().__init__(*arguments, **options)

    def communicate(
        self,
        input: str | None = None,  # noqa: A002 - the library's name
        timeout: float | None = None,
    ) -> tuple[str, str]:
        """What it printed. Raises `ClusterError` when its time is over."""
        attended = sys.stdout.isatty()
        seconds = timeout or (AT_A_TERMINAL_SECONDS if attended else UNATTENDED_SECONDS)
        try:
            return super().communicate(input, seconds)
        except subprocess.TimeoutExpired as error:
            raise ClusterError(f"exec: no end after {seconds:g} seconds") from error
        finally:
            processes.end(self)
            with self:
                """Its pipes are closed, and it is waited for."""


def limit() -> None:
    """From now on, the official client's programs end in time."""
    from kubernetes.config import exec_provider, kube_config

    limited = SimpleNamespace(Popen=_Program, PIPE=subprocess.PIPE)
    for module in (exec_provider, kube_config):
        vars(module)["subprocess"] = limited
