# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from kguard.layers.mtls.semantics.validation import problems

SELECTOR = {"matchLabels": {"app": "a"}}


@pytest.mark.parametrize(
    ("spec", "pointers"),
    [
        ({}, []),
        ({"selector": SELECTOR, "portLevelMtls": {"8080": {"mode": "STRICT"}}}, []),
        ({"mtls": {"mode": "BLAH"}}, ["/spec/mtls/mode"]),
        ({"portLevelMtls": {"80": {"mode": "STRICT"}}}, ["/spec/portLevelMtls"]),
        ({"selector": SELECTOR, "portLevelMtls": {}}, ["/spec/portLevelMtls"]),
        ({"selector": SELECTOR, "portLevelMtls": {"0": {}}}, ["/spec/portLevelMtls/0"]),
        ({"selector": SELECTOR, "portLevelMtls": {"70000": {}}}, ["/spec/portLevelMtls/70000"]),
        ({"selector": {"matchLabels": {"a": "*"}}}, ["/spec/selector/matchLabels/a"]),
    ],
)
def test_what_the_api_server_refuses(spec: dict[str, Any], pointers: list[str]) -> None:
    assert [problem.pointer for problem in problems({"spec": spec})] == pointers
