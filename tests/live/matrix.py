"""What works on this Python: a leak is looked for in a real worker of each pool, with each engine.

``python -m tests.live.matrix run`` runs all cells on the Python that it is started with and keeps them
in a folder of the fixtures; ``python -m tests.live.matrix table`` writes the table in the README from all
that are kept there. What the README says is what ran last.
"""

from __future__ import annotations

import importlib.util
import json
import platform
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from leakhunt.cpython import interpreter

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "fixtures" / "matrix"
BEGIN, END = "<!-- matrix: python -m tests.live.matrix table -->\n", "<!-- /matrix -->\n"

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


def version() -> str:
    """As it is shown: ``3.14.2t`` is the free-threaded build."""
    kind = "" if sys.implementation.name == "cpython" else f"{platform.python_implementation()} "
    return f"{kind}{platform.python_version()}{'t' if 't' in getattr(sys, 'abiflags', '') else ''}"


def lacks(path: Path, engine: str) -> list[str]:
    """What a snapshot of the leaking worker has not that it should have, each in a few words."""
    from leakhunt.snapshots.load import load

    snapshot = load(path)
    known = snapshot.meta.facts
    biggest = max(snapshot.tallies, key=lambda stack: snapshot.tallies[stack].size)
    tally = snapshot.tallies[biggest]
    truth = BLOCKS * SIZE
    wanted = {
        f"another engine: {snapshot.meta.engine}": snapshot.meta.engine == engine,
        "tasks wait for a snapshot": known["forked"] and known["exact"],
        "no word of who keeps what": (known.get("heap") or {}).get("whole") is True,
        "the leak's line is not first": Path(biggest[-1].file).name == "shop.py",
        "its bytes are wrong": abs(tally.size - truth)
        < (0.4 if engine == "sampled" else 0.02) * truth,
    }
    return [what for what, there in wanted.items() if not there]


def cell(pool: str, engine: str, folder: Path) -> list[str] | None:
    """What does not work there: nothing, it is hoped. None: the pool cannot be had on this Python."""
    if importlib.util.find_spec(pool if pool in ("gevent", "eventlet") else "celery") is None:
        return None
    from tests.live import harness

    with harness.worker(
        folder, *POOLS[pool],
        LEAKHUNT_ENGINE=engine, LEAKHUNT_START="boot", LEAKHUNT_INTERVAL="4KiB", LEAKHUNT_WALK="full",
    ) as worker:  # fmt: skip
        record = worker.hooked("child" if pool in ("prefork", "spawn") else "worker")[0]
        for _ in range(BLOCKS):
            worker.do("leak", SIZE)
        napping = worker.send("nap", 0.5)
        worker.noted("nap")
        path, _ = worker.dump(record)
        assert napping.get(timeout=harness.PATIENCE) == 0.5
        return lacks(path, engine)


def run() -> dict[str, Any]:
    """All cells of this Python, or why there can be no hook."""
    why = interpreter.unfit()
    if why is not None:
        return {"python": version(), "refused": why}
    cells: dict[str, list[str] | None] = {}
    for pool in POOLS:
        for engine in ENGINES:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    cells[f"{pool} {engine}"] = cell(pool, engine, Path(folder))
                except AssertionError as error:
                    cells[f"{pool} {engine}"] = [f"fails: {str(error).splitlines()[0]}"]
            print(f"{version()} {pool} {engine}: {cells[f'{pool} {engine}']}", flush=True)
    return {"python": version(), "cells": cells}


def order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """CPython by version, each free-threaded build behind its own, then the others."""
    *kind, number = row["python"].split()
    return (
        kind,
        [int(part) for part in number.rstrip("t").split(".")[:2]],
        number.endswith("t"),
        number,
    )


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """In Markdown: a line a Python, a column a pool; in a cell the engines with which all works."""
    notes: list[str] = []

    def note(text: str) -> str:
        if text not in notes:
            notes.append(text)
        return f"[{notes.index(text) + 1}]"

    lines = [f"| Python | {' | '.join(POOLS)} |", "|---" * (len(POOLS) + 1) + "|"]
    for row in sorted(rows, key=order):
        said = []
        for pool in POOLS:
            if "refused" in row:
                said.append(f"no {note('refused: ' + row['refused'])}")
                continue
            found = {engine: row["cells"][f"{pool} {engine}"] for engine in ENGINES}
            whole = [engine for engine, missing in found.items() if missing == []]
            marks = [
                note(f"{engine}: {'; '.join(missing)}") for engine, missing in found.items() if missing
            ]  # fmt: skip
            name = "both" if len(whole) == len(ENGINES) else " ".join(whole)
            absent = "absent" if all(missing is None for missing in found.values()) else "no"
            said.append(" ".join([name or absent, *marks]))
        lines.append(f"| {row['python']} | {' | '.join(said)} |")
    return "\n".join([*lines, *(f"\n[{n}] {text}" for n, text in enumerate(notes, 1))]) + "\n"


def kept() -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(KEPT.glob("*.json"))]


def main(what: str) -> int:
    if what == "run":
        row = run()
        KEPT.mkdir(exist_ok=True)
        name = row["python"].lower().replace(" ", "-")
        (KEPT / f"{name}.json").write_text(json.dumps(row, indent=1) + "\n")
        return int(any(row.get("cells", {}).values()))
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    readme.write_text(before + BEGIN + "\n" + table(kept()) + "\n" + END + rest.partition(END)[2])
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
