# SPDX-License-Identifier: Apache-2.0
"""How do values get into a page without becoming part of its markup?

Everything that comes from the input is escaped by the template engine; control and bidi
characters are replaced before.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from kguard.model.safe_text import clean

if TYPE_CHECKING:
    import jinja2


def filled(name: str, **values: Any) -> str:
    """A template of this folder with these values, and `style` for the text of the style sheet."""
    text = _environment().get_template(name).render(style=_read("style.css"), **values)
    return "\n".join(line for line in text.splitlines() if line.strip()) + "\n"


@cache
def _environment() -> jinja2.Environment:
    """One for all pages of a process: to compile a template takes longer than to fill it."""
    import jinja2

    return jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(_read),
    )


@cache
def _read(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


def _finalize(value: Any) -> Any:
    """Text without characters that a reader cannot see; markup of our own stays as it is."""
    return clean(value) if type(value) is str else value
