"""The console: what is printed where, at which width, with which exit status."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leakhunt.model.query import Query
from leakhunt.render import flat
from leakhunt.render.json import tables as jsonout
from leakhunt.render.terminal import tables as table
from leakhunt.report import tables as report
from leakhunt.snapfile.write import Run, write
from tests.support.builders import FACTS, snap
from tests.support.places import ROOT


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("COLUMNS", "NO_COLOR", "FORCE_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "leakhunt", *arguments],
        env={**kept, "PYTHONPATH": str(ROOT), **environment}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def store(path: Path, growth: int, **facts: Any) -> Path:
    """A snapshot with a leak of that many blocks of 1 KiB in shop/tasks.py:40."""
    leak = (("/usr/lib/python3.11/json/decoder.py", 353), ("/srv/shop/tasks.py", 40))
    cache = (("/srv/shop/[app]/cache.py", 7),)
    runs: list[Run] = [((0, 1024, leak, 2), growth), ((0, 64, cache, 1), 100)]
    explained = {"/srv/shop/tasks.py": {40: ("process", "ORDERS.append(json.loads(text))")}}
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, runs, 5, {**FACTS, "frames": explained, **facts})
    return path


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    folder = tmp_path / "snapshots" / "celery@web1-4242"
    before = store(
        folder / "000001-x.bin",
        10,
        sequence=1,
        tasks_done=0,
        taken_at=1_800_000_000.0,
        rss=100 << 20,
    )
    after = store(folder / "000002-x.bin", 1010, tasks_done=1000)
    return str(before), str(after)


def test_diff_says_what_grew(pair: tuple[str, str]) -> None:
    done = run("diff", *pair, "-f", "shop")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    first = next(line for line in lines if line.startswith("1 "))
    assert first.split() == [
        "1",
        "+1,000.0",
        "KiB",
        "+1,000",
        "1.0",
        "KiB",
        "tasks.py:40",
        "in",
        "process",
    ]
    assert "ORDERS.append(json.loads(text))" in done.stdout
    assert "RSS +20.0 MiB" in done.stdout


def test_diff_and_top_choose_for_the_user(pair: tuple[str, str], tmp_path: Path) -> None:
    folder = str(tmp_path / "snapshots")
    chosen = run("diff", LEAKHUNT_DIR=folder)
    assert "chosen  first and newest of 2" in chosen.stdout
    assert run("diff", folder).returncode == 0
    assert "the newest of 2 snapshots" in run("top", LEAKHUNT_DIR=folder).stdout
    listed = run("ls", LEAKHUNT_DIR=folder)
    assert "4242" in listed.stdout
    assert re.search(r"4242 +2 +0 +100\.0 MiB +40\.0 MiB", listed.stdout)
    assert re.search(r"1,000 +120\.0 MiB +40\.0 MiB  \+20\.0 MiB RSS", listed.stdout)
    narrow = run("ls", LEAKHUNT_DIR=folder, COLUMNS="80").stdout.splitlines()
    assert max(map(len, narrow[1:])) <= 80


def test_blame_names_the_line_for_which_a_library_allocates(pair: tuple[str, str]) -> None:
    plain = run("diff", *pair).stdout
    assert "json/decoder.py:353" in plain
    assert "for tasks.py:40 in process" in plain
    assert "1 +1,000.0 KiB" in " ".join(run("diff", *pair, "--blame", "app").stdout.split())


@pytest.mark.parametrize("columns", [80, 200])
def test_numbers_never_wrap_and_lines_fit(columns: int) -> None:
    deep = "/srv/shop/" + "a_very_long_folder_name/" * 9 + "tasks.py"
    before = snap(f"{deep}:1 1KiB x1", "<string>:1 1KiB x1")
    after = snap(f"{deep}:1 123456KiB x123456", "<string>:1 1KiB x1")
    text = table.diff(report.diff(before, after, Query()), columns, False)
    assert max(map(len, text.splitlines())) <= columns
    assert "+120.6 MiB  +123,455" in text
    joined = re.sub(r"\s+", "", text)
    assert deep[len("/srv/shop/") :] + ":1" in joined


def test_a_hostile_name_reaches_the_screen_as_text(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    frames = (("/srv/\x1b[31m[bold]/\u202etasks\n.py", 3),)
    write(path, [((0, 8, frames, 1), 2)], 1, {**FACTS, "node": "a\x1b]0;b\x07[red]", "frames": {}})
    for form in ("table", "csv", "markdown"):
        done = run("top", str(path), "--format", form)
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout
        assert "\u202e" not in done.stdout
        assert "\\x1b[31m[bold]" in done.stdout
    assert (
        json.loads(run("top", str(path), "--json").stdout)["rows"][0]["site"]["file"]
        == frames[0][0]
    )


def test_json_keeps_the_law_and_the_names(pair: tuple[str, str]) -> None:
    found = json.loads(run("diff", *pair, "--json", "-n", "1").stdout)
    assert found["schema"] == "leakhunt/diff@1"
    assert set(found) >= {
        "before",
        "after",
        "tasks",
        "group_by",
        "totals",
        "dropped",
        "remainder",
        "rows",
        "process",
    }
    assert found["tasks"] == 1000
    row = found["rows"][0]
    assert row["bytes_per_task"] == 1024
    assert [frame["file"] for frame in row["stack"]] == [
        "/srv/shop/tasks.py",
        "/usr/lib/python3.11/json/decoder.py",
    ]
    assert row["stack"][0] == {
        "file": "/srv/shop/tasks.py",
        "line": 40,
        "function": "process",
        "code": "ORDERS.append(json.loads(text))",
    }
    for key in (
        "size_before",
        "size_after",
        "size_diff",
        "count_before",
        "count_after",
        "count_diff",
    ):
        parts = row[key] + found["remainder"][key] + found["dropped"][key]
        assert parts == found["totals"][key]
    top = json.loads(jsonout.top(report.top(snap("a.py:1 1KiB x2"), Query(group_by="package"))))
    assert top["schema"] == "leakhunt/top@1"
    assert top["rows"][0]["site"] == {"file": None, "line": None, "function": None, "package": "a"}
    assert top["rows"][0]["average"] == 512


def test_csv_is_text_to_a_spreadsheet() -> None:
    text = flat.csv_text(report.top(snap("=cmd().py:1 1KiB x2"), Query()))
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][:5] == ["rank", "file", "line", "function", "package"]
    assert rows[1][1] == "'=cmd().py"
    assert [row[0] for row in rows[2:]] == ["remainder", "dropped"]


def test_fail_above(pair: tuple[str, str]) -> None:
    assert run("diff", *pair, "--fail-above", "1MiB").returncode == 0
    done = run("diff", *pair, "--fail-above", "900 KiB")
    assert done.returncode == 3
    assert "more than 900.0 KiB" in done.stderr
    assert "tasks.py" in done.stdout


def test_warnings(pair: tuple[str, str], tmp_path: Path) -> None:
    other = store(tmp_path / "other.bin", 5, pid=7)
    assert "different processes 4242 and 7" in run("diff", pair[0], str(other)).stdout
    other = store(tmp_path / "other.bin", 5, host="web2")
    assert "different hosts web1 and web2" in run("diff", pair[0], str(other)).stdout
    assert "BEFORE was taken after AFTER" in run("diff", *reversed(pair)).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["diff", "one.bin"], "a diff compares two"),
        (["top", "nosuch.bin"], "nosuch.bin: cannot be read: No such file"),
        (["top", "*.nothing"], "no file matches"),
        (["top", "-g", "color"], "Invalid value"),
        (["diff", "--fail-above", "lots"], "not a size"),
        (["nosuch"], "No such command"),
    ],
)
def test_a_mistake_is_one_message_and_exit_2(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    done = run("diff", LEAKHUNT_DIR=str(tmp_path))
    assert done.returncode == 2
    assert "kill -USR1" in done.stderr
    assert "no snapshots yet" in run("ls", LEAKHUNT_DIR=str(tmp_path / "none")).stdout


def test_one_bad_file_among_many_is_told(pair: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "snapshots" / "celery@web1-4242" / "000003-x.bin").write_bytes(b"torn")
    done = run("ls", LEAKHUNT_DIR=str(tmp_path / "snapshots"))
    assert done.returncode == 0
    assert "000003-x.bin" in done.stdout + done.stderr
    series = str(tmp_path / "snapshots" / "celery@web1-4242")
    done = run("diff", series)
    assert done.returncode == 0
    assert "warning: not read: " in done.stderr
    assert "note: not read:" in " ".join(done.stdout.split())
    done = run("diff", series, "--strict")
    assert (done.returncode, done.stdout) == (2, "")


def test_no_colour_where_nobody_sees_it(pair: tuple[str, str]) -> None:
    assert "\x1b" not in run("diff", *pair).stdout
    assert "\x1b[" in run("diff", *pair, CLICOLOR_FORCE="1").stdout
    assert "\x1b" not in run("diff", *pair, CLICOLOR_FORCE="1", NO_COLOR="1").stdout


def test_a_broken_pipe_ends_quietly(tmp_path: Path) -> None:
    path = tmp_path / "big.bin"
    runs: list[Run] = [((0, 8, ((f"/srv/shop/m{n}.py", 1),), 1), 2) for n in range(10_000)]
    write(path, runs, 1, FACTS)
    done = subprocess.run(
        f"{sys.executable} -m leakhunt top {path} -n 0 | head -n 3",
        shell=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 3


def test_the_console_imports_what_it_needs() -> None:
    program = (
        "import sys; from leakhunt.cli import run; status = run(['--help']); "
        "heavy = {'rich', 'celery', 'psutil', 'kombu', 'tracemalloc'} & set(sys.modules); "
        "sys.exit(f'{status} {heavy}' if status or heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert done.returncode == 0, done.stderr


def grown(folder: Path, number: int, per_task: int = 10) -> None:
    for index in range(1, number + 1):
        store(folder / f"{index:06d}.bin", per_task * 100 * index, tasks_done=100 * index, sequence=index,
              taken_at=1_800_000_000.0 + 10 * index)  # fmt: skip


def test_trend_says_the_verdict_first_and_fails_above_a_rate(tmp_path: Path) -> None:
    grown(tmp_path, 8)
    done = run("trend", str(tmp_path))
    assert done.returncode == 0
    assert done.stdout.startswith("Leak: +10.0 KiB per task at ")
    assert "tasks.py:40" in done.stdout.splitlines()[0]
    assert run("trend", str(tmp_path), "--fail-above", "20KiB").returncode == 0
    failed = run("trend", str(tmp_path), "--fail-above", "9KiB")
    assert failed.returncode == 3
    assert "a leak of 10.0 KiB per task" in failed.stderr


def test_trend_without_arguments_takes_the_process_that_grew_most(tmp_path: Path) -> None:
    (tmp_path / "a-1-x").mkdir()
    grown(tmp_path / "a-1-x", 4)
    found = json.loads(run("trend", "--json", "--dir", str(tmp_path)).stdout)
    assert found["verdict"] == "leak"
    assert len(found["series"]) == 4
    assert [snapshot["tasks_done"] for snapshot in found["series"]] == [100, 200, 300, 400]
    assert found["findings"][0]["series"] == [1024 * 1000 * index for index in range(1, 5)]


@pytest.mark.parametrize("form", ["csv", "markdown", "json", "table"])
def test_trend_filters_and_formats(tmp_path: Path, form: str) -> None:
    grown(tmp_path, 5)
    kept = run("trend", str(tmp_path), "-f", "shop", "--format", form)
    assert kept.returncode == 0
    assert "tasks.py" in kept.stdout
    dropped = run("trend", str(tmp_path), "-f", "webshop", "--format", "csv")
    assert len(dropped.stdout.splitlines()) == 1


def test_trend_with_too_little_or_nothing(tmp_path: Path) -> None:
    empty = run("trend", "--dir", str(tmp_path))
    assert empty.returncode == 2
    assert "no snapshots" in empty.stderr
    grown(tmp_path, 2)
    few = run("trend", str(tmp_path))
    assert few.returncode == 0
    assert few.stdout.startswith("Inconclusive: 2 snapshots")
    (tmp_path / "000009.bin").write_bytes(b"nonsense")
    some = run("trend", str(tmp_path))
    assert some.returncode == 0
    assert "not read" in some.stderr
    assert run("trend", str(tmp_path), "--strict").returncode == 2
    assert run("trend", "--watch", str(tmp_path / "000001.bin")).returncode == 2
