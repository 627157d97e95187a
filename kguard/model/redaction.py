# SPDX-License-Identifier: Apache-2.0
"""What must a quoted line not show?

Every quoted line passes here before any reporter sees it: values of environment variables, data
of Secrets, tokens and credentials in URLs.
"""

from __future__ import annotations

import re

MASK = "[redacted]"
MAX_QUOTE = 160
"""Characters of a line that a report quotes."""

_SECRET_KEY = re.compile(
    r"""(?ix) ^(?P<head> \s*(?:-\s+)?["']? [\w.-]*
        (?:password|passwd|secret|token|credential|api[_-]?key|private[_-]?key)[\w.-]* ["']?
        \s*[:=]\s* ) (?P<value>\S.*)$"""
)
URL_CREDENTIALS = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s:@]*:[^/\s@]+@")
TOKEN = re.compile(
    r"eyJ[\w-]{10,}\.[\w-]+\.[\w-]*|\b(?:ghp|gho|ghs|glpat|xox[abp])[-_][\w-]{10,}|\bAKIA[0-9A-Z]{16}\b"
)
_VALUE = re.compile(r"""^(\s*(?:-\s+)?["']?value["']?\s*:\s*)\S.*$""")
_REFERENCE = re.compile(r"(?i)(?:Name|Ref|Mount|File|Path|Keys?Ref)[\"']?\s*[:=]\s*$")


def redact(line: str) -> str:
    """The line without secrets, shortened to `MAX_QUOTE` characters."""
    text = line.rstrip("\r\n")
    if "://" in text:
        text = URL_CREDENTIALS.sub(rf"\1{MASK}@", text)
    text = TOKEN.sub(MASK, text)
    if match := _VALUE.match(text):
        text = match[1] + MASK
    match = _SECRET_KEY.match(text)
    if match and not _REFERENCE.search(match["head"]) and match["value"] not in ("{", "|", "|-"):
        text = match["head"] + MASK
    return text if len(text) <= MAX_QUOTE else text[: MAX_QUOTE - 1] + "…"
