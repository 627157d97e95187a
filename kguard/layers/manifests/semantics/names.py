# SPDX-License-Identifier: Apache-2.0
"""Is this a name, a label value, a port name?

Authority: k8s.io/apimachinery pkg/util/validation/validation.go. Each function returns why not, or
an empty text.
"""

from __future__ import annotations

import re

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_PORT_NAME = re.compile(r"[-a-z0-9]+")
MAX_SUBDOMAIN, MAX_LABEL_VALUE, MAX_PORT_NAME = 253, 63, 15


def subdomain(text: str) -> str:
    """RFC 1123 subdomain, as most objects are named."""
    if len(text) > MAX_SUBDOMAIN:
        return f"longer than {MAX_SUBDOMAIN} characters"
    if not _SUBDOMAIN.fullmatch(text):
        return "only lower-case letters, digits, `-` and `.` are allowed"
    return ""


def label_value(text: str) -> str:
    """The value of a label."""
    if len(text) > MAX_LABEL_VALUE:
        return f"longer than {MAX_LABEL_VALUE} characters"
    if not _LABEL_VALUE.fullmatch(text):
        return "a label value holds letters, digits, `-`, `_` and `.` only"
    return ""


def port_name(text: str) -> str:
    """The IANA service name of a port."""
    if len(text) > MAX_PORT_NAME:
        return f"longer than {MAX_PORT_NAME} characters"
    if not _PORT_NAME.fullmatch(text) or not re.search("[a-z]", text):
        return "lower-case letters, digits and `-` with at least one letter"
    if "--" in text or text.startswith("-") or text.endswith("-"):
        return "`-` stands between two other characters"
    return ""
