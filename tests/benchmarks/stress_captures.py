"""Captures by the thousand beside libraries that are known to mind a fork: none may hang, lose or leave anything.

    python tests/benchmarks/stress_captures.py 1000                    # each companion that is there
    python tests/benchmarks/stress_captures.py 500 blas gevent asan    # these
    LEAKHUNT_ENGINE=exact python tests/benchmarks/stress_captures.py 500 plain
    python tests/benchmarks/stress_captures.py 1000 --within 1800      # so many seconds at most, shared among them
    LEAKHUNT_WALK=off LEAKHUNT_LIGHT=off python tests/benchmarks/stress_captures.py 1000 --idle 0.1    # cheap: forks alone

Each companion is a program of its own, hooked, with its library busy in several threads (greenlets, tasks): after each
capture all of them must come on. A third of the captures is asked for by ``leakhunt.dump()`` in the main thread, a third by
the signal, a third by ``dump()`` in another thread. Told of each, as a line of JSON:

``captures`` asked for · ``written`` · ``refused`` {the reason: how many} · ``late`` (walks that were ended, and why) ·
``rounds`` that the companion made meanwhile, and how many came out ``wrong`` · ``forks`` of the program's own and ``lost`` ones ·
``tasks`` sent and ``done`` · ``zombies`` and ``children`` at its end · ``threads`` and ``descriptors`` after the first captures and at
its end · ``pause`` that the process stood still (median, 99 of 100, most; ms) ·
``hung`` (nothing came on for two minutes: the program is ended)

Then a table of them all. Ends with status 1 where anything hung, was lost, came out wrong or was left. ``celery`` is a prefork worker with a filesystem broker: the tasks that
were sent must all come back, whatever number of snapshots is taken meanwhile.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import glob
import json
import os
import queue
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

#: Nothing has come on for so long: seconds, more where others use the CPUs.
HUNG = 120.0 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


# -- the companions: each starts its work and returns at once -----------------------------------------


#: A process has so many threads and descriptors more at its end than after its first captures before they count as left:
#: pools of libraries come and go.
MORE = 12
#: Seconds, at most, that a companion rests after a round: a capture meets it in work and between, and gets CPU time.
IDLE = 0.01
#: Settings that a program's hook gets from the environment of this one.
HANDED_ON = ("LEAKHUNT_ENGINE", "LEAKHUNT_WALK", "LEAKHUNT_LIGHT")


def beside(counts: Any, work: Callable[[], Any], name: str, threads: int = 2) -> None:
    """``work`` over and over in threads, each of which counts its rounds, and those with another result than the first."""

    def run(at: int) -> None:
        first = work()
        while True:
            if work() != first:
                counts["wrong"] += 1
            counts[f"{name} {at}"] += 1
            time.sleep(random.uniform(0.0, IDLE))

    for at in range(threads):
        threading.Thread(target=run, args=(at,), daemon=True).start()


def memory(counts: Any) -> None:
    """Allocations of all kinds, with the GIL and (zlib) without."""
    import zlib

    noise = random.Random(1).randbytes(200_000)
    kept: collections.deque[Any] = collections.deque(maxlen=400)
    beside(counts, lambda: kept.append([str(n) * 3 for n in range(300)]), "objects")
    beside(counts, lambda: zlib.decompress(zlib.compress(noise, 1)) == noise, "zlib")


def blas(counts: Any) -> None:
    import numpy

    square = numpy.random.default_rng(1).random((300, 300))
    right = square @ square
    beside(counts, lambda: numpy.allclose(square @ square, right), "product")


def grpc(counts: Any) -> None:
    """A server and its clients, both here: grpc has threads and fork handlers of its own."""
    from concurrent.futures import ThreadPoolExecutor

    import grpc  # type: ignore[import-untyped,unused-ignore]

    handler = grpc.method_handlers_generic_handler(
        "stress", {"Echo": grpc.unary_unary_rpc_method_handler(lambda request, context: request)}
    )
    server = grpc.server(ThreadPoolExecutor(4), handlers=(handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    echo = grpc.insecure_channel(f"127.0.0.1:{port}").unary_unary("/stress/Echo")
    threading.current_thread().server = server  # type: ignore[attr-defined]
    beside(counts, lambda: echo(b"x" * 1000), "call")


def forks(counts: Any) -> None:
    """Threads that fork while the main thread captures; their children log, allocate and end."""
    import logging

    def fork() -> None:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                logging.getLogger("stress.child").debug("x")
                kept = [str(n) * 3 for n in range(300)]
                status = 0 if len(kept) == 300 else 2
            finally:
                os._exit(status)
        counts["forks"] += 1
        if os.waitpid(pid, 0)[1] != 0:
            counts["lost"] += 1

    memory(counts)
    beside(counts, fork, "fork")


def programs(counts: Any) -> None:
    """Threads that start programs (vfork, posix_spawn)."""
    beside(
        counts,
        lambda: subprocess.run(["/bin/echo", "x"], check=True, capture_output=True).stdout,
        "program",
    )


def uvloop(counts: Any) -> None:
    """An event loop in a thread, with timers, a server and clients of its own, and an executor."""
    import asyncio

    import uvloop

    async def answer(reader: Any, writer: Any) -> None:
        while line := await reader.readline():
            writer.write(line)

    async def client(port: int, at: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            writer.write(b"x" * 500 + b"\n")
            counts["wrong"] += await reader.readline() != b"x" * 500 + b"\n"
            await asyncio.get_running_loop().run_in_executor(None, bytes, 1000)
            await asyncio.sleep(random.uniform(0.0, IDLE))
            counts[f"answer {at}"] += 1

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        await asyncio.gather(*(client(port, at) for at in range(3)))

    def run() -> None:
        loop = uvloop.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(main())

    threading.Thread(target=run, daemon=True).start()


def greenlets(counts: Any) -> None:
    import gevent
    from gevent import pool, subprocess

    def run(at: int) -> None:
        while True:
            [str(n) * 3 for n in range(100)]
            counts[f"greenlet {at}"] += 1
            gevent.sleep(random.uniform(0.0, IDLE))

    def start() -> None:
        while True:
            subprocess.run(["/bin/true"], check=True)
            counts["program"] += 1
            gevent.sleep(0.05)

    group = pool.Group()
    for at in range(3):
        group.spawn(run, at)
    group.spawn(start)
    threading.current_thread().group = group  # type: ignore[attr-defined]


def _library(*names: str) -> str | None:
    for name in names:
        found = sorted(glob.glob(f"/usr/lib/*/{name}") + glob.glob(f"/usr/lib/{name}"))
        if found:
            return found[0]
    return None


def _sanitizer() -> str | None:
    compiler = shutil.which("gcc")
    if compiler is None:
        return None
    told = subprocess.run([compiler, "-print-file-name=libasan.so"], capture_output=True, text=True)
    path = told.stdout.strip()
    return path if path.startswith("/") else None


#: What each companion does, and the variables of its environment.
COMPANIONS: dict[str, tuple[Callable[[Any], None], dict[str, str | None]]] = {
    "plain": (memory, {}),
    "blas": (blas, {"OPENBLAS_NUM_THREADS": "4"}),
    "grpc": (grpc, {"GRPC_VERBOSITY": "NONE"}),
    "jemalloc": (memory, {"LD_PRELOAD": _library("libjemalloc.so.2")}),
    "tcmalloc": (memory, {"LD_PRELOAD": _library("libtcmalloc_minimal.so.4")}),
    "gevent": (greenlets, {}),
    "uvloop": (uvloop, {}),
    "forks": (forks, {}),
    "programs": (programs, {}),
    "asan": (memory, {"LD_PRELOAD": _sanitizer(), "ASAN_OPTIONS": "detect_leaks=0"}),
}


#: Threads and descriptors are counted after so many captures, and at the end.
SETTLED = 20


def threads_and_descriptors(pid: int | str = "self") -> tuple[int, int]:
    return len(os.listdir(f"/proc/{pid}/task")), len(os.listdir(f"/proc/{pid}/fd"))


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _is_copy(child: psutil.Process) -> bool:
    """Whether a child is a copy of this program; a program of the companion's may end any moment."""
    try:
        return "stress_captures" in " ".join(child.cmdline())
    except psutil.Error:
        return False


