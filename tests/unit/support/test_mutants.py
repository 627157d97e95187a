# SPDX-License-Identifier: Apache-2.0
"""Does the runner of mutants say which names it knows, and has every mutant its place?"""

from __future__ import annotations

import pytest

from support.mutants import LISTS, ROOT, main, mutants


def test_an_unknown_name_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mtsl"]) == 2
    said = capsys.readouterr().err
    assert "no mutant or list is named 'mtsl'" in said
    assert "the lists are: audit, images" in said


@pytest.mark.parametrize("name", sorted(path.stem for path in LISTS.glob("*.toml")))
def test_every_mutant_has_its_place(name: str) -> None:
    found = list(mutants(LISTS / f"{name}.toml"))
    assert len({mutant.name for mutant in found}) == len(found) > 0
    for mutant in found:
        text = (ROOT / mutant.file).read_text(encoding="utf-8")
        assert (mutant.name, text.count(mutant.old)) == (mutant.name, 1)
        assert all((ROOT / test.partition("::")[0]).exists() for test in mutant.tests)
