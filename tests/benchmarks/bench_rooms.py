"""How often control changes rooms: from a module of leakhunt into another, for one answer and for one capture.

    python tests/benchmarks/bench_rooms.py [--edges] [--sampled]

Counts calls, by ``sys.setprofile``: those into a function of leakhunt whose nearest caller that is leakhunt's stands
in another module, and the pairs of modules between which they go (``--edges`` prints each). What is counted:

* ``trend`` and ``top`` of the six snapshots in ``fixtures/series``, from the files to the printed page;
* ``leakhunt.dump()`` in a program of three lines, in the process itself, which stands still meanwhile, and in the
  child that it forks, apart.

Each is done once before, so that nothing is imported any more. Hashes are not random, and the engine is the exact one:
two runs count the same, but for a capture's last few, where the child's signal may come before its end is waited for,
and where a block more or less is alive. With ``--sampled`` the capture is the default engine's, whose samples are random.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT)]

import leakhunt  # noqa: E402 - after the path
from leakhunt.cli import group  # noqa: E402
from leakhunt.hook.capture import capture as capturing  # noqa: E402

SERIES = sorted(map(str, (ROOT / "fixtures" / "series").glob("*.bin")))
Edges = Counter[tuple[str, str]]


def room(frame: FrameType | None) -> str | None:
    """The module of a frame, where it is leakhunt's own."""
    name = "" if frame is None else frame.f_globals.get("__name__", "")
    return name if name.partition(".")[0] == "leakhunt" else None


class Watch:
    """Counts changes of room while it is the profiler."""

    def __init__(self) -> None:
        self.edges: Edges = Counter()

    def __call__(self, frame: FrameType, event: str, arg: Any) -> None:
        if event != "call" or (here := room(frame)) is None:
            return
        caller = frame.f_back
        while caller is not None and room(caller) is None:
            caller = caller.f_back
        there = room(caller)
        if there is not None and there != here:
            self.edges[there, here] += 1


def counted(work: Callable[[], object]) -> Edges:
    """Of the second time: the first one imports."""
    work()
    watch = Watch()
    sys.setprofile(watch)
    try:
        work()
    finally:
        sys.setprofile(None)
    return watch.edges


def command(*words: str) -> Edges:
    def work() -> None:
        with redirect_stdout(io.StringIO()):
            group.main([*words], standalone_mode=False)

    return counted(work)


def told_by_children(file: Path) -> None:
    """Let each forked child count for itself, from its first line to what it tells its parent."""
    run, tell = capturing._child, capturing.tell
    watch = Watch()

    def child(*words: Any) -> None:
        sys.setprofile(watch)
        run(*words)

    def told(*words: Any) -> None:
        tell(*words)
        sys.setprofile(None)
        edges = [[*edge, number] for edge, number in sorted(watch.edges.items())]
        file.write_text(json.dumps(edges))

    vars(capturing).update(_child=child, tell=told)


def capture(folder: Path, engine: str) -> tuple[Edges, Edges]:
    """In the process, and in the child."""
    leakhunt.install(dir=str(folder), light="off", engine=engine, start="boot")
    kept = [bytes(64) * number for number in range(1000)]
    told = folder / "child.json"
    told_by_children(told)
    here = counted(leakhunt.dump)
    assert len(kept) == 1000
    there = {(first, second): number for first, second, number in json.loads(told.read_text())}
    return here, Counter(there)


def main() -> None:
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(
            sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"}
        )
    rows = [
        (f"trend, {len(SERIES)} snapshots", command("trend", *SERIES)),
        ("top, 1 snapshot", command("top", SERIES[-1])),
    ]
    engine = "sampled" if "--sampled" in sys.argv else "exact"
    with tempfile.TemporaryDirectory() as folder:
        here, there = capture(Path(folder), engine)
    rows += [("a capture, in the process", here), ("a capture, in its child", there)]
    print("| what | changes of room | distinct edges | modules |\n|---|---|---|---|")
    for what, edges in rows:
        modules = {module for edge in edges for module in edge}
        print(f"| {what} | {sum(edges.values()):,} | {len(edges)} | {len(modules)} |")
        if "--edges" in sys.argv:
            for (first, second), number in edges.most_common():
                print(f"    {number:6,}  {first} > {second}")


if __name__ == "__main__":
    main()
