"""``leakhunt check``: the exit status that a pipeline reads, and what is written beside the report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leakhunt.gate import drive
from leakhunt.gate.drive import Wanted
from leakhunt.gate.orders import FAILED, TARGET, Answer
from leakhunt.gate.outcome import Broken
from leakhunt.gate.plan import Terms
from tests.support.checking import report
from tests.support.console import inside

STATUS = {"leak": 3, "no-leak": 0, "unsure": 4}


class Drive:
    """Answers with an outcome that a test names, and keeps what was wanted."""

    def __init__(self) -> None:
        self.outcome: Any = report(100.0).outcome
        self.wanted: Wanted | None = None
        self.terms: Terms | None = None

    def __call__(self, wanted: Wanted, terms: Terms) -> Any:
        assert wanted.folder.is_dir()
        self.wanted, self.terms = wanted, terms
        return self.outcome


@pytest.fixture
def drives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Drive:
    made = Drive()
    monkeypatch.setattr(drive, "check", made)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return made


@pytest.mark.parametrize(
    ("rate", "verdict", "status"), [(100.0, None, 3), (0.0, None, 0), (100.0, "unsure", 4)]
)
def test_the_verdict_is_the_exit_status_in_every_format(
    rate: float, verdict: str | None, status: int, drives: Drive
) -> None:
    drives.outcome = report(rate, verdict).outcome
    for form in ("table", "json", "github", "sarif"):
        done, out, err = inside("check", "shop.tasks:process", "--format", form)
        assert (done, err) == (status, "")
        assert out or form == "github"
    document = json.loads(inside("check", "shop.tasks:process", "--json", "--format", "github")[1])
    assert document["schema"] == "leakhunt/check@1"
    assert STATUS[document["verdict"]] == status


def test_options_are_what_is_wanted(drives: Drive, tmp_path: Path) -> None:
    inside("check", "a:b", "--runs", "50", "--at-most", "2min", "--warm-up", "0", "--max-bytes-per-run", "1KiB",
           "--native", "--eager", "--engine", "sampled", "--nframe", "9", "--args", "x.jsonl",
           "--dir", "kept/here")  # fmt: skip
    assert drives.wanted == Wanted(
        "a:b", "x.jsonl", True, "sampled", 9, (tmp_path / "kept" / "here").resolve()
    )
    assert drives.terms is not None
    assert (drives.terms.at_most, drives.terms.runs, drives.terms.warm_up) == (120.0, 50, 0)
    assert (drives.terms.limits.bytes_per_run, drives.terms.limits.native) == (1024.0, True)
    assert (tmp_path / "kept" / "here").is_dir()
    inside("check", "a:b")
    assert not drives.wanted.folder.exists()


def test_a_target_that_fails_is_told_with_its_own_traceback(drives: Drive) -> None:
    drives.outcome = Broken(
        "a:b",
        Answer(FAILED, where=TARGET, message="it raised KeyError: 3", traceback="Traceback\n  b()"),
    )
    status, out, err = inside("check", "a:b", "--json")
    assert (status, out) == (2, "")
    assert err.startswith("Traceback\n  b()\nleakhunt: a:b: it raised KeyError: 3")


# -- GitHub and the baseline ---------------------------------------------------------------------


def test_the_jobs_summary_is_added_to(drives: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = Path("summary.md")
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert inside("check", "shop.tasks:process", "--format", "github")[0] == 3
    added = summary.read_text()
    assert added.startswith("before\n")
    assert "shop.tasks:process" in added
    assert inside("check", "shop.tasks:process", "--format", "github", "--json")[0] == 3
    assert summary.read_text() == added


def test_what_is_written_down_fails_no_more(drives: Drive) -> None:
    file = Path("leaks.json")
    status, _, err = inside(
        "check", "shop.tasks:process", "--baseline", str(file), "--update-baseline"
    )
    assert (status, err) == (0, "wrote leaks.json: shop.tasks:process may keep memory at 1 place\n")
    inside("check", "shop.tasks:process", "--baseline", str(file))
    assert drives.terms is not None
    assert len(drives.terms.limits.baseline) == 1
    inside("check", "another:target", "--baseline", str(file))
    assert not drives.terms.limits.baseline


def test_what_only_looks_like_it_is_written_down_and_counted(drives: Drive) -> None:
    """The whole is sure, and no line by itself: as many places are told as the file has."""
    sure = drives.outcome
    drives.outcome = replace(sure, ruling=replace(sure.ruling, sure=(), suspects=sure.ruling.sure))
    file = Path("leaks.json")
    arguments = ("check", "shop.tasks:process", "--baseline", str(file))
    assert inside(*arguments, "--update-baseline")[2].endswith("may keep memory at 1 place\n")
    inside(*arguments)
    assert drives.terms is not None
    assert len(drives.terms.limits.baseline) == 1


def test_what_is_not_sure_is_not_written_down(drives: Drive) -> None:
    drives.outcome = report(100.0, "unsure").outcome
    status, _, err = inside(
        "check", "shop.tasks:process", "--baseline", "leaks.json", "--update-baseline"
    )
    assert status == 4
    assert err == "leakhunt: leaks.json is left as it is: the answer is not sure\n"
    assert not Path("leaks.json").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--update-baseline"], "--update-baseline needs --baseline"),
        (["--baseline", "."], "is a directory"),
        (["--baseline", "bad.json"], "bad.json: this is no baseline of leakhunt's"),
        (["--runs", "0"], "not in the range"),
        (["--at-most", "0"], "not a duration"),
        (["--max-bytes-per-run", "few"], "not a size"),
        (["--engine", "off"], "is not one of"),
        (["--format", "csv"], "is not one of"),
    ],
)
def test_what_makes_no_sense_is_told_before_anything_is_run(
    arguments: list[str], said: str, drives: Drive
) -> None:
    Path("bad.json").write_text("{")
    status, out, err = inside("check", "a:b", *arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert drives.wanted is None
