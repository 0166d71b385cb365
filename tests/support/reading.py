"""The laws of what is printed: one is singular and many are plural, nothing is said twice, no number has
an exponent, nothing is more than all of it, and what scripts read adds up.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from leakhunt.judge.levels import LEVELS

SLIGHTLY = 1e-9

_NOUNS = (
    "task", "snapshot", "process", "child", "children", "sample", "block", "stack", "line", "file",
    "package", "finding", "growth", "second", "frame", "folder", "caller", "row", "site", "type",
    "run", "look", "worker", "host", "object", "item", "way", "place", "socket", "check", "entry",
)  # fmt: skip
_MANY = {"process": "processes", "children": "children", "child": "children", "entry": "entries"}
_PLURALS = {_MANY.get(noun, f"{noun}s") for noun in _NOUNS}
_ONE = re.compile(
    rf"(?<![\d.,/\w:-])1 (?:more |other |open |running )?({'|'.join(sorted(_PLURALS))})\b(?!\.\w)"
)
_SEVERAL = re.compile(
    r"(?<![\d.,\w:-])(?!1 )(\d+(?:,\d{3})*(?:\.\d+)?) (?:more |other |open |running )?"
    rf"({'|'.join(noun for noun in _NOUNS if noun not in _PLURALS)})\b(?! of |\.\w)"
)
_DOES = re.compile(r"(?<![\d.,/\w:-])1 (?:\w+ )?(?:are|have|do|grow|stay|belong)\b")
_NO_NUMBER = re.compile(r"(?<![\w.])[+-]?(?:nan|inf)\b(?!\.)")
_EXPONENT = re.compile(r"(?<![\w.-])\d(?:\.\d+)?e[+-]?\d+\b")
#: Parts of a whole that are told as such.
_PART = re.compile(r"(\d[\d.]*) % of (?:the RSS|the growth|the runs|what|it\b)")
#: What a rate rests on: fewer samples than a leak must have tell none.
_SAMPLES = re.compile(r"per \w+, by ([\d,]+) samples?\b")
#: Code, quoted or on a line of its own, and what stands in parentheses after it may read as it likes.
_QUOTED = re.compile(r"`[^`]*`")


def reads_well(text: str, folded: bool = False) -> None:
    """The laws of a page or of a ticket; ``folded``: its sentences may go on at the start of a line."""
    for line in text.splitlines():
        plain = _QUOTED.sub("`…`", line)
        for wrong in (_ONE, _SEVERAL, _EXPONENT, _DOES, _NO_NUMBER):
            match = wrong.search(plain)
            assert match is None or _CODE.search(line), f"{match and match[0]!r} in: {line}"
        for part in _PART.finditer(plain):
            assert float(part[1]) <= 100, part[0]
        for number in _SAMPLES.findall(plain):
            assert int(number.replace(",", "")) >= LEVELS.samples.fewest, f"too few samples: {line}"
        assert "in 0 tasks" not in plain
    if folded:
        return
    for line in text.splitlines():
        if not _CODE.search(line) and not line.startswith(" "):
            for nothing in ("None", "..:", ",", "..", "()"):
                assert nothing not in line.split(), f"{nothing!r} in: {line}"
    nothing_twice(text)


#: What stands in a line of code and in no sentence.
_CODE = re.compile(r"""[=\[\]{}"'<>`@]|\w\(""")


def nothing_twice(text: str) -> None:
    """No clause of five words or more stands in two places. What is said of several rows, findings or
    processes alike counts once: each is told why.
    """
    clauses: Counter[str] = Counter()
    rows: set[str] = set()
    for part in re.split(r"\n\s*\n|\n(?=\S|\s*\d+  )", text):
        spoken = {
            clause.strip().casefold()
            for clause in re.split(r"[;:.,](?:\s|$)", " ".join(part.split()))
            if len(re.findall(r"[a-z]{2,}", clause.casefold())) >= 5
        }
        if _ROW.match(part):
            rows |= spoken
        else:
            clauses.update(spoken)
    clauses.update(rows)
    twice = [clause for clause, number in clauses.items() if number > 1]
    assert not twice, twice


