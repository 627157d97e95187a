# SPDX-License-Identifier: Apache-2.0
"""Is a host spared, by all that ask it together?"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from kguard.sources.registry import gate
from kguard.sources.registry.gate import Gate, wait_of


def test_only_so_many_at_once():
    queue, inside, most = Gate(limit=3), [], []

    def visit(number):
        with queue.turn(time.monotonic() + 10) as admitted:
            assert admitted
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.005)
            inside.remove(number)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(visit, range(40)))
    assert max(most) == 3


def test_a_pause_is_everybodys_and_halves_the_limit():
    queue = Gate(limit=4)
    queue.pause(0.1)
    started = time.monotonic()
    end = started + 10
    with queue.turn(end) as first, queue.turn(end) as second:
        assert (first, second) == (True, True)
        assert time.monotonic() - started >= 0.1
        with queue.turn(time.monotonic() + 0.01) as third:
            assert third is False


def test_answers_raise_the_limit_again():
    queue = Gate(limit=4)
    queue.pause(0)
    for _ in range(2):
        queue.answered()
    end = time.monotonic() + 1
    with queue.turn(end), queue.turn(end), queue.turn(end) as third:
        assert third is True


def test_nobody_waits_beyond_the_end():
    queue = Gate()
    queue.pause(60)
    with queue.turn(time.monotonic() + 0.02) as admitted:
        assert admitted is False


@pytest.mark.parametrize(
    ("asked", "attempt", "seconds"),
    [("", 0, 0.5), ("", 3, 4.0), ("", 99, 30.0), ("soon", 1, 1.0), ("7", 0, 7.0), ("-1", 0, 0.5)],
)
def test_how_long_to_wait(asked, attempt, seconds):
    assert wait_of(asked, attempt) == seconds


def test_a_date_to_wait_for():
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    assert 17 < wait_of(then, 0) <= 20
    assert wait_of("Mon, 01 Jan 2001 00:00:00 GMT", 0) == 0
    assert wait_of("9" * 5000, 0) > gate.LONGEST_WAIT_SECONDS
