# SPDX-License-Identifier: Apache-2.0
"""The verdicts of kube-network-policies for the table of all suites."""

from __future__ import annotations

from tests.conformance.cnp_random.answers import packets, per_direction

FOLDER = "cnp-random"
SUITES = {"cnp-random packets": packets, "cnp-random packets, per direction": per_direction}
