"""How finely the sampled engine's default budget samples a real worker over its life.

    python tests/benchmarks/bench_interval.py [solo|prefork] [minutes of light load]

A worker boots with the engine on, idles, runs 200 tasks that leak 1 KiB each as fast as it can,
5 tasks a second for some minutes, and ten thousand at full speed. A row per moment: CPU time,
the interval then, the credit left, the cost that the engine has measured so far, and the leak by
its estimate and in truth.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.celery_worker import celery_app, worker

#: The engine starts before everything else is imported, as with the hook.
SOURCE = """
from leakhunt.engine.sampled import Sampled
engine = Sampled()
engine.start(25)
from tests.benchmarks.bench_interval import worker_app
app = worker_app(engine)
"""
HEAD = (
    "moment | tasks | CPU | interval | credit | samples live, taken | own cost | leaked | estimate"
)


def worker_app(engine: Any) -> Any:
    from leakhunt.engine import _sampler  # type: ignore[attr-defined,unused-ignore]
    from tests.benchmarks.workloads import mixed

    app = celery_app()
    leaked: list[bytes] = []

    def leak() -> None:
        leaked.append(bytes(991))

    def leaky() -> None:
        mixed()
        leak()

    def note(moment: str) -> str:
        figures = _sampler.stats()
        told = engine.harvest(engine.read())
        runs, names = told.runs, told.functions
        size = sum(t[1] * n for t, n in runs if names.get(t[2][0], "").endswith("leak"))
        sure = sum(
            each.stderr**2
            for each in told.estimates or ()
            if names.get(each.frames[0], "").endswith("leak")
        )
        truth = sum(map(sys.getsizeof, leaked))
        return (
            f"{moment} | {len(leaked)} | {figures['cpu_ns'] / 1e9:.2f} s | "
            f"{figures['interval'] / 1024:.1f} KiB | {figures['credit_ns'] / 1e6:.0f} ms | "
            f"{figures['samples']:,}, {figures['taken']:,} | {figures['overhead']:.1%} | "
            f"{truth / 1024:.0f} KiB | {size / 1024:.0f} ± {sure**0.5 / 1024:.0f} KiB"
        )

    app.task(name="leaky")(leaky)
    app.task(name="note", ignore_result=False)(note)
    return app


def main(pool: str, minutes: float) -> None:
    with worker(pool, SOURCE) as (app, _):

        def note(moment: str) -> None:
            print(f"| {app.send_task('note', (moment,)).get(timeout=300)} |", flush=True)

        def fast(number: int) -> None:
            for _ in range(number):
                app.send_task("leaky")

        print(f"| {HEAD} |\n{'|---' * (HEAD.count('|') + 1)}|")
        note("booted")
        time.sleep(5)
        note("idle for 5 s")
        for number in (10, 40, 150):
            fast(number)
            note("at once")
        for _ in range(int(minutes)):
            end = time.monotonic() + 60
            while time.monotonic() < end:
                fast(1)
                time.sleep(0.2)
            note("5 a second, 1 min")
        for number in (1000, 2000, 7000):
            fast(number)
            note("full load")
        for _ in range(2):
            end = time.monotonic() + 60
            while time.monotonic() < end:
                fast(1)
                time.sleep(0.2)
            note("5 a second, 1 min")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    words = sys.argv[1:]
    main(words[0] if words else "prefork", float(words[1]) if words[1:] else 3)
