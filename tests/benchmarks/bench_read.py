"""How fast two snapshots are compared, against the standard library and against unpickling.

    python tests/benchmarks/bench_read.py [blocks ...]     # 1000000 5000000

For each number of blocks and of distinct stacks (3,000 and 100,000, ten frames
each, up to 40 block sizes), two plain dumps and the same in leakhunt's own format.
Every row is a fresh process, best of ROUNDS, the rows in turn:

    library    tracemalloc: Snapshot.load twice and compare_to("traceback")
    floor      pickle.load twice, collection off, and nothing else
    leakhunt   load_all and grouping.diff by traceback
    command    the whole `leakhunt diff -g traceback`, start-up included
    without C  the same where the optional C part was not compiled
    own files  the same command on leakhunt's own files
    by line    the same without -g traceback
    start-up   `leakhunt --help`

Peak memory is the resident size of the largest single process. In the end, how long
`leakhunt --version` takes, against a bare `import click`, best of 20.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 3
STACKS = (3_000, 100_000)

MAKE = r"""
import random, sys, tracemalloc
from collections import Counter
blocks, stacks, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
dice = random.Random(1)
files = [f"/srv/shop/part{n % 40}/module_{n}.py" for n in range(400)]
places = [(dice.choice(files), dice.randrange(1, 900)) for _ in range(max(2000, stacks // 10))]

def stack():  # as tracemalloc does: file names are shared, frames are not
    return tuple((lambda place: (place[0], place[1] + 0))(dice.choice(places)) for _ in range(10))

known = [tuple(tuple([*frame]) for frame in stack()) for _ in range(stacks)]
for name in ("before", "after"):
    traces = [
        (0, 8 * int(dice.random() ** 3 * 40) + 16, known[n if n < stacks else int(dice.random() ** 2 * stacks)], 10)
        for n in range(blocks)
    ]
    tracemalloc.Snapshot(traces, 10).dump(f"{folder}/{name}.bin")
    from leakhunt.snapfile.write import write
    from pathlib import Path
    runs = Counter(zip((t[0] for t in traces), (t[1] for t in traces), map(id, (t[2] for t in traces))))
    by_id = {id(frames): frames for frames in known}
    own = Path(folder, f"own-{name}.bin")
    write(own, (((d, s, by_id[i], 10), n) for (d, s, i), n in runs.items()), 10, {"schema": 1})
"""

TIMED = r"""
import json, resource, sys, time
began = time.perf_counter()
{body}
took = time.perf_counter() - began
rss = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps([took, rss * 1024]))
"""

WITHOUT_C = """
from leakhunt.snapfile import native
native.native = None
from leakhunt.cli import main
main()
"""

BODIES = {
    "library": """
import tracemalloc
before, after = map(tracemalloc.Snapshot.load, sys.argv[1:3])
after.compare_to(before, "traceback")
""",
    "floor": """
import gc, pickle
gc.disable()
for path in sys.argv[1:3]:
    with open(path, "rb") as file:
        pickle.load(file)
""",
    "leakhunt": """
from leakhunt.sites import rows as grouping
from leakhunt.snapshots import load
from leakhunt.model.query import Query
before, after = load.load_all(sys.argv[1:3])
grouping.diff(before, after, Query(group_by="traceback"))
""",
    "command": """
import subprocess
subprocess.run([sys.executable, "-m", "leakhunt", "diff", *sys.argv[1:3], "-g", "traceback"],
               check=True, stdout=subprocess.DEVNULL)
""",
}
BODIES["without C"] = BODIES["command"].replace('"-m", "leakhunt"', '"-c", WITHOUT_C')
BODIES["own files"] = BODIES["command"]
BODIES["by line"] = BODIES["command"].replace(', "-g", "traceback"', "")
BODIES["start-up"] = """
import subprocess
subprocess.run([sys.executable, "-m", "leakhunt", "--help"], check=True, stdout=subprocess.DEVNULL)
"""


def measured(kind: str, folder: Path) -> tuple[float, int]:
    """Seconds and bytes of one fresh process."""
    prefix = "own-" if kind in ("own files", "by line") else ""
    paths = [str(folder / f"{prefix}{name}.bin") for name in ("before", "after")]
    program = TIMED.replace("{body}", BODIES[kind]).replace("WITHOUT_C", repr(WITHOUT_C))
    said = subprocess.check_output([sys.executable, "-c", program, *paths])
    seconds, rss = json.loads(said)
    return seconds, rss


def start_up() -> None:
    """How long the console takes to say its version, against what it stands on."""
    best: dict[str, float] = {}
    programs = {
        "python -c pass": ["-c", "pass"],
        "import click": ["-c", "import click"],
        "leakhunt --version": ["-c", "from leakhunt.cli import main; main()", "--version"],
    }
    for _ in range(20):
        for name, words in programs.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
            best[name] = min(best.get(name, 9.0), time.perf_counter() - began)
    print()
    for name, seconds in best.items():
        times = seconds / best["import click"]
        print(f"{name:20}{1000 * seconds:6.1f} ms{times:6.2f} times import click")


def main() -> None:
    wanted = [int(word) for word in sys.argv[1:]] or [1_000_000, 5_000_000]
    for blocks in wanted:
        for stacks in STACKS:
            with tempfile.TemporaryDirectory() as place:
                folder = Path(place)
                subprocess.run(
                    [sys.executable, "-c", MAKE, str(blocks), str(stacks), place], check=True
                )
                sizes = [
                    sum(path.stat().st_size for path in folder.glob(pattern)) >> 20
                    for pattern in ("[ab]*.bin", "own-*.bin")
                ]
                print(
                    f"\n{blocks:,} blocks, {stacks:,} stacks: {sizes[0]} MiB plain, {sizes[1]} MiB own"
                )
                best: dict[str, tuple[float, int]] = {}
                for _ in range(ROUNDS):
                    for kind in BODIES:
                        now = measured(kind, folder)
                        best[kind] = min(best.get(kind, now), now)
                library, floor = best["library"][0], best["floor"][0]
                print(
                    f"{'':12}{'seconds':>9}{'x faster than library':>23}{'x floor':>9}{'peak MiB':>10}"
                )
                for kind, (seconds, rss) in best.items():
                    print(
                        f"{kind:12}{seconds:9.2f}{library / seconds:23.1f}"
                        f"{seconds / floor:9.1f}{rss >> 20:10}"
                    )
    start_up()


if __name__ == "__main__":
    main()
