"""``leakhunt top``: what is alive, of the snapshot that was meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.console import inside, store


def test_the_largest_line_stands_first(tmp_path: Path) -> None:
    path = str(store(tmp_path / "1.bin", 10))
    status, out, err = inside("top", path)
    assert (status, err) == (0, "")
    (first, *_) = [line for line in out.splitlines() if line.startswith("1 ")]
    assert "json/decoder.py:353" in first


def test_blame_moves_library_memory_to_the_application(tmp_path: Path) -> None:
    path = str(store(tmp_path / "1.bin", 10))
    _, out, _ = inside("top", path, "--blame", "app", "--json")
    assert json.loads(out)["rows"][0]["site"]["file"] == "/srv/shop/tasks.py"


def test_json_is_short_for_its_format(tmp_path: Path) -> None:
    path = str(store(tmp_path / "1.bin", 10))
    assert inside("top", path, "--json") == inside("top", path, "--format", "json")


def test_a_flame_graph_is_for_the_eye_alone(tmp_path: Path) -> None:
    path = str(store(tmp_path / "1.bin", 10))
    assert inside("top", path, "--flame")[0] == 0
    status, _, err = inside("top", path, "--flame", "--json")
    assert status == 2
    assert "--flame" in err


@pytest.mark.parametrize("command", ["top", "diff"])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-g", "task"], "--flame draws lineno, filename or package as boxes, and --group-by task is none of them"),
        (["--group-by", "traceback"], "--group-by traceback is none of them"),
        (["-n", "3", "--sort", "count"], "--flame goes without --limit and --sort"),
        (["--blame", "app"], "--flame goes without --blame"),
    ],
)  # fmt: skip
def test_a_flame_graph_refuses_what_it_cannot_follow(
    command: str, options: list[str], said: str, tmp_path: Path
) -> None:
    paths = [str(store(tmp_path / f"{number}.bin", number * 10)) for number in (1, 2)]
    paths = paths[: 1 + (command == "diff")]
    status, out, err = inside(command, *paths, "--flame", *options)
    assert (status, out) == (2, "")
    assert said in " ".join(err.split())
    assert inside(command, *paths, "--flame", "-g", "package")[0] == 0


def test_the_newest_is_told_with_why_it_was_chosen(tmp_path: Path) -> None:
    store(tmp_path / "celery@web1-4242-x" / "000001.bin", 10)
    _, out, _ = inside("top", "--dir", str(tmp_path))
    assert "chosen  the newest of 1" in out
