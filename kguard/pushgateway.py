# SPDX-License-Identifier: Apache-2.0
"""How do the metrics of a scan reach a Pushgateway?

One request replaces the group of this subject, so that a layer that no longer runs leaves no old
series behind. The certificate is verified; redirects are not followed; a login comes from the
environment and never leaves over plain HTTP. Of an answer only the begin is read, and nobody waits
because the server says so.

Authority: prometheus/pushgateway README.md ("API"): `PUT` replaces all metrics of the group that
the path names, label values with a slash are base64url, success is 200 or 202.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from urllib.parse import SplitResult, quote, urlsplit

from kguard.errors import DeliveryError, UsageError
from kguard.model.safe_text import clean, shortened

JOB = "kguard"
TOKEN = "KGUARD_PUSH_TOKEN"  # noqa: S105 - the name of a variable
USER = "KGUARD_PUSH_USER"
PASSWORD = "KGUARD_PUSH_PASSWORD"  # noqa: S105 - the name of a variable
TIMEOUT = 10.0
"""Seconds to connect, and as many to wait for the answer."""
ATTEMPTS = 3
MAX_ANSWER = 2000
_PLAIN = re.compile(r"(?!\.+\Z)[A-Za-z0-9._~ :-]+")
"""What can stand in a path as it is; `.` and `..` would lead to another one."""
_UNSENDABLE = re.compile(r"[^\x20-\x7e]")
_LOCAL = ("localhost", "127.0.0.1", "::1")


def check(url: str, environment: Mapping[str, str]) -> None:
    """Refuse an address that cannot be used, before anything is scanned.

    Raises:
        UsageError: the address is none, holds a login, or would send one in the clear; or the login
            cannot be sent.
    """
    parts = _parts(url)
    if parts.username is not None or parts.password is not None:
        hint = f"use {TOKEN}, or {USER} and {PASSWORD}"
        raise UsageError("the address of the Pushgateway holds a login", hint=hint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"no address of a Pushgateway: {url}", hint="http(s)://HOST[:PORT]")
    if any(_UNSENDABLE.search(value) for value in _login(environment).values()):
        raise UsageError(f"{TOKEN} holds characters that no header can", hint="give it in one line")
    if parts.scheme == "http" and parts.hostname not in _LOCAL and _login(environment):
        hint = "use https, or unset the login"
        raise UsageError("a login for the Pushgateway would leave in the clear", hint=hint)


def _parts(url: str) -> SplitResult:
    try:
        found = urlsplit(url)
        _ = found.port
    except ValueError:
        raise UsageError("the address of the Pushgateway cannot be read") from None
    return found


def push(text: str, url: str, subject: str, environment: Mapping[str, str]) -> None:
    """Replace the metrics of a subject.

    Args:
        text: metrics in the text format.
        url: of the Pushgateway, without `/metrics`.
        subject: what was scanned; the label `instance`.
        environment: where the login is looked up.

    Raises:
        UsageError: the address is unusable.
        DeliveryError: the metrics were not taken.
    """
    import urllib3

    check(url, environment)
    target = f"{url.rstrip('/')}/metrics/job/{JOB}/{_group('instance', subject)}"
    headers = {"Content-Type": "text/plain; version=0.0.4", **_login(environment)}
    waiting = urllib3.Timeout(connect=TIMEOUT, read=TIMEOUT)
    retries = urllib3.Retry(
        ATTEMPTS - 1,
        redirect=False,
        backoff_factor=0.2,
        raise_on_status=False,
        respect_retry_after_header=False,
    )
    try:
        with urllib3.PoolManager(cert_reqs="CERT_REQUIRED") as pool:
            answer = pool.request(
                "PUT",
                target,
                body=text.encode(),
                headers=headers,
                timeout=waiting,
                retries=retries,
                preload_content=False,
            )
            status, said = answer.status, answer.read1(MAX_ANSWER).decode(errors="replace")
            answer.close()
    except (urllib3.exceptions.HTTPError, OSError) as error:
        reason = shortened(clean(str(getattr(error, "reason", None) or error)), 300)
        raise DeliveryError(f"the Pushgateway cannot be reached: {reason}", where=url) from None
    if status not in (200, 202):
        message = shortened(clean(said.strip()), 300)
        raise DeliveryError(f"the Pushgateway took no metrics ({status}): {message}", where=url)


def _group(label: str, value: str) -> str:
    """The part of the path that names a label of the group."""
    if _PLAIN.fullmatch(value):
        return f"{label}/{quote(value, safe='')}"
    coded = base64.urlsafe_b64encode(value.encode()).decode().rstrip("=") or "="
    return f"{label}@base64/{coded}"


def _login(environment: Mapping[str, str]) -> dict[str, str]:
    if token := environment.get(TOKEN, "").strip():  # files of Secrets often end with a line feed
        return {"Authorization": f"Bearer {token}"}
    if user := environment.get(USER):
        pair = f"{user}:{environment.get(PASSWORD, '')}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {}
