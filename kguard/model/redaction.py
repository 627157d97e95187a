# SPDX-License-Identifier: Apache-2.0
"""What must a quoted line not show?

Every quoted line passes here before any reporter sees it: values of environment variables, data
of Secrets, tokens and credentials in URLs.
"""

from __future__ import annotations

import re
import string

MASK = "[redacted]"
MAX_QUOTE = 160
"""Characters of a line that a report quotes."""
_LOOKED_AT = 16_384
"""Characters of a line that are searched; what a report quotes lies far inside. Whole files of
JSON are one line, which every finding in them quotes."""

_IN_TOKENS = string.ascii_letters + string.digits + "-_."
"""A token that the end of what is searched would cut in two is left out."""

_ENTRY = re.compile(
    r"""^(?P<head>\s*(?:-\s+)?["']?(?P<key>[\w.-]+)["']?\s*[:=]\s*)(?P<value>\S.*)$"""
)
_SECRET = re.compile(r"(?i)password|passwd|secret|token|credential|api[_-]?key|private[_-]?key")
URL_CREDENTIALS = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s:@]*:[^/\s@]+@")
# The word boundaries stand behind the first letters, so that `re` looks for these letters alone.
TOKEN = re.compile(
    r"eyJ[\w-]{10,}\.[\w-]+\.[\w-]*"
    r"|g(?<!\wg)(?:h[ops]|lpat)[-_][\w-]{10,}"
    r"|x(?<!\wx)ox[abp][-_][\w-]{10,}"
    r"|A(?<!\wA)KIA[0-9A-Z]{16}\b"
)
_NO_SECRETS = frozenset({"{", "|", "|-", "true", "false", "null"})
_REFERENCE = re.compile(r"(?i)(?:Name|Ref|Mount|File|Path|Keys?Ref)[\"']?\s*[:=]\s*$")


def redact(line: str) -> str:
    """The line without secrets, shortened to `MAX_QUOTE` characters."""
    text = line.rstrip("\r\n")
    if len(text) > _LOOKED_AT:
        text = text[:_LOOKED_AT].rstrip(_IN_TOKENS)
    if "://" in text:
        text = URL_CREDENTIALS.sub(rf"\1{MASK}@", text)
    text = TOKEN.sub(MASK, text)
    match = _ENTRY.match(text)
    if match and _hidden(*match.groups()):
        text = match["head"] + MASK
    return text if len(text) <= MAX_QUOTE else text[: MAX_QUOTE - 1] + "…"


def _hidden(head: str, key: str, value: str) -> bool:
    """Whether an entry is the value of a variable, or named like a secret and no reference."""
    if key == "value" and ":" in head:
        return True
    named = _SECRET.search(key) and not _REFERENCE.search(head)
    return bool(named) and value.rstrip(",") not in _NO_SECRETS
