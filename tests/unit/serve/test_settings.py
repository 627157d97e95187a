# SPDX-License-Identifier: Apache-2.0
"""Does the server refuse to begin with policies that would deny every request?"""

from __future__ import annotations

import msgspec
import pytest

from kguard.engine.embedded import EmbeddedEngine
from kguard.errors import PolicyError
from kguard.serve.settings import compile_all, set_up
from tests.unit.serve.test_webhook import OPTIONS


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ('deny[m] { http.send({"url": "x"}); m := "a" }', "asks a server"),
        ("deny[m] { m := }", "main.rego:2"),
    ],
)
def test_a_rule_that_cannot_be_run_is_refused(tmp_path, rule, reason):
    (tmp_path / "main.rego").write_text(f"package main\n{rule}\n")
    options = msgspec.structs.replace(
        OPTIONS, layers=("network", "manifests"), policy_dirs=(str(tmp_path),)
    )
    setup = set_up(options, gate="high", allow_unknown=False, start=EmbeddedEngine)
    with pytest.raises(PolicyError, match=reason) as caught:
        compile_all(setup)
    assert caught.value.where == "policy manifests/main-deny"
