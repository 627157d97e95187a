# SPDX-License-Identifier: Apache-2.0
"""What does a setting of Istio's environment do to the renewal of certificates?

Authority: istio/istio pilot/cmd/pilot-agent/options/options.go (`SECRET_TTL`, 24 h;
`SECRET_GRACE_PERIOD_RATIO`, 0.5: the share of the life that is left when the proxy renews;
`FILE_MOUNTED_CERTS`), security/pkg/nodeagent/cache/secretcache.go `rotateTime` (the ratio is cut
to 0..1; at 0 a certificate is renewed once it has expired), security/pkg/cmd/constants.go
(`DEFAULT_WORKLOAD_CERT_TTL`), security/pkg/pki/ca/selfsignedcarootcertrotator.go (an interval of 0
or less switches the rotation of the self-signed root off; its life of ten years, renewed in the
last 20 %), pilot/pkg/features (`ENABLE_CA_SERVER`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

DAY = 24 * 3600
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"([0-9]*\.?[0-9]+)(ns|us|µs|ms|s|m|h)")
_TRUE = ("1", "t", "true")
_FALSE = ("0", "f", "false")
_WHOLE = 100
MAX_TEXT = 64
"""Longest value that is read as a duration or number, in characters."""

Rotation = Literal["automatic", "long_lived", "off", "manual", "elsewhere", "failing", "unknown"]
Subject = Literal["workload", "root", "plugged_ca", "certificate"]
NOT_TOLD = -1


class Setting(msgspec.Struct, frozen=True):
    """What one setting says."""

    subject: Subject
    rotation: Rotation
    note: str
    seconds: int = 0
    """A lifetime or interval, 0 where the setting is none."""
    renewed_at: int = NOT_TOLD
    """The percentage of the lifetime after which it is renewed."""


def setting(name: str, value: str) -> Setting | None:
    """What an environment variable of istiod or a proxy says about renewal, if anything."""
    read = SETTINGS.get(name)
    return read(value.strip()) if read else None


def seconds(text: str) -> int | None:
    """A Go duration in whole seconds (`24h0m0s`); None if it is none."""
    body = text.strip().lstrip("+-")
    if body == "0":
        return 0
    parts = _DURATION.findall(body) if len(body) <= MAX_TEXT else []
    if not parts or "".join(number + unit for number, unit in parts) != body:
        return None
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return int(-total if text.strip().startswith("-") else total)


def _lifetime(value: str) -> Setting:
    found = seconds(value)
    rotation: Rotation = "automatic"
    if found is None or found <= 0:
        rotation = "unknown"
    elif found > DAY:
        rotation = "long_lived"
    note = f"certificates of workloads live {value} (the default is 24h)"
    return Setting("workload", rotation, note, found or 0)


def _ratio(value: str) -> Setting:
    number = _number(value)
    if number is None:
        return Setting("workload", "unknown", f"{value!r} is no share of a lifetime")
    left = min(max(number, 0.0), 1.0)
    when = round(_WHOLE * (1 - left))
    note = f"proxies renew their certificates after {when} % of their life (the default is 50 %)"
    return Setting("workload", "automatic", note, renewed_at=when)


def _number(value: str) -> float | None:
    """A plain decimal number; neither infinite nor not a number."""
    plain = re.fullmatch(r"-?[0-9]{0,9}(\.[0-9]{0,9})?", value)
    return float(value) if plain and any(map(str.isdigit, value)) else None


def _root_check(value: str) -> Setting:
    found = seconds(value)
    off = found is not None and found <= 0
    rotation: Rotation = "off" if off else "unknown" if found is None else "automatic"
    return Setting("root", rotation, f"the self-signed root is checked every {value}", found or 0)


def _root_lifetime(value: str) -> Setting:
    found = seconds(value)
    rotation: Rotation = "automatic" if found and found > 0 else "unknown"
    note = f"a new self-signed root lives {value} (the default is ten years)"
    return Setting("root", rotation, note, found or 0)


def _root_share(value: str) -> Setting:
    number = _number(value)
    if number is None:
        return Setting("root", "unknown", f"{value!r} is no percentage")
    when = round(_WHOLE - min(max(number, 0.0), float(_WHOLE)))
    note = f"the self-signed root is renewed after {when} % of its life (the default is 80 %)"
    return Setting("root", "automatic", note, renewed_at=when)


def _mounted(value: str) -> Setting | None:
    if value.lower() not in _TRUE:
        return None
    note = "sidecars take certificates from files: someone else must renew them"
    return Setting("workload", "elsewhere", note)


def _ca_server(value: str) -> Setting | None:
    if value.lower() not in _FALSE:
        return None
    note = "istiod issues no certificates: an authority outside of it must"
    return Setting("workload", "elsewhere", note)


SETTINGS: Mapping[str, Callable[[str], Setting | None]] = {
    "SECRET_TTL": _lifetime,
    "DEFAULT_WORKLOAD_CERT_TTL": _lifetime,
    "SECRET_GRACE_PERIOD_RATIO": _ratio,
    "FILE_MOUNTED_CERTS": _mounted,
    "ENABLE_CA_SERVER": _ca_server,
    "CITADEL_SELF_SIGNED_CA_CERT_TTL": _root_lifetime,
    "CITADEL_SELF_SIGNED_ROOT_CERT_CHECK_INTERVAL": _root_check,
    "CITADEL_SELF_SIGNED_ROOT_CERT_GRACE_PERIOD_PERCENTILE": _root_share,
}
