"""What all checks of a session have found: the summary, the report file, the baseline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from leakhunt.gate import baseline
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import NO_LEAK
from leakhunt.render import sarif
from leakhunt.report.words import checks

SCHEMA = "leakhunt/pytest@1"


def summarise(reporter: Any, results: Sequence[dict[str, Any]]) -> None:
    """A line that counts, and one for each check that is not sure, or has improved."""
    verdicts = [result["document"]["verdict"] for result in results]
    leaks, healthy = verdicts.count(LEAK), verdicts.count(NO_LEAK)
    unsure = [result for result in results if result["document"]["verdict"] not in (LEAK, NO_LEAK)]
    reporter.section("leakhunt", sep="-")
    reporter.write_line(f"leakhunt: {checks.counts(leaks, healthy, len(unsure))}")
    for result in unsure:
        told = [result["summary"], *([result["next"]] if result.get("next") else [])]
        reporter.write_line("\n  ".join(told))
    for result in results:
        for note in result["notes"]:
            reporter.write_line(f"{result['test']}: {note}")


def write(path: Path, results: Sequence[dict[str, Any]]) -> None:
    """All documents in one file; SARIF where its name ends so."""
    if path.suffix == ".sarif":
        path.write_text(json.dumps(_merged(results), indent=2) + "\n", encoding="utf-8")
        return
    told = [{"test": result["test"], **result["document"]} for result in results]
    path.write_text(
        json.dumps({"schema": SCHEMA, "checks": told}, indent=2) + "\n", encoding="utf-8"
    )


def _merged(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    log = sarif.log([])
    run = log["runs"][0]
    for result in results:
        each = result["sarif"]
        run["results"] += each["results"]
        for before, more in zip(run["invocations"], each["invocations"]):
            before["toolExecutionNotifications"] += more["toolExecutionNotifications"]
    return log


def update(path: Path, results: Sequence[dict[str, Any]]) -> None:
    """Write down what leaks for sure; of a test that is not sure the old entry stays."""
    baselines = baseline.read(path)
    for result in results:
        if result["document"]["verdict"] in (LEAK, NO_LEAK):
            target = result["document"]["target"]
            baselines = baselines.with_check(target, baseline.parsed(result["baseline"]))
    path.write_text(baseline.text(baselines), encoding="utf-8")