# -- one program --------------------------------------------------------------------------------------


def program(name: str, captures: int, seconds: float) -> None:
    """In the companion's process; a line for each capture, and one with all figures. After so many seconds it
    takes no more.
    """
    until = time.monotonic() + seconds
    if name == "gevent":
        from gevent import monkey

        monkey.patch_all()
    import leakhunt
    from leakhunt.errors import CaptureError
    from leakhunt.hook import current
    from leakhunt.snapfile.read import quick_facts

    leakhunt.install(start="boot", keep=4)
    counts: Any = collections.Counter()
    COMPANIONS[name][0](counts)
    hook = current.hook()
    assert hook is not None
    refused: Any = collections.Counter()
    late: Any = collections.Counter()
    pauses: list[float] = []
    written = 0

    def by_signal() -> str:
        before = hook.answers.captures
        os.kill(os.getpid(), signal.SIGUSR1)
        while hook.answers.captures == before:
            time.sleep(0.002)
        assert hook.answers.last is not None
        if hook.answers.last.path is None:
            raise CaptureError(hook.answers.last.problem or "?")
        return hook.answers.last.path

    def by_thread() -> str:
        answers: queue.Queue[Any] = queue.Queue()

        def ask() -> None:
            try:
                answers.put(leakhunt.dump())
            except CaptureError as error:
                answers.put(error)

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        answer = answers.get()
        if isinstance(answer, CaptureError):
            raise answer
        return str(answer)

    ways = (leakhunt.dump, by_signal, by_thread)
    while not counts:
        time.sleep(0.01)
    number = 0
    held: list[tuple[int, int]] = []
    while number < captures and time.monotonic() < until:
        if number == SETTLED:
            held.append(threads_and_descriptors())
        before = dict(counts)
        try:
            path = ways[number % len(ways)]()
            written += 1
            with contextlib.suppress(Exception):  # pruned by now
                facts = quick_facts(path)
                pauses.append(facts["pause"])
                late.update(f"{walk}: {why}" for walk, why in (facts.get("walks") or {}).items())
        except CaptureError as error:
            refused[str(error)[:200]] += 1
        while any(counts[each] == then for each, then in before.items() if " " in each):
            time.sleep(0.001)  # the runner ends what hangs
        number += 1
        print(number, flush=True)
    # The companion's own programs come and go: a zombie is one that stays.
    own = {child.pid for child in psutil.Process().children() if _is_zombie(child)}
    time.sleep(1.0)
    left = [child for child in psutil.Process().children() if _is_zombie(child)]
    held.append(threads_and_descriptors())
    pauses.sort()
    print(
        json.dumps(
            {
                "companion": name, "engine": hook.tracing.engine.name, "captures": number, "written": written, "refused": refused,
                "late": late, "rounds": sum(n for each, n in counts.items() if " " in each),
                "wrong": counts["wrong"], "forks": counts["forks"], "lost": counts["lost"],
                "threads": [each[0] for each in held], "descriptors": [each[1] for each in held],
                "zombies": sum(child.pid in own for child in left),
                "children": sum(map(_is_copy, psutil.Process().children())) if name != "forks" else 0,
                "pause": [round(1000 * each, 1) for each in
                          (statistics.median(pauses), pauses[len(pauses) * 99 // 100], pauses[-1])]
                if pauses else None,
            }
        ),
        flush=True,
    )  # fmt: skip
    os._exit(0)  # daemon threads in the middle of anything


def handed_on() -> dict[str, str]:
    return {key: os.environ[key] for key in HANDED_ON if key in os.environ}


def run(name: str, captures: int, seconds: float) -> dict[str, Any]:
    """A companion's figures, or that it hung or ended."""
    variables = COMPANIONS[name][1]
    if None in variables.values():
        return {"companion": name, "skipped": "its library is not here"}
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("LEAKHUNT_")},
            **handed_on(),
            **{key: str(value) for key, value in variables.items()},
            "LEAKHUNT_DIR": f"{folder}/snapshots",
            "PYTHONPATH": str(ROOT),
        }
        errors = Path(folder, "errors")
        with errors.open("wb") as file:
            child = subprocess.Popen(
                [sys.executable, "-W", "ignore", __file__, "--idle", str(IDLE), "--program", name, str(captures), str(seconds)],
                env=environment, stdout=subprocess.PIPE, stderr=file, text=True,
            )  # fmt: skip
        assert child.stdout is not None
        lines: queue.Queue[str] = queue.Queue()
        stream = child.stdout

        def read() -> None:
            for line in stream:
                lines.put(line)
            lines.put("")

        reader = threading.Thread(target=read)
        reader.start()
        last = ""
        try:
            while line := lines.get(timeout=HUNG):
                last = line
        except queue.Empty:
            return {"companion": name, "hung": f"after {last.strip() or 'no'} captures"}
        finally:
            child.kill()
            child.wait()
            reader.join()
        if not last.startswith("{"):
            said = errors.read_text(errors="replace")[-1500:]
            missing = "No module named" in said and last == ""
            return {"companion": name, "skipped" if missing else "ended": said or child.returncode}
        found: dict[str, Any] = json.loads(last)
        return found


# -- a worker -----------------------------------------------------------------------------------------


def worker(captures: int, seconds: float) -> dict[str, Any]:
    """A prefork worker whose children are asked for snapshots by the signal while they work."""
    from leakhunt.live import processes
    from tests.live import harness

    with (
        tempfile.TemporaryDirectory() as folder,
        harness.worker(Path(folder), "-c", "2", LEAKHUNT_KEEP="4", **handed_on()) as started,
    ):
        children = [each["pid"] for each in started.hooked("child")]
        sent: list[tuple[Any, int]] = []
        held = {pid: [threads_and_descriptors(pid)] for pid in children}
        moved = time.monotonic()
        until = moved + seconds
        taken = before = 0
        while taken < captures and time.monotonic() - moved < HUNG and time.monotonic() < until:
            for pid in children:
                os.kill(pid, signal.SIGUSR1)
            sizes = [random.randrange(100) for _ in range(4)]
            sent += [(started.send("leak", size), size) for size in sizes]
            while time.monotonic() - moved < HUNG:
                records = [
                    each.record for each in processes.hooked(started.dir) if each.pid in children
                ]
                taken = sum(each["captures"] for each in records)
                if taken > before:
                    before, moved = taken, time.monotonic()
                    break
                time.sleep(0.01)
        done = wrong = 0
        for answer, size in sent:
            with contextlib.suppress(Exception):
                wrong += answer.get(timeout=HUNG) != size
                done += 1
        files = len(list(started.dir.glob("*/*.bin")))
        for pid in children:
            held[pid].append(threads_and_descriptors(pid))
        zombies = sum(
            child.status() == "zombie"
            for pid in children
            for child in psutil.Process(pid).children()
        )
        return {
            "companion": "celery", "captures": taken, "tasks": len(sent), "done": done,
            "lost": len(sent) - done, "wrong": wrong, "files": files, "workers": len(children), "zombies": zombies,
            "threads": [max(each[at][0] for each in held.values()) for at in (0, 1)],
            "descriptors": [max(each[at][1] for each in held.values()) for at in (0, 1)],
            **({"hung": f"after {taken} captures"} if time.monotonic() - moved >= HUNG else {}),
        }  # fmt: skip


COLUMNS = (
    "captures", "written", "hung", "ended", "refused", "lost", "wrong", "zombies", "threads", "descriptors"
)  # fmt: skip


def is_bad(found: dict[str, Any]) -> bool:
    grown = any(
        len(each) == 2 and each[1] > each[0] + MORE
        for each in (found.get("threads", ()), found.get("descriptors", ()))
    )
    return grown or any(
        found.get(each)
        for each in ("hung", "ended", "lost", "wrong", "zombies", "children", "refused")
    )


def table(every: list[dict[str, Any]]) -> str:
    lines = [" ".join([f"{'companion':10}", *(f"{column:>12}" for column in COLUMNS)])]
    for found in every:
        cells = []
        for column in COLUMNS:
            value = found.get(column, "-")
            if isinstance(value, dict):
                value = sum(value.values())
            if isinstance(value, list):
                value = " > ".join(map(str, value))
            cells.append(f"{str(value).splitlines()[-1] if value != '' else '':>12.12}")
        lines.append(" ".join([f"{found['companion']:10}", *cells]))
    total = sum(found.get("captures", 0) for found in every)
    return "\n".join([*lines, f"{'all':10} {total:>12}"])


def main(words: list[str]) -> int:
    within = 86400.0
    if "--within" in words:
        at = words.index("--within")
        within = float(words[at + 1])
        del words[at : at + 2]
    captures = int(words[0]) if words else 300
    names = words[1:] or [*COMPANIONS, "celery"]
    began = time.monotonic()
    every = []
    for at, name in enumerate(names):
        seconds = (within - (time.monotonic() - began)) / (len(names) - at)
        of = worker if name == "celery" else functools.partial(run, name)
        found = of(captures, seconds)
        print(json.dumps(found), flush=True)
        every.append(found)
    print(table(every))
    return int(any(map(is_bad, every)))


if __name__ == "__main__":
    if "--idle" in sys.argv:
        given = sys.argv.index("--idle")
        IDLE = float(sys.argv[given + 1])
        del sys.argv[given : given + 2]
    if sys.argv[1:2] == ["--program"]:
        program(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
    sys.exit(main(sys.argv[1:]))
