"""Everything that could upset the sampled engine, at once and at random, for as long as you like.

    python tests/benchmarks/stress_sampled.py [seconds] [seed]

Threads (with and without the GIL), forks, programs that are started, generators, deep
recursion, signals, realloc storms, code that is made and forgotten, greenlets, weak references,
exceptions, tracemalloc above and below and stopped in either order, the engine stopped and
started with all kinds of settings; and interpreters that end in the middle of it. Meant to run
under AddressSanitizer or valgrind, with each PYTHONMALLOC, and by itself. Ends with status 0
and a line of figures, or with what is wrong. (The sanitizer's own allocator may hang in a child
that was forked while a thread held its lock: see the child's stack before you blame the engine.)

    gcc -O1 -g -fsanitize=address,undefined -fPIC -shared -I$(python-config --includes) \\
        leakhunt/engine/sampler/_sampler.c leakhunt/engine/sampler/_tables.c -o ... -lm
    LD_PRELOAD=$(gcc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0 python ...
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
import weakref
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from leakhunt.engine import _sampler  # type: ignore[attr-defined,unused-ignore]
from leakhunt.engine.sampled import Sampled

DRAW = random.Random()
KEPT: list[Any] = []
#: Held by threads that allocate without the GIL: tracemalloc.stop() may crash beside those
#: (python/cpython#128679).
THREADS = 3
STILL = threading.Semaphore(THREADS)
FIGURES = {"turns": 0, "taken": 0, "starts": 0, "forks": 0}


def keep(thing: object) -> None:
    KEPT.append(thing)
    if len(KEPT) > 300:
        del KEPT[DRAW.randrange(300)]


def reallocs() -> None:
    arrays = [bytearray() for _ in range(30)]
    for _ in range(400):
        array = DRAW.choice(arrays)
        if DRAW.random() < 0.7:
            array.extend(b"x" * DRAW.randrange(1, 900))
        else:
            del array[DRAW.randrange(len(array) + 1) :]
    lists: list[list[int]] = [[] for _ in range(20)]
    for n in range(2000):
        one = DRAW.choice(lists)
        one.append(n) if DRAW.random() < 0.6 or not one else one.pop()
    keep((arrays, lists))


def objects() -> None:
    keep([{"n": n, "text": str(n) * 3, "pair": (n, n * 1.1)} for n in range(500)])
    keep(json.loads(json.dumps([{str(k): list(range(k))} for k in range(50)])))


def recursion() -> None:
    def deep(n: int) -> list[bytes]:
        return [bytes(50)] + (deep(n - 1) if n else [])

    deep(DRAW.randrange(700))


def generators() -> None:
    def count(n: int) -> Iterator[str]:
        for each in range(n):
            yield str(each) * 4

    open_ones = [count(100) for _ in range(20)]
    for one in open_ones:
        for _ in range(DRAW.randrange(50)):
            next(one)
    keep(open_ones)

    async def task(n: int) -> bytes:
        await asyncio.sleep(0)
        return bytes(n)

    async def main() -> None:
        await asyncio.gather(*(task(n) for n in range(60)))

    asyncio.run(main())


def made_code() -> None:
    for n in range(60):
        space: dict[str, Any] = {}
        name = f"made {DRAW.randrange(10**6)}"
        source = f"def f{n}():\n    return [bytes(100), {{}}]\nkept = f{n}()"
        exec(compile(source, name, "exec"), space)


def finalizers() -> None:
    class Noisy:
        def __del__(self) -> None:
            self.last = [bytes(70) for _ in range(5)]

    for _ in range(50):
        cycle: list[Any] = [Noisy()]
        cycle.append(cycle)
        keep(weakref.ref(cycle[0], lambda _: bytes(200)))
    if DRAW.random() < 0.2:
        gc.collect()


def errors() -> None:
    for _ in range(100):
        try:
            [][DRAW.randrange(9)]
        except IndexError as error:
            keep(error)


def forks() -> None:
    if tracemalloc.is_tracing():
        return  # its lock may be another thread's just now: CPython's own child hangs then
    FIGURES["forks"] += 1
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            objects()
            reallocs()
            engine = Sampled(4096)
            engine.harvest(engine.read())
            status = 2 if _sampler.problem() else 0
            if DRAW.random() < 0.3:
                os.execv("/bin/true", ["true"])
            if DRAW.random() < 0.3:
                engine.stop()
                objects()
        finally:
            os._exit(status)
    ended = os.waitpid(pid, 0)[1]
    if ended:
        raise SystemExit(f"a forked child ended with {ended}")


def programs() -> None:
    if DRAW.random() < 0.1 and not tracemalloc.is_tracing():
        subprocess.run(["/bin/true"], check=True, preexec_fn=DRAW.choice((None, gc.collect)))


def reading() -> None:
    engine = Sampled(4096)
    if _sampler.is_active():
        engine.harvest(engine.read())
        engine.counters(), engine.facts()


def greenlets() -> None:
    try:
        greenlet: Any = importlib.import_module("greenlet")
    except ImportError:
        return

    def body() -> None:
        for n in range(20):
            keep(bytes(n * 20))
            outside.switch()

    outside = greenlet.getcurrent()
    ones = [greenlet.greenlet(body) for _ in range(10)]
    for _ in range(15):
        for one in ones:
            one.switch()
    keep(ones) if DRAW.random() < 0.5 else None


def tracers() -> None:
    """Start or stop tracemalloc or the engine, in any order."""
    step = DRAW.randrange(4)
    if step == 0 and not tracemalloc.is_tracing():
        tracemalloc.start(DRAW.choice((1, 5)))
    elif step == 1:
        for _ in range(THREADS):
            STILL.acquire()
        tracemalloc.stop()
        STILL.release(THREADS)
    elif step == 2:
        stop()
    else:
        start()


def stop() -> None:
    FIGURES["taken"] += _sampler.stats()["taken"]
    _sampler.stop()


def start() -> None:
    if _sampler.check() is None:
        return
    stop()
    interval = DRAW.choice((None, 200, 1000, 4096, 65536))
    FIGURES["starts"] += 1
    Sampled(interval, DRAW.choice((0.01, 0.5))).start(DRAW.choice((1, 3, 25, 128)))


def check() -> None:
    problem = _sampler.problem()
    reason = _sampler.check()
    known = ("another tool has removed the allocator hooks", "it was not started")
    if problem is not None or reason not in (None, *known):
        raise SystemExit(f"{problem}; {reason}; {_sampler.stats()}")
    if _sampler.stats()["unrouted"]:
        raise SystemExit(f"not routed: {_sampler.stats()}")


STEPS: tuple[Callable[[], None], ...] = (
    reallocs, objects, recursion, generators, made_code, finalizers, errors, forks, programs,
    reading, greenlets, tracers,
)  # fmt: skip


def main(seconds: float, seed: int) -> None:
    DRAW.seed(seed)
    sys.setrecursionlimit(5000)
    over = threading.Event()
    noise = DRAW.randbytes(100_000)

    def beside() -> None:
        while not over.is_set():
            with STILL:
                zlib.decompress(zlib.compress(noise, 1))
                [str(n) * 5 for n in range(300)]
                one = threading.Thread(target=lambda: [bytes(n) for n in range(100)])
                one.start()
                one.join()
            time.sleep(0.002)

    threads = [threading.Thread(target=beside) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    signal.signal(signal.SIGALRM, lambda *_: keep([bytes(n) for n in range(30)]))
    signal.setitimer(signal.ITIMER_REAL, 0.003, 0.003)
    try:
        start()
        end = time.monotonic() + seconds
        while time.monotonic() < end or FIGURES["turns"] < 100:
            DRAW.choice(STEPS)()
            FIGURES["turns"] += 1
            check()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        over.set()
        for thread in threads:
            thread.join()
    stop()
    tracemalloc.stop()
    check()
    print(json.dumps(FIGURES), flush=True)
    # The interpreter ends with the engine on, threads that allocate, and a tracer above or not.
    start()
    if seed % 2:
        tracemalloc.start()

    def for_ever() -> None:
        while True:
            objects()

    for _ in range(3):
        threading.Thread(target=for_ever, daemon=True).start()
    time.sleep(0.02)


if __name__ == "__main__":
    words = sys.argv[1:]
    main(float(words[0]) if words else 10, int(words[1]) if words[1:] else 0)
