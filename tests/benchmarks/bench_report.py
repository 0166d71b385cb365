"""Sizes and times of the page and of every export, on snapshots of a known size.

    python tests/benchmarks/bench_report.py [STACKS [SNAPSHOTS]]

Makes a series of snapshots with that many distinct stacks (3,000) and snapshots (8), then runs each command as a
user does, start-up included: three times, the median. Then one program with as many stacks runs twice, with
leakhunt in it and under memray, where that is installed: the page of the one beside the pages of the other.
"""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from leakhunt.render.export.formats import BY_NAME
from leakhunt.snapfile.write import Run, write
from tests.support.builders import FACTS
from tests.support.places import ROOT

RUNS = 3

#: Memory from as many stacks as it is told, in so many steps; a snapshot after each where a folder is named.
PROGRAM = """
import sys
stacks, steps = int(sys.argv[1]), int(sys.argv[2])
if len(sys.argv) > 3:
    import leakhunt
    leakhunt.install(engine="exact", dir=sys.argv[3], start="boot", keep=0)
kept = []
for step in range(steps):
    for number in range(stacks):
        if not step:
            source = "def a(n):\\n return bytearray(1000 + n)\\ndef b(n):\\n return a(n)\\n"
            space = {}
            exec(compile(source, f"made_{number}.py", "exec"), space)
            kept.append((space["b"], []))
        make, rows = kept[number]
        rows.append(make(number))
    if len(sys.argv) > 3:
        leakhunt.dump()
"""


def series(folder: Path, stacks: int, snapshots: int) -> None:
    """Every stack grows a little; one in a hundred much."""
    for index in range(1, snapshots + 1):
        runs: list[Run] = []
        for number in range(stacks):
            frames = tuple(
                (f"/srv/shop/module_{(number * 31 + depth * 7) % 400}.py", number % 900 + depth)
                for depth in range(12)
            )
            count = 10 + index * (50 if number % 100 == 0 else 1)
            runs.append(((0, 64 + number % 512, frames, 12), count))
        facts = {**FACTS, "tasks_done": 200 * index, "sequence": index, "taken_at": FACTS["started_at"] + 60.0 * index,
                 "rss": (100 << 20) + index * (1 << 20)}  # fmt: skip
        write(folder / f"{index:06d}.bin", runs, 12, facts)


def timed(command: list[str]) -> float:
    """Median seconds of a whole process."""
    spent = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        spent.append(time.perf_counter() - began)
    return statistics.median(spent)


def told(name: str, seconds: float, path: Path) -> None:
    print(f"{name:24}{seconds:8.2f} s{path.stat().st_size / 1024:12,.0f} KiB")


def main() -> None:
    stacks = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    snapshots = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    leakhunt = [sys.executable, "-m", "leakhunt"]
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "series", Path(name)
        folder.mkdir()
        series(folder, stacks, snapshots)
        print(f"{snapshots} snapshots of {stacks:,} stacks")
        page = out / "report.html"
        told("report", timed([*leakhunt, "report", str(folder), "-o", str(page), "--force"]), page)
        for form in BY_NAME.values():
            path = out / f"out{form.ending}"
            command = [*leakhunt, "export", str(folder), "--format", form.name, "-o", str(path), "--force"]  # fmt: skip
            try:
                told(f"export {form.name}", timed(command), path)
            except subprocess.CalledProcessError as error:
                print(f"export {form.name}: {error.stderr.decode().splitlines()[-1]}")
        if importlib.util.find_spec("memray") is None:
            print("memray is not installed")
            return
        program, words = out / "program.py", [str(stacks), str(snapshots)]
        program.write_text(PROGRAM)
        print("the same program")
        snaps = out / "snapshots"
        subprocess.run([sys.executable, str(program), *words, str(snaps)], check=True)
        told(
            "leakhunt report",
            timed([*leakhunt, "report", str(snaps), "-o", str(page), "--force"]),
            page,
        )
        memray, recording = [sys.executable, "-m", "memray"], out / "run.memray"
        subprocess.run(
            [
                *memray,
                "run",
                "-f",
                "-q",
                "--python-allocators",
                "-o",
                str(recording),
                str(program),
                *words,
            ],
            check=True,
        )
        for kind in ("flamegraph", "table"):
            for leaks in ((), ("--leaks",)):
                drawn = out / f"memray-{kind}.html"
                command = [*memray, kind, *leaks, "-f", "-o", str(drawn), str(recording)]
                told(" ".join(("memray", kind, *leaks)), timed(command), drawn)


if __name__ == "__main__":
    main()
