# SPDX-License-Identifier: Apache-2.0
"""The answers of an API server about NetworkPolicies for the table of all suites."""

from __future__ import annotations

from pathlib import Path

from tests.conformance.apiserver_networkpolicy import answers

SUITES = {"API server networkpolicy": lambda folder: answers.cases(Path(folder).parent)}
