"""What works on this Python: a leak is looked for in a real worker of each pool, with each engine.

``python -m tests.live.matrix run`` runs all cells on the Python that it is started with and keeps them
in a folder of the fixtures (``.ci/newest matrix`` does so on Pythons that this machine does not have);
``python -m tests.live.matrix table`` writes all that are kept there as the table of a page. What the page
says is what ran last: ``test_matrix.py`` holds it against the kept results.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import re
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Optional

from leakhunt.cpython import interpreter

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "fixtures" / "matrix"
PAGE = ROOT / "leakhunt" / "hook" / "README.md"
BEGIN, END = "<!-- matrix: python -m tests.live.matrix table -->\n", "<!-- /matrix -->\n"

#: What does not work there: nothing, it is hoped. None: the pool cannot be had on that Python.
Cell = Optional["list[str]"]

#: With all of these lacking a snapshot still names the leak, and tells its bytes.
MINOR = ("another engine: ", "tasks wait for a snapshot", "no word of who keeps what")

#: {pool: options of the worker}
POOLS: Mapping[str, tuple[str, ...]] = {
    "prefork": ("-P", "prefork", "-c", "1"),
    "spawn": ("-P", "prefork", "--pool-start-method", "spawn", "-c", "1"),
    "solo": ("-P", "solo"),
    "threads": ("-P", "threads", "-c", "2"),
    "gevent": ("-P", "gevent", "-c", "2"),
    "eventlet": ("-P", "eventlet", "-c", "2"),
}
ENGINES = ("sampled", "exact")
#: So many blocks of so many bytes are leaked.
BLOCKS, SIZE = 60, 20_000
#: How far from the truth their bytes may be told. At 4 KiB between samples a block is missed with a
#: probability of 0.8 %: a fifth of 60 with one below 1e-12.
NEAR = {"sampled": 0.2, "exact": 0.02}


def version() -> str:
    """As it is shown: ``3.14.2t`` is the free-threaded build."""
    kind = "" if sys.implementation.name == "cpython" else f"{platform.python_implementation()} "
    return f"{kind}{platform.python_version()}{'t' if 't' in getattr(sys, 'abiflags', '') else ''}"


def leaky() -> tuple[str, int]:
    """The line of the app that keeps the blocks."""
    lines = (Path(__file__).parent / "apps" / "shop.py").read_text().splitlines()
    return "shop.py", 1 + lines.index("    KEPT.append(bytearray(size))")


def lacks(path: Path, engine: str) -> list[str]:
    """What a snapshot of the leaking worker has not that it should have, each in a few words."""
    from leakhunt.snapshots.load import load

    snapshot = load(path)
    known = snapshot.meta.facts
    biggest = max(snapshot.tallies, key=lambda stack: snapshot.tallies[stack].size)
    tally = snapshot.tallies[biggest]
    truth = BLOCKS * SIZE
    place = (Path(biggest[-1].file).name, biggest[-1].line)
    wanted = {
        f"another engine: {snapshot.meta.engine}": snapshot.meta.engine == engine,
        "tasks wait for a snapshot": known["forked"] and known["exact"],
        "no word of who keeps what": (known.get("heap") or {}).get("whole") is True,
        f"another line than the leak's is first: {place[0]}:{place[1]}": place == leaky(),
        f"its bytes are wrong: {tally.size:,} of {truth:,}": abs(tally.size - truth)
        < NEAR[engine] * truth,
    }
    return [what for what, there in wanted.items() if not there]


def cell(pool: str, engine: str, folder: Path) -> Cell:
    """Leak in a real worker, ask for a snapshot while a task runs, and look what it lacks."""
    from tests.live import harness

    if not harness.present(pool):
        return None
    with harness.worker(
        folder, *POOLS[pool],
        LEAKHUNT_ENGINE=engine, LEAKHUNT_START="boot", LEAKHUNT_INTERVAL="4KiB", LEAKHUNT_WALK="full",
    ) as worker:  # fmt: skip
        record = worker.hooked("child" if pool in ("prefork", "spawn") else "worker")[0]
        for leaking in [worker.send("leak", SIZE) for _ in range(BLOCKS)]:
            assert leaking.get(timeout=harness.PATIENCE, interval=0.02) == SIZE
        napping = worker.send("nap", 0.5)
        worker.noted("nap")
        path, _ = worker.dump(record)
        assert napping.get(timeout=harness.PATIENCE) == 0.5
        return lacks(path, engine)


def tried(ask: Callable[[str, str, Path], Cell], pool: str, engine: str) -> Cell:
    """A cell, whatever becomes of it: one that raises is a cell that fails, and the others are still run.

    The whole traceback goes to stderr. The cell has of the message what it begins and ends with (there a worker's
    log has what ended it), without this run's folder.
    """
    import pytest  # here: where the hook is refused, there may be nothing but the interpreter

    with tempfile.TemporaryDirectory() as folder:
        try:
            return ask(pool, engine, Path(folder))
        except (Exception, pytest.skip.Exception, pytest.fail.Exception) as error:  # noqa: BLE001
            traceback.print_exc()
            said = str(error).replace(folder, "FOLDER").strip().splitlines()
            kind = (
                [] if isinstance(error, AssertionError) and said else [f"{type(error).__name__}:"]
            )
            return [" ".join(["fails:", *kind, *said[:1], *said[1:][-1:]]).rstrip(":")]


def run(ask: Callable[[str, str, Path], Cell] = cell) -> dict[str, Any]:
    """All cells of this Python, or why there can be no hook."""
    row = {
        "python": version(),
        "system": f"{platform.system()} {platform.machine()}",
        "day": f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}",
    }
    why = interpreter.unfit()
    if why is not None:
        return {**row, "refused": why}
    cells: dict[str, Cell] = {}
    row["celery"] = metadata.version("celery")
    for pool in POOLS:
        for engine in ENGINES:
            cells[f"{pool} {engine}"] = found = tried(ask, pool, engine)
            print(f"{row['python']} {pool} {engine}: {found}", flush=True)
    return {**row, "cells": cells}


def order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """CPython by version, each free-threaded build behind its own, then the others."""
    *kind, number = row["python"].split()
    numbers = [int(part) for part in re.findall(r"\d+", number)]
    return (kind, numbers[:2], number.endswith("t"), numbers, number)


def promised() -> list[str]:
    """The versions of CPython that the package says it is for."""
    classifier = r'"Programming Language :: Python :: (3\.\d+)"'
    return re.findall(classifier, (ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def table(rows: Iterable[Mapping[str, Any]], wanted: Iterable[str] = ()) -> str:
    """In Markdown: a line a Python, a column a pool; in a cell the engines with which all works.

    Below it those of the wanted versions of which no patch level was run.
    """
    rows = sorted(rows, key=order)
    notes: list[str] = []

    def note(text: str) -> str:
        if text not in notes:
            notes.append(text)
        return f"[{notes.index(text) + 1}]"

    def told(row: Mapping[str, Any], pool: str) -> str:
        if "refused" in row:
            return f"no {note('refused: ' + row['refused'])}"
        found: dict[str, Cell] = {engine: row["cells"][f"{pool} {engine}"] for engine in ENGINES}
        if all(missing is None for missing in found.values()):
            return "absent"
        whole = [engine for engine, missing in found.items() if missing == []]
        lacking = [each for missing in found.values() for each in missing or ()]
        least = "in part" if all(each.startswith(MINOR) for each in lacking) else "no"
        name = "both" if len(whole) == len(ENGINES) else " ".join(whole) or least
        marks = [note(f"{e}: {'; '.join(missing)}") for e, missing in found.items() if missing]
        return " ".join([name, *marks])

    lines = [f"| Python | Celery | {' | '.join(POOLS)} |", "|---" * (len(POOLS) + 2) + "|"]
    for row in rows:
        cells = [told(row, pool) for pool in POOLS]
        lines.append(f"| {' | '.join([row['python'], row.get('celery', '-'), *cells])} |")
    lines += [f"\n[{n}] {text}" for n, text in enumerate(notes, 1)]
    days = sorted({row["day"] for row in rows})
    when = f"on {days[0]}" if len(days) == 1 else f"from {days[0]} to {days[-1]}"
    # A build without the GIL is not what the classifiers promise.
    there = {
        ".".join(row["python"].split(".")[:2]) for row in rows if not row["python"].endswith("t")
    }
    absent = [version for version in wanted if version not in there]
    ran = f"Run {when} on {', '.join(sorted({row['system'] for row in rows}))}."
    return (
        "\n".join([*lines, "", ran + (f" Not run: {', '.join(absent)}." if absent else "")]) + "\n"
    )


def kept() -> list[dict[str, Any]]:
    """The rows that were run, each in a file of its own."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(KEPT.glob("*.json"))]


