"""SARIF: what code-scanning tabs need."""

from __future__ import annotations

import json
from typing import Any

from leakhunt.render import sarif
from leakhunt.render.screen import SARIF
from tests.support.checking import report, text


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


def test_several_checks_are_one_log() -> None:
    (run,) = sarif.log([report(200), report(0), report(300)])["runs"]
    assert len(run["results"]) == 2
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == 3


def test_a_stack_has_the_newest_call_first() -> None:
    (result,) = sarif.log([report(200)])["runs"][0]["results"]
    frames = result["stacks"][0]["frames"]
    assert frames[0]["location"] == result["locations"][0]
