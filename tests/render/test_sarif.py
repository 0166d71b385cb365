"""SARIF: what code-scanning tabs need."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leakhunt.model.snapshot import Frame
from leakhunt.render import sarif
from leakhunt.render.screen import SARIF
from leakhunt.report.check import CheckReport
from tests.support import node
from tests.support.checking import outside, report, scattered, text
from tests.support.web import HOSTILE


def test_a_result_of_sarif_has_what_code_scanning_needs() -> None:
    log: dict[str, Any] = json.loads(text(report(200), SARIF))
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    (result,) = run["results"]
    assert result["ruleId"] == rules[result["ruleIndex"]]["id"]
    assert rules[0]["help"]["text"]
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


def test_a_stack_goes_from_the_allocation_outwards() -> None:
    found = report(200)
    (judged,) = found.sure
    outer, inner = Frame("/srv/shop/src/main.py", 3), judged.finding.site
    deep = replace(judged, finding=replace(judged.finding, stacks=((outer, inner),)))
    (result,) = sarif.log([replace(found, findings=(deep,))])["runs"][0]["results"]
    lines = [
        frame["location"]["physicalLocation"]["region"]["startLine"]
        for frame in result["stacks"][0]["frames"]
    ]
    assert lines == [40, 3]


def uris(log: dict[str, Any]) -> list[str]:
    return [
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for run in log["runs"]
        for result in run["results"]
    ]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("/srv/shop/src/tasks.py", "src/tasks.py"),
        ("/srv/shop/src/雪.py", "src/%E9%9B%AA.py"),
        ("/srv/shop/raw\udcff.py", "raw%FF.py"),
        ("/srv/shop/line\nend.py", "line%0Aend.py"),
        ("/srv/shop/c:d.py", "c%3Ad.py"),
        ("/srv/shop//twice.py", "twice.py"),
        ("/usr/lib/python3.11/json/decoder.py", "file:///usr/lib/python3.11/json/decoder.py"),
        ("<string>", "%3Cstring%3E"),
        ("/srv/shop/\ud800.py", "%5Cud800.py"),
    ],
)
def test_a_uri_has_the_bytes_of_the_file_and_says_what_lies_elsewhere(file: str, uri: str) -> None:
    assert uris(json.loads(text(report(200, file=file), SARIF))) == [uri]


def told(found: CheckReport) -> tuple[str, str]:
    (notification,) = sarif.log([found])["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    return notification["level"], notification["message"]["text"]


def test_what_is_not_sure_is_a_warning() -> None:
    assert told(report(200))[0] == "note"
    assert told(report(0))[0] == "note"
    assert told(report(0, "unsure"))[0] == "warning"


def test_a_leak_without_a_line_is_shown_where_the_target_is_defined() -> None:
    found = scattered(report(200), Frame("/srv/shop/src/orders.py", 7))
    log = sarif.log([found])
    (result,) = log["runs"][0]["results"]
    assert uris(log) == ["src/orders.py"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 7}
    assert "shop.tasks:process keeps 200 B" in result["message"]["text"]
    assert result["properties"]["bytesPerRun"] == pytest.approx(200)
    assert told(found)[0] == "note"


def test_a_leak_outside_python_is_a_result_of_its_own() -> None:
    found = outside(report(200), Frame("/srv/shop/src/orders.py", 7))
    log = sarif.log([found])
    assert [uri.rpartition("/")[2] for uri in uris(log)] == [
        "50%25%2C%20done%3A%20tasks.py",
        "orders.py",
    ]
    last = log["runs"][0]["results"][-1]
    assert "keeps 4.0 KiB ± 0.1 a run outside Python's objects" in last["message"]["text"]
    assert last["properties"]["ci95"] == [4000.0, 4192.0]


def test_a_target_that_nobody_can_place_is_named() -> None:
    (result,) = sarif.log([scattered(report(200), None)])["runs"][0]["results"]
    assert result["locations"] == [
        {"logicalLocations": [{"fullyQualifiedName": "shop.tasks:process", "kind": "function"}]}
    ]


@pytest.mark.once
def test_the_schema_of_the_standard_has_nothing_against_it(tmp_path: Path) -> None:
    """The JSON schema of SARIF 2.1.0, by ajv."""
    made = node.installed(tmp_path)
    files = [*HOSTILE, "/usr/lib/python3.11/json/decoder.py", "<string>", "/srv/shop/\ud800.py"]
    reports = [
        report(200),
        report(200, line=0),
        report(0),
        report(0, "unsure"),
        *(report(200, file=file) for file in files),
        *(scattered(report(200), Frame(file, 0)) for file in files),
        scattered(report(200), None),
        outside(report(200), None),
    ]
    logs = [sarif.check(each) for each in reports]
    logs.append(json.dumps(sarif.log(reports)))
    logs.append(json.dumps(sarif.log([])))
    assert node.against(made, node.SARIF_SCHEMA, *logs) == [[]] * len(logs)
    broken = sarif.log([report(200)])
    broken["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    assert node.against(made, node.SARIF_SCHEMA, json.dumps(broken)) != [[]]
