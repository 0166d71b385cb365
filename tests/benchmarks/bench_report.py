"""Sizes and times of the page and of every export, on snapshots of a known size.

    python tests/benchmarks/bench_report.py [STACKS [SNAPSHOTS]]

Makes a series of snapshots with that many distinct stacks (3,000) and snapshots (8), then runs each command as a
user does, start-up included: seconds of CPU of the process and its children, which a busy machine disturbs least, the
median of three runs after one that warms up. A second series has the shapes that programs have (what stands still,
caches, steps, teeth, noise), where no two stacks grow alike. Then one program with as many stacks runs twice, with
leakhunt in it and under memray, where that is installed: the page of the one beside the pages of the other.
"""

from __future__ import annotations

import importlib.util
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT)]

from leakhunt.render.export.formats import BY_NAME  # noqa: E402 - after the path
from leakhunt.snapfile.write import Run, write  # noqa: E402
from tests.support.builders import FACTS  # noqa: E402

RUNS = 3
LEAKHUNT = [sys.executable, "-m", "leakhunt"]
MEMRAY = [sys.executable, "-m", "memray"]
#: Installed packages are compiled once, not at every start.
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
}

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


#: Blocks of a stack at a snapshot: of a number that stands for the stack, the snapshot, and those before.
Course = Callable[[int, int, list[int]], int]


def alike(number: int, index: int, before: list[int]) -> int:
    """Every stack grows a little; one in a hundred much."""
    return 10 + index * (50 if number % 100 == 0 else 1)


def mixed(number: int, index: int, before: list[int]) -> int:
    """Half of the stacks stand still or nearly so; the others are caches, leaks, steps, teeth and walks."""
    noise = random.Random(number * 1000 + index).randint
    courses: tuple[Callable[[], int], ...] = (
        *([lambda: 10] * 3),
        *([lambda: noise(1, 60)] * 2),
        lambda: max(1, (before[-1] if before else 10) + noise(-20, 30)),
        lambda: 10 + min(index, 3) * 30,
        lambda: int(10 + 200 * (1 - math.exp(-index / 3))) + noise(0, 9),
        lambda: 10 + 100 * (index > number % 7 + 1),
        lambda: (
            10 + index * noise(40, 60)
            if number % 20
            else 10 + index * (number % 5 + 1) * 7 % 23 * 8
        ),
    )
    return courses[number % 10]()


def series(folder: Path, stacks: int, snapshots: int, course: Course = alike) -> None:
    """So many snapshots of so many stacks, each of which takes that course."""
    before: list[list[int]] = [[] for _ in range(stacks)]
    for index in range(1, snapshots + 1):
        runs: list[Run] = []
        for number in range(stacks):
            frames = tuple(
                (f"/srv/shop/module_{(number * 31 + depth * 7) % 400}.py", number % 900 + depth)
                for depth in range(12)
            )
            count = course(number, index, before[number])
            before[number].append(count)
            runs.append(((0, 64 + number % 512, frames, 12), count))
        facts = {**FACTS, "tasks_done": 200 * index, "sequence": index, "taken_at": FACTS["started_at"] + 60.0 * index,
                 "rss": (100 << 20) + index * (1 << 20)}  # fmt: skip
        write(folder / f"{index:06d}.bin", runs, 12, facts)


def timed(command: list[str]) -> float:
    """Median seconds of CPU of a whole process, its children and start-up included."""
    spent = []
    for _ in range(RUNS + 1):
        began = os.times()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=ENVIRONMENT)
        ended = os.times()
        spent.append(
            ended.children_user
            + ended.children_system
            - began.children_user
            - began.children_system
        )
    return statistics.median(spent[1:])


def told(name: str, seconds: float | None, *paths: Path) -> None:
    spent = f"{seconds:8.2f} s" if seconds is not None else " " * 10
    size = sum(path.stat().st_size for path in paths)
    print(f"{name:24}{spent}{size / 1024:12,.0f} KiB", flush=True)


def main() -> None:
    stacks = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    snapshots = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        made(out, stacks, snapshots)
        beside(out, stacks, snapshots)


def made(out: Path, stacks: int, snapshots: int) -> None:
    """The page and every export of a series of that size."""
    print(f"{snapshots} snapshots of {stacks:,} stacks")
    for course in (mixed, alike):
        folder = out / course.__name__
        folder.mkdir()
        series(folder, stacks, snapshots, course)
        report(folder, out / "report.html", f"report, {course.__name__}")
    for form in BY_NAME.values():
        path = out / f"out{form.ending}"
        command = [*LEAKHUNT, "export", str(folder), "--format", form.name, "-o", str(path), "--force"]  # fmt: skip
        try:
            told(f"export {form.name}", timed(command), path)
        except subprocess.CalledProcessError as error:
            print(f"export {form.name}: {error.stderr.decode().splitlines()[-1]}")


def beside(out: Path, stacks: int, snapshots: int) -> None:
    """One program, once with snapshots of leakhunt's and once under memray: the pages of both."""
    if importlib.util.find_spec("memray") is None:
        print("memray is not installed: pip install memray")
        return
    program, words = out / "program.py", [str(stacks), str(snapshots)]
    program.write_text(PROGRAM)
    print(f"one program, {stacks:,} stacks, {snapshots} steps")
    snaps, recording = out / "snapshots", out / "run.memray"
    subprocess.run([sys.executable, str(program), *words, str(snaps)], cwd=ROOT, check=True)
    files = [path for path in snaps.rglob("*.bin") if not path.is_symlink()]
    told("its snapshots", None, *files)
    report(snaps, out / "report.html", "leakhunt report")
    recorded = [*MEMRAY, "run", "-f", "-q", "--trace-python-allocators", "-o", str(recording), str(program), *words]  # fmt: skip
    subprocess.run(recorded, check=True)
    told("its memray recording", None, recording)
    for kind in ("flamegraph", "table"):
        for leaks in ((), ("--leaks",)):
            drawn = out / f"memray-{kind}.html"
            command = [*MEMRAY, kind, *leaks, "-f", "-o", str(drawn), str(recording)]
            told(" ".join(("memray", kind, *leaks)), timed(command), drawn)


def report(series: Path, page: Path, name: str) -> None:
    told(name, timed([*LEAKHUNT, "report", str(series), "-o", str(page), "--force"]), page)


if __name__ == "__main__":
    main()
