# SPDX-License-Identifier: Apache-2.0
"""Is a report's file there whole, whatever was there before?"""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from kguard.cli.output import write, write_private
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


def test_a_link_that_waits_is_not_followed(tmp_path):
    """Somebody else may write to the folder, such as /tmp, and guess the name."""
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / f".report.{os.getpid()}").symlink_to(tmp_path / "theirs")
    write("text", str(tmp_path / "report"))
    assert (tmp_path / "report").read_text() == "text"
    assert (tmp_path / "theirs").read_text() == "theirs"


def test_nobody_reads_what_the_old_file_kept_to_its_owner(tmp_path, monkeypatch):
    path = tmp_path / "report"
    path.write_text("old")
    path.chmod(0o600)
    modes = []
    replace = Path.replace

    def seen(fresh, target):
        modes.append(stat.S_IMODE(fresh.stat().st_mode))
        return replace(fresh, target)

    monkeypatch.setattr(Path, "replace", seen)
    write("text", str(path))
    assert modes == [0o600]


@pytest.mark.parametrize("writing", [write, lambda text, to: write_private(text.encode(), to)])
def test_what_cannot_take_its_place_leaves_nothing_behind(tmp_path, monkeypatch, writing):
    full = OSError(errno.ENOSPC, "No space left on device")

    def fail(*_):
        raise full

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(UsageError):
        writing("text", str(tmp_path / "report"))
    assert list(tmp_path.iterdir()) == []