def within(page: str) -> tuple[str, str, str]:
    """What stands before the table, the table, and what stands behind it.

    ValueError: the page does not say where the table goes, or says so twice.
    """
    before, begun, rest = page.partition(BEGIN)
    inside, ended, behind = rest.partition(END)
    if not begun or not ended or any(mark in before + behind for mark in (BEGIN, END)):
        raise ValueError(f"there must be one line {BEGIN.strip()}, and below it one {END.strip()}")
    return before, inside, behind


def write(page: Path) -> None:
    """The table of what is kept, where the page has its place. ValueError: nothing is written."""
    before, _, behind = within(page.read_text(encoding="utf-8"))
    rows = kept()
    if not rows:
        raise ValueError(f"nothing was run: {KEPT} has no results")
    page.write_text(f"{before}{BEGIN}\n{table(rows, promised())}\n{END}{behind}", encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.live.matrix")
    what = parser.add_subparsers(dest="what", required=True)
    what.add_parser("run", help="all cells on this Python; exit status 1 where one does not work")
    tabled = what.add_parser("table", help="write what was run into a page")
    tabled.add_argument("page", type=Path, nargs="?", default=PAGE, help=f"default: {PAGE}")
    asked = parser.parse_args(arguments)
    if asked.what == "table":
        try:
            write(asked.page)
        except (OSError, ValueError) as error:
            print(f"{asked.page}: {error}", file=sys.stderr)
            return 2
        return 0
    row = run()
    KEPT.mkdir(exist_ok=True)
    name = row["python"].lower().replace(" ", "-")
    (KEPT / f"{name}.json").write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")
    return int(any(row.get("cells", {}).values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
