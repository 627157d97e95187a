# SPDX-License-Identifier: Apache-2.0
"""The probes of network-policy-api for the table of all suites."""

from __future__ import annotations

from tests.conformance.network_policy_api.answers import probes

FOLDER = "network-policy-api"
SUITES = {"network-policy-api probes": probes}
