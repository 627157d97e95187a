# SPDX-License-Identifier: Apache-2.0
"""What can stand where the user presses Tab?

Asked only while a shell completes (click sets `_KGUARD_COMPLETE`): files, folders, policies,
formats and contexts, from what lies on this machine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

VARIABLE = "_KGUARD_COMPLETE"

Suggest = Callable[[click.Context], Iterable[tuple[str, str]]]
"""Names with what they mean."""


def wanted() -> bool:
    """Whether a shell asks, not a person."""
    return VARIABLE in os.environ


def named(names: Mapping[str, str], incomplete: str) -> list[CompletionItem]:
    """The names that begin with what is there already."""
    from click.shell_completion import CompletionItem

    return [
        CompletionItem(name, help=text)
        for name, text in names.items()
        if name.startswith(incomplete)
    ]


def equip(command: click.Command) -> click.Command:
    """Give the plain texts of a command, and of those below it, what completes them."""
    if isinstance(command, click.Group):
        for below in command.commands.values():
            equip(below)
    for parameter in command.params:
        if parameter.type is click.STRING:
            parameter.type = _type(parameter)
    return command


def _type(parameter: click.Parameter) -> Any:
    if parameter.name in _BY_NAME:
        return _Suggested(_BY_NAME[parameter.name])
    metavar = parameter.metavar or ""
    if parameter.name == "inputs" or metavar.strip("[].").startswith(("FILE", "PATH")):
        return click.Path()
    return click.Path(file_okay=False) if metavar == "DIR" else parameter.type


class _Suggested(click.types.StringParamType):
    """A text for which there are suggestions."""

    def __init__(self, suggest: Suggest) -> None:
        self._suggest = suggest

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The suggestions that begin with what is there already."""
        return named(dict(self._suggest(ctx)), incomplete)


def _policies(ctx: click.Context) -> Iterator[tuple[str, str]]:
    """The shipped policies, and those of the folders that the command line names."""
    from pathlib import Path

    from kguard.engine import catalog, own
    from kguard.errors import KguardError

    yield from ((policy.id, policy.title) for policy in catalog.bundled())
    folders = ctx.params.get("policy_dirs") or ctx.params.get("folders") or ()
    try:
        found = own.read([Path(name) for name in folders]).policies
    except KguardError:  # what is wrong with them is said when the command runs
        return
    yield from ((policy.id, policy.title) for policy in found)


def _contexts(_: click.Context) -> Iterator[tuple[str, str]]:
    from kguard.sources.kubeconfig import context_names

    yield from ((name, "") for name in context_names())


def _formats(_: click.Context) -> Iterator[tuple[str, str]]:
    from kguard import reporters

    yield from ((name, "") for name in reporters.NAMES)


def _assumptions(_: click.Context) -> Iterator[tuple[str, str]]:
    from kguard.cli.values import ASSUMABLE

    yield from ((f"{key}=", "") for key in ASSUMABLE)


_BY_NAME: dict[str | None, Suggest] = {
    "policies": _policies,
    "subject": _policies,
    "name": _policies,
    "contexts": _contexts,
    "outputs": _formats,
    "assume": _assumptions,
}
"""The suggestions for parameters; `name` is that of `policies show`."""
