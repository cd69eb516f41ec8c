"""Files in a folder that several machines share."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from hpo.record.shared import publish


def test_of_two_who_make_a_file_the_first_does_and_the_other_is_told(tmp_path: Path) -> None:
    publish(tmp_path / "file", "first")
    with pytest.raises(FileExistsError):
        publish(tmp_path / "file", "second")
    assert (tmp_path / "file").read_text() == "first"
    assert os.listdir(tmp_path) == ["file"]


def test_who_has_made_a_file_does_not_lose_it_with_the_answer_of_nfs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def asked_twice(*paths: Any) -> None:
        """As NFS does where the first answer is lost: the second finds the name taken, by its own file."""
        link(*paths)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    monkeypatch.setattr(os, "link", asked_twice)
    publish(tmp_path / "file", "ours")
    assert (tmp_path / "file").read_text() == "ours"
    assert os.listdir(tmp_path) == ["file"]
