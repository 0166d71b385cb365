"""What looking costs: the CPU of ``watch``, the time of ``ps``, the ledger's time per task.

    python tests/benchmarks/bench_live.py [watch | ps | ledger ...]

``watch``: its share of one CPU at the default interval, over a worker of fifty processes that work;
the difference between a long run and ``--once``, so that the interpreter's start counts for neither.
``ps``: over sixty processes, the medians of ``--version`` and of ``ps`` as a user runs them, and
what the look, the report and the page take inside. ``ledger``: begin and end of a task in the
hook's ledger and pulse, the median of seven runs of 200,000 tasks. Goals: under 1 %, under 0.3 s beyond
start-up, under 2 us. Other processes of the machine are looked at too: where there are many, ``unshare -p -f --mount-proc`` before
the command gives it a process table of its own (root). ``BENCH_SECONDS`` and ``BENCH_CHILDREN`` make it smaller. As where it is installed, nothing is compiled
anew: the byte code lies in a folder of the run's own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.celery_worker import ROOT, worker

APP = """
import os
from celery import Celery
app = Celery("bench", broker=os.environ["BENCH_URL"], backend=os.environ["BENCH_URL"])
@app.task(name="ready")
def ready():
    return os.getpid()
"""
#: Seconds that ``watch`` is measured for.
LONG = int(os.environ.get("BENCH_SECONDS", "120"))
#: Children of the worker that ``watch`` and ``ps`` look at; a main process comes with them.
WATCHED, LISTED = (int(os.environ.get("BENCH_CHILDREN", number)) for number in (49, 59))
ROUNDS = 5


#: Byte code is kept, as pip keeps it.
COMPILED = {
    **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    "PYTHONPYCACHEPREFIX": os.path.join(tempfile.gettempdir(), f"bench-live-{os.getpid()}"),
}


def console(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "leakhunt", *arguments]


def spent(*arguments: str, **variables: str) -> tuple[float, float]:
    """(seconds of CPU, seconds) of a run of the console, its children with it."""
    began = time.perf_counter()
    process = subprocess.Popen(
        console(*arguments), stdout=subprocess.DEVNULL, cwd=ROOT,
        env={**COMPILED, "PYTHONPATH": str(ROOT), **variables},
    )  # fmt: skip
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, arguments
    return used.ru_utime + used.ru_stime, time.perf_counter() - began


@contextlib.contextmanager
def crew(children: int) -> Iterator[str]:
    """A hooked prefork worker with so many children; the folder of its records."""
    with (
        tempfile.TemporaryDirectory() as folder,
        worker(
            "prefork", APP, "-I", "leakhunt.worker", "-c", str(children), LEAKHUNT_DIR=folder
        ) as (app, _),
    ):
        app.send_task("ready").get(timeout=120)
        deadline = time.monotonic() + 300
        while len(list(Path(folder).glob("processes/*.json"))) <= children:
            assert time.monotonic() < deadline, "the children are not there"
            time.sleep(0.2)
        yield folder


def watch() -> None:
    with crew(WATCHED) as folder:
        once = statistics.median(
            spent("watch", "--once", LEAKHUNT_DIR=folder)[0] for _ in range(ROUNDS)
        )
        spent(
            "watch", "--for", "1s", LEAKHUNT_DIR=folder
        )  # compiles what only the long run imports
        long, seconds = spent("watch", "--for", f"{LONG}s", LEAKHUNT_DIR=folder)
    print(
        f"watch, {WATCHED + 1} processes, every 10 s for {seconds:.0f} s: {100 * (long - once) / seconds:.2f} % of a CPU"
    )


def ps() -> None:
    sys.path.insert(0, str(ROOT))
    from leakhunt.cli.looking import seen
    from leakhunt.render import formats
    from leakhunt.render.screen import TABLE, Screen

    with crew(LISTED) as folder:
        home = Path(folder)
        inside = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            report = seen(home)
            page = formats.text(report, TABLE, Screen(160))
            inside.append(time.perf_counter() - began)
            assert page.count("child ") >= LISTED
        spent("ps", LEAKHUNT_DIR=folder)
        start = statistics.median(spent("--version")[1] for _ in range(ROUNDS))
        whole = statistics.median(spent("ps", LEAKHUNT_DIR=folder)[1] for _ in range(ROUNDS))
    print(f"ps, {LISTED + 1} processes: {whole:.2f} s, of these {start:.2f} s for the start of the interpreter; "
          f"look, report and page {statistics.median(inside):.3f} s")  # fmt: skip


def ledger(tasks: int = 200_000) -> None:
    sys.path.insert(0, str(ROOT))
    from leakhunt.hook.celery.pulse import Pulse
    from leakhunt.hook.process.ledger import Ledger

    def run() -> float:
        book, pulse = Ledger(), Pulse(times_threads=True, alone=True)
        began = time.process_time()
        for number in range(tasks):
            pulse.begins(number, "proj.add")
            wall, cpu = pulse.ends(number)
            book.count("proj.add", None, wall, cpu)
        return (time.process_time() - began) / tasks

    costs = [run() for _ in range(7)]
    print(
        f"ledger and pulse: {1e6 * statistics.median(costs):.2f} us a task (least {1e6 * min(costs):.2f})"
    )


if __name__ == "__main__":
    known = {"watch": watch, "ps": ps, "ledger": ledger}
    try:
        for name in sys.argv[1:] or known:
            known[name]()
    finally:
        shutil.rmtree(COMPILED["PYTHONPYCACHEPREFIX"], ignore_errors=True)
