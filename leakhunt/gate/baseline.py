"""Growths that are known and allowed, by place: a file that lies beside the code.

A place is a file, a function and the text of the source line, so a line that moves stays what it is;
the number is written for the reader. One file serves any number of checks, by target.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from leakhunt.errors import SettingError
from leakhunt.judge.finding import Finding
from leakhunt.judge.history import History
from leakhunt.model.paths import prefixes, shorten, visible
from leakhunt.model.snapshot import Frame
from leakhunt.snapfile.plain import read as read_plain

SCHEMA = "leakhunt/baseline@1"
#: A larger file is no baseline: bytes.
LARGEST = 16 << 20


class Place(NamedTuple):
    """A line, however often it moves."""

    file: str
    """As it is shown: below the application's folder."""
    function: str | None
    code: str
    """The source line with string literals masked; where that is not recorded, its number: ``:40``."""


class Allowance(NamedTuple):
    """What a place was seen to keep."""

    bytes_per_run: float
    low: float
    high: float
    line: int


#: Of one target.
Growths = Mapping[Place, Allowance]


@dataclass(frozen=True)
class Baseline:
    """The file's content."""

    checks: Mapping[str, Growths]

    def of(self, target: str) -> Growths:
        """What is known of a target; nothing of one that was never checked."""
        return self.checks.get(target, {})

    def with_check(self, target: str, growths: Growths) -> Baseline:
        """The same with another content for one target."""
        return Baseline({**self.checks, target: growths})


def place(frame: Frame, history: History) -> Place:
    """Where a frame of a history is."""
    spot = history.spots.get(frame)
    file = shorten(frame.file, prefixes(history.last.facts))
    code = spot.code if spot is not None else None
    return Place(file, spot.function if spot is not None else None, code or f":{frame.line}")


def growths(findings: Iterable[Finding]) -> dict[Place, Allowance]:
    """What findings keep, as it is written down."""
    return {
        place(each.site, each.history): Allowance(each.rate, each.low, each.high, each.site.line)
        for each in findings
    }


def read(path: Path) -> Baseline:
    """The file; an empty one where there is none. Raises SettingError for what is no baseline."""
    try:
        content = json.loads(read_plain(str(path), LARGEST)[0].decode())
        if content["schema"] != SCHEMA:
            raise ValueError(f"its schema is {content['schema']!r}, not {SCHEMA!r}")
        return Baseline({str(target): parsed(told) for target, told in content["checks"].items()})
    except FileNotFoundError:
        return Baseline({})
    except RecursionError:
        said = "it nests too deeply"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        said = f"{type(error).__name__} {error}" if isinstance(error, KeyError) else str(error)
        said = error.strerror if isinstance(error, OSError) and error.strerror else said
    raise SettingError(f"{visible(str(path))}: this is no baseline of leakhunt's: {visible(said)}")


def _place(told: Mapping[str, Any]) -> Place:
    return Place(str(told["file"]), told["function"], str(told["code"]))


def _allowance(told: Mapping[str, Any]) -> Allowance:
    low, high = told["ci95"]
    return Allowance(float(told["bytes_per_run"]), float(low), float(high), int(told["line"]))


def text(baseline: Baseline) -> str:
    """As it is written: sorted, a place on a few lines, so that a review shows what has changed."""
    checks = {target: plain(told) for target, told in sorted(baseline.checks.items())}
    return json.dumps({"schema": SCHEMA, "checks": checks}, indent=2) + "\n"


def plain(told: Growths) -> list[dict[str, Any]]:
    """One check's places as they are written."""
    return [
        {
            "file": where.file,
            "line": growth.line,
            "function": where.function,
            "code": where.code,
            "bytes_per_run": round(growth.bytes_per_run, 1),
            "ci95": [round(growth.low, 1), round(growth.high, 1)],
        }
        for where, growth in sorted(told.items(), key=lambda item: (item[0].file, item[1].line))
    ]


def parsed(told: Iterable[Mapping[str, Any]]) -> dict[Place, Allowance]:
    """The reverse of :func:`plain`."""
    return {_place(each): _allowance(each) for each in told}
