# SPDX-License-Identifier: Apache-2.0
"""Which certificate does the server show, now that the files may have changed?

A context is made anew from changed files and taken for every later handshake; connections that are
open keep theirs. Files that do not fit together (a rotation that is half done) change nothing.

Authority: Python's `ssl.SSLContext.sni_callback`, which is called for clients without a server
name as well, and may put another context in place.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import msgspec

from kguard.errors import UsageError


class Files(msgspec.Struct, frozen=True):
    """PEM files: the server's certificate chain and key, and the CA of clients, if any."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


class Certificates:
    """The context that handshakes use, kept up to date with the files."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._read = _contents(files)
        self._current = _context(files)
        self.context = _context(files)
        """The context to listen with."""
        self.context.sni_callback = self._newest

    def refresh(self) -> bool:
        """Look at the files; whether later handshakes use something new.

        Raises:
            UsageError: the files changed, and cannot be used; what was in use stays.
        """
        read = _contents(self._files)
        if read == self._read:
            return False
        self._current = _context(self._files)
        self._read = read
        return True

    def _newest(self, connection: Any, name: str | None, context: ssl.SSLContext) -> None:
        connection.context = self._current


def _contents(files: Files) -> tuple[bytes, ...]:
    named = (files.certificate, files.key, files.client_ca)
    found = []
    for path in filter(None, named):
        try:
            found.append(path.read_bytes())
        except OSError as error:
            raise UsageError(
                f"the file cannot be read: {error.strerror}", where=str(path)
            ) from None
    return tuple(found)


def _context(files: Files) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
        if files.client_ca:
            # Probes show no certificate: only the path of the webhook insists on one.
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(files.client_ca)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise UsageError(
            f"certificate and key cannot be used: {error.strerror or error}"
            if isinstance(error, OSError)
            else f"certificate and key cannot be used: {error}",
            where=str(files.certificate),
            hint="PEM files; the key belongs to the first certificate and has no password",
        ) from None
    return context


def _no_password() -> str:
    raise ValueError("the key has a password")
