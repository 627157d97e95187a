# SPDX-License-Identifier: Apache-2.0
"""Do the shipped policies pass a real OPA's check, format and tests?"""

from __future__ import annotations

from support import rego_lint


def test_the_shipped_policies_pass(testbed, capfd):
    passed = rego_lint.main([str(testbed("opa"))]) == 0
    assert passed, capfd.readouterr().out


def test_a_policy_that_reads_an_unknown_fact_does_not_pass(testbed, tmp_path, monkeypatch):
    policy = tmp_path / "network" / "wrong.rego"
    policy.parent.mkdir()
    policy.write_text(
        "# METADATA\n# scope: package\n# schemas:\n#   - input: schema.network\n"
        "package kguard.network.wrong\n\ndeny contains input.no_such_fact\n"
    )
    monkeypatch.setattr(rego_lint, "policies_dir", lambda: tmp_path)
    assert rego_lint.main([str(testbed("opa"))]) == 1
