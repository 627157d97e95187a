# SPDX-License-Identifier: Apache-2.0
"""What does a report look like as one HTML file?

No script, no font, no picture from elsewhere: the file says so itself (Content-Security-Policy)
and opens without network, in a mail or from an archive. Everything that comes from the input is
escaped by the template engine; control and bidi characters are replaced before.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

import msgspec

from kguard import __version__
from kguard.model.findings import Report
from kguard.model.safe_text import clean
from kguard.reporters.html import audit, fleet, images, mtls, network, runtime
from kguard.reporters.html.page import page
from kguard.reporters.settings import Settings

_SECTIONS = {
    "network": network.view,
    "mtls": mtls.view,
    "images": images.view,
    "audit": audit.view,
    "runtime": runtime.view,
}


def render(report: Report, settings: Settings) -> str:
    """The report as an HTML document."""
    if report.clusters:
        return _filled("fleet.html", page=fleet.page(report, settings))
    facts = {name: msgspec.to_builtins(report.facts.get(name) or {}) for name in _SECTIONS}
    views = {name: view(facts[name]) for name, view in _SECTIONS.items()}
    return _filled("report.html", page=page(report, settings), views=views)


def _filled(name: str, **values: Any) -> str:
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
    template = environment.get_template(name)
    style = (folder / "style.css").read_text(encoding="utf-8")
    text = template.render(version=__version__, style=style, **values)
    return "\n".join(line for line in text.splitlines() if line.strip()) + "\n"


def _finalize(value: Any) -> Any:
    """Text without characters that a reader cannot see; markup of our own stays as it is."""
    return clean(value) if type(value) is str else value
