# SPDX-License-Identifier: Apache-2.0
"""In which forms is it told what a change does?"""

from __future__ import annotations

from kguard.model.differences import Difference
from kguard.model.findings import Report
from kguard.reporters.settings import Settings

NAMES = ("txt", "json", "markdown", "sarif")


def render(name: str, found: Difference, head: Report, settings: Settings) -> str:
    """What a change does, in one of the forms of `NAMES`.

    Args:
        name: the form.
        found: what the change does.
        head: the report of the changed state.
        settings: how it is shown.
    """
    if name == "json":
        from kguard.reporters import change_json

        return change_json.render(found)
    if name == "markdown":
        from kguard.reporters import change_markdown

        return change_markdown.render(found, settings.reproduce)
    if name == "sarif":
        from kguard.reporters import change_sarif

        return change_sarif.render(found, head, settings)
    from kguard.reporters import change_text

    return change_text.render(found)
