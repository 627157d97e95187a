# SPDX-License-Identifier: Apache-2.0
"""Does every mutant of this layer still have its place in the code?"""

from __future__ import annotations

from support.mutants import LISTS, ROOT, mutants


def test_every_mutant_has_its_place() -> None:
    found = list(mutants(LISTS / "mtls.toml"))
    assert len({mutant.name for mutant in found}) == len(found) > 50
    for mutant in found:
        text = (ROOT / mutant.file).read_text(encoding="utf-8")
        assert (mutant.name, text.count(mutant.old)) == (mutant.name, 1)
        assert all((ROOT / test.partition("::")[0]).exists() for test in mutant.tests)
