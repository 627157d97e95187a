# SPDX-License-Identifier: Apache-2.0
"""Is a report's file there whole, whatever was there before?"""

from __future__ import annotations

import os
import stat
import threading

import pytest

from kguard.cli.output import write
from kguard.errors import UsageError


def test_a_file_takes_the_place_of_the_old_one_and_keeps_its_rights(tmp_path):
    path = tmp_path / "kguard.prom"
    path.write_text("old")
    path.chmod(0o640)
    with path.open() as reader:
        write("new", str(path))
        assert reader.read() == "old"
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["kguard.prom"]


def test_a_link_stays_one(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "report")
    write("text", str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "report").read_text() == "text"


def test_a_pipe_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    said = []
    reader = threading.Thread(target=lambda: said.append(pipe.read_text()))
    reader.start()
    write("text", str(pipe))
    reader.join()
    assert said == ["text"]


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(UsageError, match=r"cannot write .*: No such file or directory"):
        write("text", str(tmp_path / "no" / "report"))