#: Begins what is said of one row, finding, process or place of several.
_ROW = re.compile(
    r"\s*(?:\d+ |[a-z]+ \d+(?:: |  )|process  |[+-]?[\d.,]+ [KMGT]?i?B |! |\| *\d|[├└│]|[`|]- |(?:- )?(?:fixed|better|same|worse|new|open|before|after|note: unknown) ?)"
)


# -- for scripts ----------------------------------------------------------------------


def adds_up(document: dict[str, Any]) -> None:
    """The laws that the contract promises to scripts, and those of the sentences in the document."""
    command = document["schema"].partition("/")[2].partition("@")[0]
    if command in ("top", "diff"):
        for measure in document["totals"]:
            parts = [row[measure] for row in document["rows"]]
            parts += [document["remainder"][measure], document["dropped"][measure]]
            assert sum(parts) == document["totals"][measure], measure
        if command == "top":
            assert all(0 <= (row["share"] or 0) <= 1 for row in document["rows"])
    if command in ("trend", "verdict"):
        leaks = [each for each in document["findings"] if each["verdict"] == "leak"]
        assert sum(each["share"] or 0 for each in leaks) <= 1 + SLIGHTLY
        if document["verdict"] == "no-leak":
            assert not leaks
    if command in ("trend", "verdict", "check"):
        for each in document["findings"]:
            if each["verdict"] == "leak":
                _holds(each["ci95"], each["bytes_per_unit"])
    if command == "account":
        assert sum(part["size"] for part in document["parts"]) == document["rss"]
    if command == "why":
        assert document["tied"] <= document["size"]
    if command == "tasks":
        assert all((each["failed"] or 0) <= each["runs"] for each in document["tasks"])
    if command == "compare":
        for place in document["places"]:
            for side in ("before", "after"):
                _holds(place[side]["ci95"], place[side]["bytes_per_unit"])
    if command == "ps":
        known = document["processes"]
        assert document["totals"]["rss"] == sum(each["rss"] or 0 for each in known)
        assert document["totals"]["pss"] == sum(each["pss"] or 0 for each in known)
    for name, said in sentences(document):
        try:
            reads_well(said)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None


def _holds(ends: list[float | None], estimate: float) -> None:
    low, high = ends
    near = abs(estimate) * SLIGHTLY + SLIGHTLY
    assert low is None or low <= estimate + near, (ends, estimate)
    assert high is None or estimate <= high + near, (ends, estimate)


#: Keys whose values are sentences of ours, and not names or code of others.
SAID = frozenset(
    {"summary", "sentence", "next", "why", "what", "because", "reason", "note", "notes"}
)


def sentences(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Each sentence of a document, with its key."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from sentences(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from sentences(each, name)
    elif isinstance(value, str) and name in SAID:
        yield name, value


def table_of_values(text: str) -> None:
    """CSV: every line has the cells of its head."""
    head, *lines = csv.reader(io.StringIO(text))
    assert len(set(head)) == len(head)
    for line in lines:
        assert len(line) == len(head), line


def fits(text: str, width: int) -> None:
    """No line is wider than the screen, but where one word is."""
    from rich.cells import cell_len

    for line in text.splitlines():
        assert cell_len(line) <= width, f"{cell_len(line)} of {width} columns: {line}"


def printed(text: str) -> None:
    """What a command has printed, whatever it is: a document or a page."""
    if text.startswith("{"):
        try:
            document = json.loads(text)
        except ValueError:
            return  # of several lines, each one
        if isinstance(document, dict) and str(document.get("schema", "")).startswith("leakhunt/"):
            adds_up(document)
    elif not text.startswith(("<", "rank,", "Usage:")):
        reads_well(text, folded=True)
