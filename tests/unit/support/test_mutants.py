# SPDX-License-Identifier: Apache-2.0
"""Does the runner of mutants say which names it knows, and has every mutant its place?"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.mutants import LISTS, ROOT, failure, main, mutants


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


def test_tests_that_hang_are_cut_off_and_said_so(tmp_path: Path) -> None:
    (tmp_path / "test_hangs.py").write_text("import time\n\ndef test_it():\n    time.sleep(99)\n")
    (tmp_path / "test_passes.py").write_text("def test_it():\n    pass\n")
    assert failure("hangs", ["test_hangs.py"], tmp_path, 3) == "cut off after 3 s"
    assert failure("sound", ["test_passes.py"], tmp_path, 99) is None
