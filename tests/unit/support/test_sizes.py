# SPDX-License-Identifier: Apache-2.0
"""Does the size check name what is too large?"""

from __future__ import annotations

from support import sizes


def function(name: str, lines: int) -> str:
    return f"def {name}():\n" + "    x = 1\n" * (lines - 1)


def test_small_modules_pass(tmp_path, capsys):
    (tmp_path / "small.py").write_text(function("f", 5))
    assert sizes.main([str(tmp_path)]) == 0
    assert "1 functions, median 5 lines" in capsys.readouterr().out


def test_a_long_function_is_named_with_its_line(tmp_path, capsys):
    (tmp_path / "long.py").write_text("X = 1\n" + function("f", 51) + function("g", 2) * 5)
    assert sizes.main([str(tmp_path)]) == 1
    assert "long.py:2: f has 51 lines" in capsys.readouterr().out


def test_a_long_module_fails(tmp_path, capsys):
    (tmp_path / "long.py").write_text("X = 1\n" * 401)
    assert sizes.main([str(tmp_path)]) == 1
    assert "401 lines" in capsys.readouterr().out


def test_a_high_median_fails(tmp_path, capsys):
    (tmp_path / "median.py").write_text(function("f", 12))
    assert sizes.main([str(tmp_path)]) == 1
    assert "median function has 12 lines" in capsys.readouterr().out
