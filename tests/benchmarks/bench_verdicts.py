"""How often ``leakhunt verdict`` is right on recorded programs, beside the standard recipe.

    python fixtures/collection/record.py --all --out DIR
    python tests/benchmarks/bench_verdicts.py DIR [DIR…] [--snapshots 1,2,4,8] [--half held-out]
        [--only NAME] [--jobs 2] [--json FILE] [--recipe-only] [--details]

Each program's series are thinned out to K evenly spaced snapshots per process and judged by
``leakhunt verdict --json``. Printed per program and K, and summed up per half:

* leaks: *hit* when the first finding judged ``leak`` is at a guilty line (or at one that the
  program's truth accepts, or, where the kept frames end inside a library, in that library);
  *second* when every other leak of the program is found too; *stray* when something else is
  accused as well; the error of the rate is that of the finding against the declared bytes per
  task, where a table that grows in jumps may count or not;
* a main process that grows by tasks sent for later: right when the growth is said and no line of
  the application accused;
* healthy programs: *accused* when anything is judged a leak, *unexplained* when the growth
  is said to be outside Python;
* native growth and fragmentation: *recognised* when the verdict is ``unexplained`` (where RSS
  only stays high, ``no-leak`` is right, too).

The standard recipe compares the first of the same snapshots with the last by line, and names
the line that grew most; it accuses when that line grew by more than 100 KiB. The other recipe
compares the middle with the end.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
#: The recipe's reader gets up when a line grew by more than that.
ALARM = 100 * 1024
#: Frames that the recipe's reader knows to ignore.
IGNORED = ("tracemalloc.py", "<frozen importlib", "/leakhunt/")


@dataclass
class Judged:
    """One program at one K."""

    recording: str
    program: str
    kind: str
    half: str
    snapshots: int
    verdict: str = ""
    right: bool = False
    """Hit, not accused, or recognised."""
    found: int = 0
    """How many of the program's leaks are among the findings judged ``leak``."""
    leaks: int = 0
    stray: list[str] = field(default_factory=list)
    error: float | None = None
    """Of the rate, signed, against the declared one."""
    inside: bool | None = None
    """Whether the rate's 95 % interval holds it."""
    summary: str = ""
    recipe_first: bool = False
    recipe_alarm: bool = False
    late_first: bool = False
    late_alarm: bool = False


# -- choosing snapshots ---------------------------------------------------------------


def thinned(files: Sequence[Path], number: int) -> list[Path]:
    """That many, evenly spaced, the first and the last among them; one is the last."""
    if number == 1:
        return list(files[-1:])
    if number <= 0 or number >= len(files):
        return list(files)
    return [files[round(i * (len(files) - 1) / (number - 1))] for i in range(number)]


