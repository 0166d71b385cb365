"""A check for the eye and for other programs: what each of them reads."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from leakhunt.gate.decision import LOOKS, Limits, decide
from leakhunt.gate.outcome import Outcome
from leakhunt.gate.plan import DECIDED, OUT_OF_TIME
from leakhunt.render import formats
from leakhunt.render.screen import GITHUB, JSON, SARIF, TABLE, Screen
from leakhunt.report.check import CheckReport, check
from tests.support.builders import history

FILE = "/srv/shop/src/50%, done: tasks.py"
TASKS = [1000 + 50 * n for n in range(LOOKS)]


def report(rate: float, verdict: str | None = None) -> CheckReport:
    sizes = [5000 + round(rate * (done - TASKS[0])) for done in TASKS]
    known = history(
        (f"{FILE}:40", sizes, [size // 100 for size in sizes]),
        tasks=TASKS,
        frames={FILE: {40: ("process", "KEPT.append(order | other)")}},
    )
    ruling = decide(known, 1, Limits(), True)
    found = Outcome(
        target="shop.tasks:process", verdict=verdict or ruling.verdict or "unsure",
        stopped=OUT_OF_TIME if verdict else DECIDED, ruling=ruling, runs=TASKS[-1], seconds=1.5,
        limits=Limits(), wanted=20_000 if verdict else None, at_most=60.0,
    )  # fmt: skip
    return check(found, root="/srv/shop")


def text(found: CheckReport, form: str, width: int = 80) -> str:
    return formats.text(found, form, Screen(width))


def test_the_page_says_what_is_kept_where_and_how_surely() -> None:
    page = text(report(200), TABLE)
    assert page.startswith("Leak: shop.tasks:process keeps 200 B a run at ")
    assert "KEPT.append(order | other)" in page
    assert "1,950 runs in 1.5 s, of which the first 1,000 are warm-up" in page
    assert max(map(len, page.splitlines())) <= 80


def test_what_keeps_nothing_says_how_seldom_it_could() -> None:
    page = " ".join(text(report(0), TABLE).split())
    assert "keeps nothing: less than 1 run in 317 keeps anything (95 %)" in page


def test_what_is_not_sure_says_what_would_make_it() -> None:
    page = text(report(0, "unsure"), TABLE)
    assert page.startswith("Not sure: ")
    assert "about 20,000 runs would tell: --at-most " in page


@pytest.mark.parametrize(("rate", "status"), [(200, 3), (0, 0)])
def test_the_exit_status_follows_the_verdict(rate: float, status: int) -> None:
    assert report(rate).status == status
    assert report(rate, "unsure").status == 4


def test_the_document_has_what_the_contract_names() -> None:
    found = json.loads(text(report(200), JSON))
    assert found["schema"] == "leakhunt/check@1"
    assert {"target", "verdict", "runs", "bytes_per_run", "ci95", "findings"} <= set(found)
    assert found["bytes_per_run"] == pytest.approx(200, abs=1)


def parsed(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as GitHub's runner reads it."""
    found = re.fullmatch(r"::(\w+) (.*?)::(.*)", line)
    assert found
    pairs = (part.split("=", 1) for part in found[2].split(","))
    said = {
        name: value.replace("%2C", ",").replace("%3A", ":").replace("%25", "%")
        for name, value in pairs
    }
    return found[1], said, found[3].replace("%0A", "\n").replace("%25", "%")


def test_an_annotation_stands_at_the_line_whatever_the_file_is_called() -> None:
    (line,) = text(report(200), GITHUB).splitlines()
    command, properties, message = parsed(line)
    assert command == "error"
    assert properties["file"] == "src/50%, done: tasks.py"
    assert properties["line"] == "40"
    assert "200 B a run (95 %: " in message
    assert "KEPT.append(order | other)" in message.splitlines()


def test_what_is_no_leak_is_a_notice_and_what_is_not_sure_a_warning() -> None:
    assert parsed(text(report(0), GITHUB).splitlines()[0])[0] == "notice"
    assert parsed(text(report(0, "unsure"), GITHUB).splitlines()[0])[0] == "warning"


def test_a_result_of_sarif_has_what_code_scanning_needs() -> None:
    log: dict[str, Any] = json.loads(text(report(200), SARIF))
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    run = log["runs"][0]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    (result,) = run["results"]
    assert result["ruleId"] in rules
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "src/50%25%2C%20done%3A%20tasks.py"
    assert place["region"]["startLine"] == 40
    assert result["message"]["text"]
    moved = json.loads(text(report(200), SARIF))["runs"][0]["results"][0]
    assert moved["partialFingerprints"] == result["partialFingerprints"]
    assert json.loads(text(report(0), SARIF))["runs"][0]["results"] == []
