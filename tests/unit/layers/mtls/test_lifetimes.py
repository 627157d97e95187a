# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from kguard.layers.mtls.facts.lifetimes import DAY, MAX_TEXT, seconds, setting


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24h", DAY),
        ("24h0m0s", DAY),
        ("1.5h", 5400),
        ("0", 0),
        ("-1h", -3600),
        ("90m", 5400),
        ("100ms", 0),
        ("24", None),
        ("1d", None),
        ("h", None),
        ("", None),
        ("1h!", None),
        ("1h" * MAX_TEXT, None),
    ],
)
def test_go_durations(text: str, expected: int | None) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("name", "value", "subject", "rotation", "renewed_at"),
    [
        ("SECRET_TTL", "24h", "workload", "automatic", -1),
        ("SECRET_TTL", "25h", "workload", "long_lived", -1),
        ("SECRET_TTL", "-1h", "workload", "unknown", -1),
        ("DEFAULT_WORKLOAD_CERT_TTL", "soon", "workload", "unknown", -1),
        ("SECRET_GRACE_PERIOD_RATIO", "0.5", "workload", "automatic", 50),
        ("SECRET_GRACE_PERIOD_RATIO", "0", "workload", "automatic", 100),
        ("SECRET_GRACE_PERIOD_RATIO", "-3", "workload", "automatic", 100),
        ("SECRET_GRACE_PERIOD_RATIO", "2", "workload", "automatic", 0),
        ("SECRET_GRACE_PERIOD_RATIO", "nan", "workload", "unknown", -1),
        ("SECRET_GRACE_PERIOD_RATIO", "half", "workload", "unknown", -1),
        ("SECRET_GRACE_PERIOD_RATIO", ".", "workload", "unknown", -1),
        ("CITADEL_SELF_SIGNED_ROOT_CERT_CHECK_INTERVAL", "0", "root", "off", -1),
        ("CITADEL_SELF_SIGNED_ROOT_CERT_CHECK_INTERVAL", "-1h", "root", "off", -1),
        ("CITADEL_SELF_SIGNED_ROOT_CERT_CHECK_INTERVAL", "1h", "root", "automatic", -1),
        ("CITADEL_SELF_SIGNED_ROOT_CERT_CHECK_INTERVAL", "x", "root", "unknown", -1),
        ("CITADEL_SELF_SIGNED_ROOT_CERT_GRACE_PERIOD_PERCENTILE", "20", "root", "automatic", 80),
        ("CITADEL_SELF_SIGNED_ROOT_CERT_GRACE_PERIOD_PERCENTILE", "1", "root", "automatic", 99),
        ("CITADEL_SELF_SIGNED_CA_CERT_TTL", "87600h", "root", "automatic", -1),
        ("FILE_MOUNTED_CERTS", "True", "workload", "elsewhere", -1),
        ("ENABLE_CA_SERVER", "false", "workload", "elsewhere", -1),
    ],
)
def test_settings(name: str, value: str, subject: str, rotation: str, renewed_at: int) -> None:
    found = setting(name, value)
    assert found is not None
    assert (found.subject, found.rotation, found.renewed_at) == (subject, rotation, renewed_at)


@pytest.mark.parametrize(
    ("name", "value"),
    [("FILE_MOUNTED_CERTS", "false"), ("ENABLE_CA_SERVER", "true"), ("PATH", "/bin")],
)
def test_what_says_nothing_about_renewal(name: str, value: str) -> None:
    assert setting(name, value) is None
