"""Records that others may have made are read without trust."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from leakhunt.hook import letterbox
from leakhunt.hook.process import vitals
from leakhunt.live import records
from leakhunt.live.records import Records

pytestmark = pytest.mark.skipif(not vitals.LINUX, reason="looks into /proc")


@pytest.mark.parametrize("kind", ["link", "second name", "pipe", "folder"])
def test_what_is_no_plain_file_of_its_own_is_no_record(kind: str, tmp_path: Path) -> None:
    path, other = tmp_path / "record.json", tmp_path / "other"
    other.write_bytes(letterbox.packed({"pid": 1, "signal": 10, "captures": 0, "series": "/s"}))
    assert records.read_record(str(other), None) is not None
    if kind == "link":
        path.symlink_to(other)
    elif kind == "second name":
        os.link(other, path)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    assert records.read_record(str(path), None) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may act as somebody else")
def test_root_reads_a_record_with_the_rights_of_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(letterbox.packed({"pid": 1, "signal": 10, "captures": 0, "series": "/s"}))
    path.chmod(0o600)
    before = (os.geteuid(), os.getegid(), os.getgroups())
    assert records.read_record(str(path), (0, 0)) is not None
    assert records.read_record(str(path), (12345, 12345)) is None, (
        "it is root's, whoever leads there"
    )
    with records.acting_as((12345, 12346)):
        assert (os.geteuid(), os.getegid(), os.getgroups()) == (12345, 12346, [])
    assert (os.geteuid(), os.getegid(), os.getgroups()) == before


def test_a_record_is_read_anew_where_it_was_written_since(tmp_path: Path) -> None:
    path, several = tmp_path / "record.json", Records()

    def says(captures: int, age: float) -> None:
        told = {"pid": 1, "signal": 10, "captures": captures, "series": "/s"}
        path.write_bytes(letterbox.packed(told))
        os.utime(path, (time.time() - age,) * 2)

    def read() -> Any:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            known = several.read(descriptor)
        finally:
            os.close(descriptor)
        several.forget()
        assert known is not None
        return known

    says(1, age=60)
    settled = read()
    assert settled["captures"] == 1
    assert read() is settled
    says(2, age=30)
    assert read()["captures"] == 2
    says(3, age=0)
    first = read()
    assert first["captures"] == 3
    assert read() is not first, (
        "what was written just now may be written again within the same tick"
    )
