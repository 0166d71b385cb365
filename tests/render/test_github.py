"""Workflow commands as GitHub's runner reads them."""

from __future__ import annotations

import re

from leakhunt.render import github
from leakhunt.render.screen import GITHUB
from tests.support.checking import report, text


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


def test_the_jobs_summary_is_a_table_that_no_code_breaks() -> None:
    lines = github.summary(report(200)).splitlines()
    assert lines[0] == "### ❌ leakhunt check `shop.tasks:process`"
    (row,) = [line for line in lines if line.startswith("| 200 B")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 4
    assert github.summary(report(0)).startswith("### ✅ ")
    assert github.summary(report(0, "unsure")).startswith("### ⚠️ ")
