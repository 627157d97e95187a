# SPDX-License-Identifier: Apache-2.0
"""What of an object must not be stored, although reading it was allowed?

Environment variables, ConfigMaps and annotations hold passwords where nobody should have put them.
A stored copy keeps what facts are made of (hosts, ports, paths, names) and masks what only a thief
could use: values under names that end like a secret's, credentials in URLs, tokens, private keys.
"""

from __future__ import annotations

import re
from typing import Any

from kguard.model.manifests import JsonObject, copied
from kguard.model.redaction import TOKEN, URL_CREDENTIALS

HIDDEN = "redacted"

_WORDS = r"(?:password|passwd|passphrase|secret|token|credentials?|api[_-]?key|private[_-]?key)"
_NAME = re.compile(rf"(?i){_WORDS}$")
_ASSIGNED = re.compile(
    rf"""(?imx) (?P<head> (?: ^[\ \t]*(?:-[\ \t]+)? | [{{,][\ \t]* | [\ \t]--? )
        ["']? [\w.-]* {_WORDS} ["']? [\ \t]*[:=][\ \t]* )
        (?P<value> "[^"\n]*" | '[^'\n]*' | [^\s,"'{{}}\[\]|>&*\#][^\s,}}\]]* )"""
)
"""`password: x` at the start of a line, in a JSON object, or among the arguments of a command."""
_KEY = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)", re.DOTALL)
_HEADER = re.compile(r"(?i)\b(bearer|basic)[ ]+[\w+/=.~-]{8,}")
_NO_SECRET = re.compile(r"""["']?(?:[/$].*|true|false|null|yes|no|~|[\d.]*)["']?""", re.IGNORECASE)
"""A path, a reference, a switch or a number: nothing to hide, and facts may need it."""


def masked(item: JsonObject) -> JsonObject:
    """A copy of an object in which no value reads like a secret."""
    found: JsonObject = copied(item)
    pending: list[Any] = [found]
    while pending:
        place = pending.pop()
        entries = place.items() if isinstance(place, dict) else enumerate(place)
        secret = _named_secret(place)
        for key, value in list(entries):
            if isinstance(value, dict | list):
                pending.append(value)
            elif isinstance(value, str) and value:
                hidden = _secret(key, value) or (secret and key == "value")
                place[key] = HIDDEN if hidden else _text(value)
    return found


def _named_secret(place: object) -> bool:
    """Whether it is `{name: DB_PASSWORD, value: ...}`, an environment variable."""
    name = place.get("name") if isinstance(place, dict) else None
    return isinstance(name, str) and bool(_NAME.search(name))


def _secret(key: object, value: str) -> bool:
    named = isinstance(key, str) and bool(_NAME.search(key))
    return named and not _NO_SECRET.fullmatch(value)


def _text(value: str) -> str:
    """A text without the credentials, tokens, keys and passwords that are written in it."""
    text = URL_CREDENTIALS.sub(rf"\1{HIDDEN}@", value) if "://" in value else value
    text = _KEY.sub(HIDDEN, TOKEN.sub(HIDDEN, text))
    text = _HEADER.sub(rf"\1 {HIDDEN}", text)
    return _ASSIGNED.sub(_hide, text)


def _hide(match: re.Match[str]) -> str:
    value = match["value"]
    if _NO_SECRET.fullmatch(value):
        return match[0]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{match['head']}{quote}{HIDDEN}{quote}"
