"""How often the holder of a leak is named on recorded programs.

    python fixtures/collection/record.py --all --out DIR
    python tests/benchmarks/bench_holders.py DIR [DIR…] [--only NAME] [--details]

For each leak that a program of the collection declares, its guilty line's objects in the newest snapshot of the
process that has most of them are asked for as ``leakhunt why`` asks, with the earlier snapshots beside it. *named*: one of the names that
``fixtures/collection/holders.py`` has for it is on the way that is told first, or on the one with most bytes.
*trend*: the same of the holder that the first matching finding of ``leakhunt trend`` tells. *tied*: the bytes
whose holder was found, of those of the line.
"""

from __future__ import annotations

import argparse
import json
import runpy
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from leakhunt.cli.judging import gather
from leakhunt.model.snapshot import Snapshot, Stack
from leakhunt.report.trend import trend
from leakhunt.report.words import kept as kept_words
from leakhunt.retention import ways
from leakhunt.snapshots.load import load
from leakhunt.snapshots.series import lines_of
from tests.support.places import COLLECTION

HOLDERS = runpy.run_path(str(COLLECTION / "holders.py"))


class Told(NamedTuple):
    """One leak of one recording."""

    program: str
    marker: str
    named: bool
    tied: float
    by_trend: bool | None
    """None: trend has no finding there that tells a holder."""
    ways: tuple[str, ...]
    """The way told first, and the largest."""
    whole: bool | None


def guilty(leak: dict[str, Any], stack: Stack) -> bool:
    """Whether a stack passes through one of the lines."""
    file, lines = Path(leak["file"]).name, {leak["line"], *(also["line"] for also in leak["also"])}
    return any(Path(frame.file).name == file and frame.line in lines for frame in stack)


def of(leak: dict[str, Any], stacks: Iterable[Stack]) -> list[Stack]:
    """The leak's: those through its lines; where all are cut above them, through the library that these call."""
    every = list(stacks)
    return [stack for stack in every if guilty(leak, stack)] or [
        stack
        for stack in every
        if any(part in frame.file for part in leak["through"] for frame in stack)
    ]


def size_of(snapshot: Snapshot, stacks: list[Stack]) -> int:
    return sum(snapshot.tallies[stack].size for stack in stacks)


def fullest(lines: list[Any], leak: dict[str, Any]) -> tuple[list[Snapshot], list[Stack]] | None:
    """The snapshots of the process that has most of the leak in its newest, and the leak's stacks there."""
    found = []
    for line in lines:
        snapshot = load(line[-1].path, detail=True)
        stacks = of(leak, snapshot.tallies)
        found.append((size_of(snapshot, stacks), snapshot, stacks, line))
    found.sort(key=lambda one: -one[0])
    if not found or not found[0][2]:
        return None
    _, newest, stacks, line = found[0]
    return [*(load(each.path, detail=True) for each in line[:-1]), newest], stacks


def marker_of(leak: dict[str, Any]) -> str:
    """The comment on the guilty line, in the collection as it is here."""
    source = next(COLLECTION.rglob(Path(leak["file"]).name))
    line = source.read_text().splitlines()[int(leak["line"]) - 1]
    return line.rpartition("  # ")[2].strip()


def names_of(path: Any) -> list[str]:
    """Names of code on a way, and the classes of what is on it."""
    return [word for step in path for word in (step.name, step.type) if word]


def told(folder: Path) -> Iterator[Told]:
    """Of each leak of one recording."""
    truth = json.loads((folder / "truth.json").read_text())
    if not truth["leaks"]:
        return
    problems: list[str] = []
    lines = lines_of(sorted(folder.glob("snapshots/*/*.bin")), problems)
    histories = [each for line in lines if len(line) > 2 and (each := gather(line, problems))]
    report = trend(histories) if histories else None
    for leak in truth["leaks"]:
        marker = marker_of(leak)
        names = HOLDERS["of"](folder.name, marker)
        there = fullest(lines, leak)
        if there is None:
            yield Told(folder.name, marker, False, 0.0, None, (), None)
            continue
        (*earlier, newest), stacks = there
        found = ways.why(newest, stacks, earlier)
        shown = found.ways[:1] + tuple(sorted(found.ways, key=lambda way: -way.held.size)[:1])
        paths = [way.held.path for way in shown]
        kept = [
            judged.finding.holder
            for judged in (report.findings if report is not None else ())
            if judged.finding.holder is not None and of(leak, judged.finding.stacks)
        ]
        by_trend = HOLDERS["is_named"](names, names_of(kept[0].path)) if kept else None
        tied = found.tied / found.size if found.size else 0.0
        named = any(HOLDERS["is_named"](names, names_of(path)) for path in paths)
        yield Told(
            folder.name,
            marker,
            named,
            tied,
            by_trend,
            tuple(map(kept_words.way, paths)),
            found.whole,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--only", action="append")
    parser.add_argument("--details", action="store_true")
    asked = parser.parse_args()
    every = [
        one
        for parent in asked.folders
        for folder in sorted(parent.iterdir())
        if (folder / "truth.json").exists() and (asked.only is None or folder.name in asked.only)
        for one in told(folder)
    ]
    for one in every:
        if asked.details or not one.named:
            word = "named" if one.named else "NOT"
            print(
                f"{one.program} {one.marker}: {word}, {one.tied:.0%} tied, trend {one.by_trend}, whole {one.whole}"
            )
            for way in one.ways:
                print(f"    {way}")
    named = sum(one.named for one in every)
    judged = [one for one in every if one.by_trend is not None]
    print(f"named by why: {named} of {len(every)} ({named / max(1, len(every)):.1%})")
    print(
        f"named by trend: {sum(one.by_trend or False for one in judged)} of {len(judged)} that tell a holder"
    )


if __name__ == "__main__":
    main()
