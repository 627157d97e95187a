# SPDX-License-Identifier: Apache-2.0
"""Which blocks does Go find in a PEM text?

Authority: Go's encoding/pem (`Decode`) and encoding/base64 (line breaks are skipped), and
sigstore/sigstore pkg/cryptoutils/certificate.go (`UnmarshalCertificatesFromPEM`): text before a
block is skipped, text after the last one is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kguard.layers.images.verification.messages import standard_base64
from kguard.layers.images.verification.rejected import RejectedError, tampered
from kguard.layers.images.verification.trusted_root import read_certificate

MAX_PEM = 1 << 20
_START, _END, _DASHES = b"-----BEGIN ", b"-----END ", b"-----"


def certificates(text: str | bytes, read: Callable[[bytes], Any] = read_certificate) -> list[Any]:
    """The certificates of a text, with nothing after them.

    Args:
        text: PEM.
        read: makes a certificate of its DER form.

    Raises:
        RejectedError: it holds none, or something else.
    """
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    rest, found = raw[:MAX_PEM].strip(), []
    while rest:
        block = decode(rest)
        if block is None:
            raise tampered("the certificate is no PEM")
        content, rest = block
        try:
            found.append(read(content))
        except RejectedError as error:
            raise tampered(error.reason) from None
    if not found:
        raise tampered("the certificate is no PEM")
    return found


def decode(data: bytes) -> tuple[bytes, bytes] | None:
    """The content of the first block and what follows it."""
    rest = data
    while (begun := _after_start(rest)) is not None:
        line, rest = _line(begun)
        found = _block(line[: -len(_DASHES)], rest) if line.endswith(_DASHES) else None
        if found is not None:
            return found
    return None


def _after_start(rest: bytes) -> bytes | None:
    if rest.startswith(_START):
        return rest[len(_START) :]
    _, found, after = rest.partition(b"\n" + _START)
    return after if found else None


def _block(kind: bytes, rest: bytes) -> tuple[bytes, bytes] | None:
    headers = False
    while rest:
        line, after = _line(rest)
        if b":" not in line:
            break
        headers, rest = True, after
    begin = 0 if not headers and rest.startswith(_END) else rest.find(b"\n" + _END)
    if begin < 0:
        return None
    trailer = rest[begin:].removeprefix(b"\n")[len(_END) :]
    end = kind + _DASHES
    if not trailer.startswith(end) or _line(trailer[len(end) :])[0]:
        return None
    content = _base64(rest[:begin])
    return None if content is None else (content, _line(trailer)[1])


def _line(data: bytes) -> tuple[bytes, bytes]:
    line, _, rest = data.partition(b"\n")
    return line.removesuffix(b"\r").rstrip(b" \t"), rest


def _base64(data: bytes) -> bytes | None:
    return standard_base64(data.translate(None, b" \t").decode("latin-1"))
