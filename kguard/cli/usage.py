# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a command line, and what can be typed instead?"""

from __future__ import annotations

import re

import click

from kguard.errors import UsageError, suggested

_CHOICE = re.compile(r"'(?P<value>[^']*)' is not one of ")
_COMMAND = re.compile(r"No such command '(?P<name>[^']*)'")
_EXAMPLE = re.compile(r"Examples:\s*\n\s*(?P<line>kguard .*?)(?:\s{2,}.*)?$", re.MULTILINE)


def usage(error: click.ClickException) -> UsageError:
    """What click says, as one sentence with a hint."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    text = " ".join(error.format_message().split()).rstrip(".")
    if isinstance(error, click.NoSuchOption):
        return _option(error, context)
    if isinstance(error, click.BadParameter) and (choice := _CHOICE.search(text)):
        return _choice(error, choice["value"])
    if context and (command := _COMMAND.search(text)):
        return _command(command["name"], context)
    return UsageError(text[:1].lower() + text[1:], hint=_example(context))


def _option(error: click.NoSuchOption, context: click.Context | None) -> UsageError:
    command = context.command if context else None
    known = [name for p in command.params for name in p.opts] if command else []
    options = [name for name in known if name.startswith("--")]
    hint = suggested(error.option_name, options, _example(context))
    return UsageError(f"there is no option {error.option_name}", hint=hint)


def _choice(error: click.BadParameter, value: str) -> UsageError:
    """A value that is none of a few."""
    parameter = error.param
    known = [str(name) for name in getattr(parameter and parameter.type, "choices", ())]
    is_option = isinstance(parameter, click.Option)
    name = parameter.opts[0] if parameter and is_option else _argument(parameter)
    return UsageError(
        f"{name}: there is no {value!r}", hint=suggested(value, known, f"one of {', '.join(known)}")
    )


def _argument(parameter: click.Parameter | None) -> str:
    return (parameter.name or "").upper() if parameter else "value"


def _command(name: str, context: click.Context) -> UsageError:
    group = context.command
    known = group.list_commands(context) if isinstance(group, click.Group) else []
    path = context.command_path
    hint = suggested(name, known, f"one of {', '.join(known)}")
    return UsageError(f"there is no command `{path} {name}`", hint=hint)


def _example(context: click.Context | None) -> str:
    """A line that works, out of the command's own help."""
    if context is None:
        return ""
    found = _EXAMPLE.search(context.command.help or "")
    more = f"`{context.command_path} --help` says what there is"
    return f"such as `{found['line']}`; {more}" if found else more
