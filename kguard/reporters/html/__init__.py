# SPDX-License-Identifier: Apache-2.0
"""What does a report look like as one HTML file?

No script, no font, no picture from elsewhere: the file says so itself (Content-Security-Policy)
and opens without network, in a mail or from an archive.
"""

from __future__ import annotations

import msgspec

from kguard import __version__
from kguard.model.findings import Report
from kguard.reporters.html import audit, fleet, images, mtls, network, runtime
from kguard.reporters.html.page import page
from kguard.reporters.html.template import filled
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
        shown = fleet.page(report, settings)
        return filled("fleet.html", page=shown, version=__version__)
    facts = {name: msgspec.to_builtins(report.facts.get(name) or {}) for name in _SECTIONS}
    views = {name: view(facts[name]) for name, view in _SECTIONS.items()}
    return filled("report.html", page=page(report, settings), views=views, version=__version__)
