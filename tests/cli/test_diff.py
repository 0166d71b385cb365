"""``leakhunt diff``: what grew."""

from __future__ import annotations

import json
import re
from pathlib import Path

from leakhunt.model.query import Query
from leakhunt.report import tables as report
from tests.support.builders import snap
from tests.support.console import run, store
from tests.support.pages import document


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
    top = document(report.top(snap("a.py:1 1KiB x2"), Query(group_by="package")))
    assert top["schema"] == "leakhunt/top@1"
    assert top["rows"][0]["site"] == {"file": None, "line": None, "function": None, "package": "a"}
    assert top["rows"][0]["average"] == 512


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
