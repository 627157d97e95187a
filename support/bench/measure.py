# SPDX-License-Identifier: Apache-2.0
"""How long does a command take, and how much memory does its largest process need?

Processor time of all its processes is measured beside wall time: on a busy machine it is the
number that still means something.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Sequence
from typing import NamedTuple

CUT_OFF_SECONDS = 300.0


class Cost(NamedTuple):
    """Wall and processor time in seconds, peak resident memory in MB, and the exit code."""

    seconds: float
    processor: float
    megabytes: float
    code: int


class TooSlow(Exception):  # noqa: N818 - an outcome of a benchmark
    """The command was stopped at the cut-off."""


def once(command: Sequence[str], cut_off: float = CUT_OFF_SECONDS) -> Cost:
    """Run a command without output. Raises ``TooSlow`` after ``cut_off`` seconds."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    process = subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        spent = time.perf_counter() - started
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            processor = usage.ru_utime + usage.ru_stime
            return Cost(spent, processor, usage.ru_maxrss / 1024, process.returncode)
        if spent > cut_off:
            process.kill()
            process.wait()
            raise TooSlow(f"over {cut_off:.0f} s")
        time.sleep(0.002)


def median(command: Sequence[str], runs: int, cut_off: float = CUT_OFF_SECONDS) -> Cost:
    """The median times and the largest memory of several runs."""
    costs = [once(command, cut_off) for _ in range(runs)]
    seconds = statistics.median(cost.seconds for cost in costs)
    processor = statistics.median(cost.processor for cost in costs)
    return Cost(seconds, processor, max(cost.megabytes for cost in costs), costs[-1].code)
