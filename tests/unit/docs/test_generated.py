# SPDX-License-Identifier: Apache-2.0
"""Are the generated pages of docs/ up to date?"""

from __future__ import annotations

from support.docs.__main__ import main


def test_generated_pages_are_fresh(capsys):
    assert main(["--check"]) == 0, capsys.readouterr().out
