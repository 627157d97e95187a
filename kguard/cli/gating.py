# SPDX-License-Identifier: Apache-2.0
"""Which options say what counts as failed?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from kguard.model.findings import SEVERITIES

F = TypeVar("F", bound=Callable[..., Any])

_CODE_3 = "What could not be read does not make the code 3."


def fail_on(does: str) -> Callable[[F], F]:
    """`--fail-on`.

    Args:
        does: what the least severity does, as it goes on after "The least severity".
    """
    return click.option(
        "--fail-on",
        type=click.Choice(["none", *SEVERITIES]),
        help=f"The least severity {does} (default high).",
    )


def allow_incomplete(does: str = _CODE_3) -> Callable[[F], F]:
    """`--allow-incomplete`, with its help."""
    return click.option("--allow-incomplete", is_flag=True, help=does)


def denial_options(function: F) -> F:
    """What denies a request."""
    for option in (
        allow_incomplete("What cannot be decided does not deny the request."),
        fail_on("of a new finding that denies the request"),
    ):
        function = option(function)
    return function
