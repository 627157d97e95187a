# SPDX-License-Identifier: Apache-2.0
"""How do values get into a page without becoming part of its markup?

Everything that comes from the input is escaped by the template engine; control and bidi
characters are replaced before.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

from kguard.model.safe_text import clean


def filled(name: str, **values: Any) -> str:
    """A template of this folder with these values, and `style` for the text of the style sheet."""
    import jinja2

    folder = resources.files(__package__)
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
    )
    style = (folder / "style.css").read_text(encoding="utf-8")
    text = environment.get_template(name).render(style=style, **values)
    return "\n".join(line for line in text.splitlines() if line.strip()) + "\n"


def _finalize(value: Any) -> Any:
    """Text without characters that a reader cannot see; markup of our own stays as it is."""
    return clean(value) if type(value) is str else value