def series_of(recording: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for file in sorted(recording.glob("snapshots/*/*.bin")):
        found.setdefault(file.parent.name, []).append(file)
    return found


def laid_out(recording: Path, number: int, folder: Path) -> list[Path]:
    """The thinned series as folders of their own, as the hook lays them out."""
    folders = []
    for name, files in series_of(recording).items():
        target = folder / name
        target.mkdir(parents=True)
        for file in thinned(files, number):
            try:
                os.link(file, target / file.name)
            except OSError:
                shutil.copy2(file, target)
        folders.append(target)
    return folders


# -- what trend says ------------------------------------------------------------------


def places(finding: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Where a finding points: its site first."""
    site = finding["site"]
    yield site["file"] or "", site["line"] or 0


def is_at(finding: dict[str, Any], leak: dict[str, Any]) -> dict[str, Any] | None:
    """The guilty line (with its rate) that a finding names, else None."""
    lines = [leak, *leak["also"]]
    for file, line in places(finding):
        if Path(file).name == Path(leak["file"]).name:
            for candidate in lines:
                if candidate["line"] == line:
                    return dict(candidate)
        if leak["visible"] < 0.5 and any(part in file for part in leak["through"]):
            return {}
    return None


def error_of(finding: dict[str, Any], line: dict[str, Any], leak: dict[str, Any]) -> float | None:
    """The rate's error: 0 inside what may be said of that line, else the distance to it.

    Said may be the line's own rate or that of all guilty lines together, up to what a real
    worker keeps because of them; with or without a
    table that grows in jumps; and, where the kept frames end above the line for part of the
    memory, only the part that the recording shows.
    """
    rate = finding["bytes_per_unit"]
    errors = [
        (rate - min(max(rate, low), high)) / size if size else 0.0
        for size, low, high in said_of(line, leak)
    ]
    return min(errors, key=abs) if errors else None


def is_inside(finding: dict[str, Any], line: dict[str, Any], leak: dict[str, Any]) -> bool:
    """Whether the finding's 95 % interval holds a rate that may be said of that line."""
    below, above = finding["ci95"]
    return any(low <= above and below <= high for _, low, high in said_of(line, leak))


def said_of(line: dict[str, Any], leak: dict[str, Any]) -> Iterator[tuple[float, float, float]]:
    """(declared rate, least, most that may be said) of the line itself and of all guilty lines."""
    if not line:
        return
    shown = leak["visible"] if leak["visible"] < 0.9 else 1.0
    # How often a rare leak struck is a matter of chance: the recording knows, as far as it shows all of it.
    luck = leak["visible"] if leak["runs"] < 0.2 else 1.0
    own, whole = line["bytes_per_task"], leak["whole_bytes_per_task"]
    for size, high in ((own, own), (whole, leak["worker_bytes_per_task"])):
        low = min(size * shown, max(size - leak["table_bytes_per_task"], size * 0.3))
        yield size, low * min(1.0, luck), high * max(1.0, luck)


def judge(result: Judged, truth: dict[str, Any], document: dict[str, Any]) -> None:
    result.verdict = document["verdict"]
    result.summary = document["summary"]
    accused = [finding for finding in document["findings"] if finding["verdict"] == "leak"]
    leaks = truth["leaks"]
    result.leaks = len(leaks)
    matched = [[is_at(finding, leak) for leak in leaks] for finding in accused]
    result.found = sum(any(row[i] is not None for row in matched) for i in range(len(leaks)))
    result.stray = [
        "{file}:{line}".format(**finding["site"])
        for finding, row in zip(accused, matched)
        if all(line is None for line in row)
    ]
    if truth["process"] == "main":
        # Nobody's line: what counts is that the growth is said, and that no task is accused.
        folder = str(Path(truth["file"]).parent.parent)
        result.stray = [place for place in result.stray if place.startswith(folder)]
        result.right = document["verdict"] in ("leak", "unexplained") and not result.stray
    elif truth["kind"] == "leak":
        result.right = bool(matched) and any(line is not None for line in matched[0])
        for finding, row in zip(accused, matched):
            for line, leak in zip(row, leaks):
                if line is not None and result.error is None and document["unit"] == "task":
                    result.error = error_of(finding, line, leak)
                    result.inside = is_inside(finding, line, leak) if line else None
    elif truth["kind"] == "healthy":
        result.right = not accused and document["verdict"] in ("no-leak", "inconclusive")
    else:
        fine = {"unexplained"} if truth["native_bytes_per_task"] else {"unexplained", "no-leak"}
        result.right = document["verdict"] in fine and not result.stray


def trend(folders: Sequence[Path], root: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "leakhunt", "verdict", "--json", *map(str, folders)],
        capture_output=True,
        text=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(root), "NO_COLOR": "1"},
        check=False,
    )
    if done.returncode not in (0, 3):
        raise RuntimeError(done.stderr.strip()[-600:] or f"exit {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


# -- the recipes ------------------------------------------------------------------------


def recipe(before: Path, after: Path, leaks: Sequence[dict[str, Any]]) -> tuple[bool, bool]:
    """(names a guilty line first, sounds the alarm) by comparing two snapshots."""
    old, new = (tracemalloc.Snapshot.load(str(path)) for path in (before, after))
    for row in new.compare_to(old, "lineno"):
        frame = row.traceback[0]
        if any(part in frame.filename for part in IGNORED):
            continue
        named = any(
            frame.filename == leak["file"]
            and frame.lineno in (leak["line"], *(line["line"] for line in leak["also"]))
            for leak in leaks
        )
        return named and row.size_diff > 0, row.size_diff > ALARM
    return False, False


def apply_recipes(result: Judged, truth: dict[str, Any], recording: Path, number: int) -> None:
    files = thinned(max(series_of(recording).values(), key=len), number)
    last, leaks = files[-1], truth["leaks"]
    result.recipe_first, result.recipe_alarm = recipe(files[0], last, leaks)
    result.late_first, result.late_alarm = recipe(files[len(files) // 2], last, leaks)


# -- the table --------------------------------------------------------------------------


def one(recording: Path, number: int, options: argparse.Namespace) -> Judged:
    truth = json.loads((recording / "truth.json").read_text())
    result = Judged(
        recording=recording.parent.name,
        program=truth["program"],
        kind=truth["kind"],
        half=truth["half"],
        snapshots=number,
        leaks=len(truth["leaks"]),
    )
    if not options.trend_only:
        apply_recipes(result, truth, recording, number)
    if not options.recipe_only:
        with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
            try:
                document = trend(laid_out(recording, number, Path(folder)), options.root)
                judge(result, truth, document)
            except (RuntimeError, ValueError, KeyError) as error:
                result.verdict, result.summary = "failed", f"{type(error).__name__}: {error}"
    return result


def of(results: Sequence[Judged], *kinds: str) -> list[Judged]:
    return [result for result in results if result.kind in kinds]


def rate(results: Sequence[Judged]) -> str:
    errors = sorted(abs(result.error) for result in results if result.error is not None)
    if not errors:
        return "-"
    within = sum(error <= 0.1 for error in errors)
    held = [result.inside for result in results if result.inside is not None]
    return (
        f"median {statistics.median(errors):.1%}, worst {errors[-1]:.0%}, {within}/{len(errors)} within 10 %, "
        f"{sum(held)}/{len(held)} intervals hold the truth"
    )


def share(part: int, whole: int) -> str:
    return f"{part}/{whole}" if whole else "-"


def summary(title: str, results: Sequence[Judged]) -> None:
    leaks, healthy = of(results, "leak"), of(results, "healthy")
    native, fragmented = of(results, "native"), of(results, "fragmentation")
    several = [result for result in leaks if result.leaks > 1]
    print(f"\n{title}")
    print(f"  {'':34}{'trend':>9}{'first-last':>12}{'middle-end':>12}")
    rows: list[tuple[str, str, str, str]] = [
        (
            "leaks: the guilty line first",
            share(sum(r.right for r in leaks), len(leaks)),
            share(sum(r.recipe_first for r in leaks), len(leaks)),
            share(sum(r.late_first for r in leaks), len(leaks)),
        ),
        (
            "leaks: something else accused too",
            share(sum(bool(r.stray) for r in leaks), len(leaks)),
            "",
            "",
        ),
        (
            "leaks: every one of several found",
            share(sum(r.found == r.leaks for r in several), len(several)),
            "",
            "",
        ),
        (
            "healthy: accused",
            share(sum(not r.right for r in healthy), len(healthy)),
            share(sum(r.recipe_alarm for r in healthy), len(healthy)),
            share(sum(r.late_alarm for r in healthy), len(healthy)),
        ),
        (
            "native growth recognised",
            share(sum(r.right for r in native), len(native)),
            "",
            "",
        ),
        (
            "fragmentation recognised",
            share(sum(r.right for r in fragmented), len(fragmented)),
            "",
            "",
        ),
    ]
    if all(not result.verdict for result in results):  # only the recipe was tried
        rows = [(name, "", first, late) for name, _, first, late in rows if first]
    for name, *columns in rows:
        print(f"  {name:34}{columns[0]:>9}{columns[1]:>12}{columns[2]:>12}")
    if any(result.error is not None for result in leaks):
        print(f"  bytes per task: {rate(leaks)}")


def mark(result: Judged) -> str:
    if result.verdict == "failed":
        return "failed"
    text = "ok" if result.right else "WRONG"
    if result.kind == "leak" and result.error is not None:
        text += f" {result.error:+.0%}{'' if result.inside else '!'}"
    if result.found < result.leaks and result.right:
        text += f" {result.found}/{result.leaks}"
    return text + (f" +{len(result.stray)} stray" if result.stray else "")


def table(results: Sequence[Judged], numbers: Sequence[int]) -> None:
    print(f"{'program':24}{'kind':15}{'half':10}" + "".join(f"{f'K={k}':>18}" for k in numbers))
    keys = dict.fromkeys((r.recording, r.program, r.kind, r.half) for r in results)
    for recording, program, kind, half in keys:
        row = {r.snapshots: r for r in results if (r.recording, r.program) == (recording, program)}
        cells = "".join(f"{mark(row[k]) if k in row else '':>18}" for k in numbers)
        print(f"{program:24}{kind:15}{half:10}{cells}")


def details(results: Sequence[Judged]) -> None:
    for r in results:
        if not r.right or r.stray or r.found < r.leaks or r.verdict == "failed":
            print(f"\n{r.recording}/{r.program} ({r.kind}, {r.half}) K={r.snapshots}: {r.verdict}")
            print(f"  {r.summary}")
            for place in r.stray:
                print(f"  accused too: {place}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--snapshots", default="4,8,16", help="K, several; 0: all")
    parser.add_argument(
        "--half", choices=("tune", "held-out", "fresh", "later", "unseen", "blind", "anew", "afar")
    )
    parser.add_argument("--only", action="append")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path, dest="out", help="write what was judged")
    parser.add_argument("--root", type=Path, default=ROOT, help="leakhunt's source tree")
    parser.add_argument("--scratch", type=Path, help="folder for the thinned series")
    parser.add_argument("--recipe-only", action="store_true")
    parser.add_argument("--trend-only", action="store_true")
    parser.add_argument("--details", action="store_true", help="explain what went wrong")
    options = parser.parse_args()
    numbers = [int(text) for text in options.snapshots.split(",")]
    for folder in options.folders:
        recordings = [
            path.parent
            for path in sorted(folder.glob("*/truth.json"))
            if not options.only or path.parent.name in options.only
        ]
        if options.half:
            recordings = [
                r
                for r in recordings
                if json.loads((r / "truth.json").read_text())["half"] == options.half
            ]
        with ThreadPoolExecutor(options.jobs) as pool:
            pairs = [(r, k) for r in recordings for k in numbers]
            futures = [pool.submit(one, r, k, options) for r, k in pairs]
            results = [future.result() for future in futures]
        print(f"\n=== {folder}: {len(recordings)} programs")
        if not options.recipe_only:
            table(results, numbers)
        for half in ("tune", "held-out", "fresh", "later", "unseen", "blind", "anew", "afar"):
            for number in numbers:
                chosen = [r for r in results if r.half == half and r.snapshots == number]
                if chosen:
                    summary(f"{folder.name}, {half}, K = {number or 'all'}", chosen)
        if options.details:
            details(results)
        if options.out:
            with options.out.open("a") as lines:
                lines.writelines(json.dumps(asdict(result)) + "\n" for result in results)


if __name__ == "__main__":
    main()
