"""All checks of a session: counted, written, and what is sure goes into the baseline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from leakhunt.gate import baseline
from leakhunt.plugin import results
from leakhunt.render import sarif


def result(test: str, verdict: str, *notes: str) -> dict[str, Any]:
    run = sarif.log([])["runs"][0]
    run["results"] = [{"ruleId": "memory-leak", "of": test}] if verdict == "leak" else []
    growth = {
        "file": "tasks.py",
        "function": "take",
        "code": ":40",
        "line": 40,
        "bytes_per_run": 5.0,
        "ci95": [4.0, 6.0],
    }
    return {
        "test": test, "summary": f"{verdict}: {test}", "notes": list(notes), "sarif": run,
        "document": {"target": test, "verdict": verdict}, "baseline": [growth] if verdict == "leak" else [],
    }  # fmt: skip


class Reporter:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def section(self, title: str, sep: str) -> None:
        self.lines.append(f"{sep}{title}")

    def write_line(self, line: str) -> None:
        self.lines.append(line)


THREE = [result("a", "leak", "improved: x"), result("b", "no-leak"), result("c", "unsure")]


def test_a_line_counts_and_what_is_not_sure_is_named() -> None:
    reporter = Reporter()
    results.summarise(reporter, THREE)
    assert reporter.lines == [
        "-leakhunt", "leakhunt: 1 leaks, 1 keeps nothing, 1 is not sure", "unsure: c", "a: improved: x",
    ]  # fmt: skip


def test_what_would_tell_is_told_of_what_is_not_sure() -> None:
    reporter = Reporter()
    results.summarise(reporter, [{**result("c", "unsure"), "next": "more time would tell"}])
    assert reporter.lines[-1] == "unsure: c\n  more time would tell"


def test_the_file_has_every_check(tmp_path: Path) -> None:
    results.write(tmp_path / "x.json", THREE)
    document = json.loads((tmp_path / "x.json").read_text())
    assert document["schema"] == "leakhunt/pytest@1"
    assert [(each["test"], each["verdict"]) for each in document["checks"]] == [
        ("a", "leak"), ("b", "no-leak"), ("c", "unsure"),
    ]  # fmt: skip


def test_sarif_is_one_log_of_all(tmp_path: Path) -> None:
    results.write(tmp_path / "x.sarif", [*THREE, result("d", "leak")])
    (run,) = json.loads((tmp_path / "x.sarif").read_text())["runs"]
    assert [each["of"] for each in run["results"]] == ["a", "d"]


def test_only_what_is_sure_changes_the_baseline(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    results.update(path, [result("c", "leak"), result("a", "leak")])
    results.update(path, [result("c", "unsure"), result("a", "no-leak")])
    told = baseline.read(path)
    assert len(told.of("c")) == 1
    assert len(told.of("a")) == 0
