# SPDX-License-Identifier: Apache-2.0
"""The end-to-end tests of Kubernetes for the table of all suites."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests.conformance.kubernetes_e2e.answers import NAMED, answers

SUITES = {
    f"kubernetes e2e, {profile}": lambda _, profile=profile: answers(profile) for profile in NAMED
}
SKIPS = {
    suite: {title: entry["reason"] for entry in entries for title in entry["ids"]}
    for suite, entries in tomllib.loads(
        Path(__file__).with_name("skips.toml").read_text(encoding="utf-8")
    ).items()
}
