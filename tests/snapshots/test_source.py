"""Source lines: only such as ran, and of no file that only looks like one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leakhunt.model.snapshot import Frame, Spot
from leakhunt.snapshots import source
from leakhunt.snapshots.source import (
    ANOTHER,
    AROUND,
    CHANGED,
    LONGEST,
    MAYBE_CHANGED,
    SLACK,
    around,
)

TEXT = "".join(f"    line_{number}()\n" for number in range(1, 21))
WRITTEN = 1_000_000.0


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Twenty lines, written at a known moment."""
    path = tmp_path / "tasks.py"
    path.write_text(TEXT)
    os.utime(path, (WRITTEN, WRITTEN))
    return str(path)


def recorded(file: str, *lines: int, code: str = "line_{}()") -> dict[Frame, Spot]:
    return {Frame(file, line): Spot("f", code.format(line)) for line in lines}


def test_from_disk_as_far_around_as_it_goes(file: str) -> None:
    found = around(Frame(file, 10), {}, WRITTEN)
    assert (found.origin, found.note) == ("disk", None)
    assert [number for number, _ in found.lines] == list(range(10 - AROUND, 10 + AROUND + 1))
    assert found.lines[0] == (10 - AROUND, f"    line_{10 - AROUND}()")
    assert [n for n, _ in around(Frame(file, 1), {}, WRITTEN).lines] == [1, 2, 3, 4]
    assert [n for n, _ in around(Frame(file, 20), {}, WRITTEN).lines] == [17, 18, 19, 20]


@pytest.mark.parametrize(("beside", "origin"), [(0.0, "disk"), (0.1, None)])
def test_a_file_that_was_changed_later_is_not_what_ran(
    beside: float, origin: str | None, file: str
) -> None:
    found = around(Frame(file, 10), {}, WRITTEN - SLACK - beside)
    assert found.origin == origin
    assert bool(found.lines) is bool(origin)
    if origin is None:
        assert found.note == CHANGED


def test_where_nobody_knows_when_it_may_have_been_changed(file: str) -> None:
    found = around(Frame(file, 10), {}, None)
    assert (found.lines, found.origin) == ((), None)
    assert found.note == MAYBE_CHANGED


def test_lines_that_were_recorded_vouch_for_the_file_whatever_its_age(file: str) -> None:
    found = around(Frame(file, 10), recorded(file, 10, 20), 0.0)
    assert found.origin == "disk"
    assert dict(found.lines)[10] == "    line_10()"  # indented as on disk
    assert len(found.lines) == 2 * AROUND + 1


def test_one_recorded_line_that_does_not_stand_there_and_the_file_is_another(file: str) -> None:
    spots = {**recorded(file, 10, 10 + AROUND, 11 + AROUND), **recorded(file, 20, code="old_{}()")}
    found = around(Frame(file, 10), spots, 0.0)
    assert found.note == ANOTHER
    assert found.origin == "snapshot"
    assert found.lines == ((10, "line_10()"), (10 + AROUND, f"line_{10 + AROUND}()"))
    beyond = around(Frame(file, 10), recorded(file, 21), 0.0)  # it had more lines then
    assert (beyond.origin, beyond.lines) == (None, ())


def test_without_a_file_what_was_recorded_is_all(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.py")
    assert around(Frame(gone, 10), recorded(gone, 9, 10), 0.0).origin == "snapshot"
    other = around(Frame(gone, 10), recorded("/srv/other.py", 10), 0.0)
    assert (other.lines, other.origin, other.note) == ((), None, None)


def test_only_python_files_of_a_sane_size_are_opened(
    tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(TEXT)
    os.mkfifo(tmp_path / "pipe.py")
    pipe = os.open(tmp_path / "pipe.py", os.O_RDWR)
    os.write(pipe, TEXT.encode())
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "link.py").symlink_to(secret)
    for name in (str(secret), str(tmp_path / "pipe.py"), str(tmp_path / "folder.py"), str(tmp_path / "link.py"), f"{file}\0.py", ""):  # fmt: skip
        assert around(Frame(name, 1), {}, 1e12).lines == (), name
    assert os.read(pipe, len(TEXT)) == TEXT.encode(), "somebody else waits for it"
    os.close(pipe)
    (tmp_path / "other.py").symlink_to(file)
    assert around(Frame(str(tmp_path / "other.py"), 1), {}, WRITTEN).lines, (
        "as some installers lay them"
    )
    monkeypatch.setattr(source, "LARGEST", len(TEXT))
    assert around(Frame(file, 1), {}, WRITTEN).lines
    monkeypatch.setattr(source, "LARGEST", len(TEXT) - 1)
    assert not around(Frame(file, 1), {}, WRITTEN).lines


def test_a_source_says_in_which_letters_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "old.py"
    path.write_bytes("# coding: latin-1\nname = 'é'\n".encode("latin-1"))
    os.utime(path, (WRITTEN, WRITTEN))
    assert around(Frame(str(path), 2), {}, WRITTEN).lines[1] == (2, "name = 'é'")
    path.write_bytes(b"name = '\xe9'\n")
    os.utime(path, (WRITTEN, WRITTEN))
    assert around(Frame(str(path), 1), {}, WRITTEN).lines == ()


def test_a_long_line_is_cut_and_compared_as_it_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / "long.py"
    path.write_text("x" * (LONGEST + 50) + "\n")
    frame = Frame(str(path), 1)
    found = around(frame, {frame: Spot("f", "x" * LONGEST)}, 0.0)
    assert found.note is None
    assert found.lines == ((1, "x" * LONGEST),)


@pytest.mark.parametrize(
    ("line", "code", "same"),
    [
        ('body = f"Dear {name}, thank you." * 3', 'body = f"***" * 3', True),
        ('take(["a"], "") # of the first', 'take(["***"], "")', True),
        ("total += 1  # as paid", "total += 1", True),
        ('run("""SELECT *', 'run("""***"""', True),
        ('run("now", """SELECT *', 'run("***", """***"""', True),
        ('FROM orders""", limit)', ", limit)", True),
        ('FROM orders""", limit)', ", most)", False),
        ('stop("""SELECT *', 'run("""***"""', False),
        ('body = f"Dear {name}, thank you." * 4', 'body = f"***" * 3', False),
        ("total += 1; more()", "total += 1", False),
        ("total += 10", "total += 1", False),
        ("(.*)", "a", False),
        ("x" * 300, "***".join("x" * 60), True),
        ("x" * 300, "***".join("x" * 60) + "Z", False),  # at once, however many masks there are
        ("a = 1 # b # c", "a = ***", True),
        ("a = 1 # b # c", "a = *** # b", True),
    ],
)
def test_a_masked_line_is_known_by_what_is_not_masked(
    line: str, code: str, same: bool, tmp_path: Path
) -> None:
    path = tmp_path / "tasks.py"
    path.write_text(f"first()\n    {line}\nlast()\n")
    found = around(Frame(str(path), 2), {Frame(str(path), 2): Spot("f", code)}, 0.0)
    assert (found.note is None) is same
    assert found.origin == ("disk" if same else "snapshot")
