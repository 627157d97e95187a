# SPDX-License-Identifier: Apache-2.0
"""Does the runner of mutants say which names it knows?"""

from __future__ import annotations

import pytest

from support.mutants import main


def test_an_unknown_name_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mtsl"]) == 2
    said = capsys.readouterr().err
    assert "no mutant or list is named 'mtsl'" in said
    assert "the lists are: audit, images" in said
