"""What the hook costs a real worker: tasks per second, and microseconds per task.

    python tests/benchmarks/bench_worker.py [rounds]

One solo worker per variant on a Redis of its own, all alive together and measured in turn:
each round sends every variant the same batch of mixed tasks (JSON, strings, small objects) and
takes the CPU time of the worker process for it. Printed are medians of the ratio to the
unhooked worker in the same round; the A/A control is a second unhooked worker. Then the
cost of ``task_postrun`` when nothing is due, from a loop over the hook itself.
"""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
BATCH = 1500
APP = """
import json, os
from celery import Celery
app = Celery("bench", broker=os.environ["BENCH_URL"], backend=os.environ["BENCH_URL"])
app.conf.update(worker_prefetch_multiplier=64, task_ignore_result=True, broker_connection_retry_on_startup=True)
LAST = {}
@app.task(name="mixed")
def mixed(n):
    rows = [{"id": i, "name": f"row {i}", "tags": ["a", "b", str(i)]} for i in range(40)]
    text = json.dumps(rows)
    back = json.loads(text)
    LAST[n % 50] = sorted(back, key=lambda row: -row["id"])
@app.task(name="done", ignore_result=False)
def done(): return True
"""
VARIANTS: dict[str, dict[str, str] | None] = {
    "unhooked": None,
    "unhooked again (A/A)": None,
    "hooked, start=signal": {},
    "hooked, every=10^6 and rss": {"LEAKHUNT_EVERY": "1000000", "LEAKHUNT_RSS": "64GiB"},
    "sampled, 512 KiB": {"LEAKHUNT_ENGINE": "sampled", "LEAKHUNT_INTERVAL": "512KiB"},
    "sampled, 64 KiB": {"LEAKHUNT_ENGINE": "sampled", "LEAKHUNT_INTERVAL": "64KiB"},
    "sampled, budget 1 %": {"LEAKHUNT_ENGINE": "sampled"},
    "tracing, nframe 1": {"LEAKHUNT_START": "boot", "LEAKHUNT_NFRAME": "1"},
    "tracing, nframe 5": {"LEAKHUNT_START": "boot", "LEAKHUNT_NFRAME": "5"},
    "tracing, nframe 10": {"LEAKHUNT_START": "boot", "LEAKHUNT_NFRAME": "10"},
    "tracing, nframe 25": {"LEAKHUNT_START": "boot", "LEAKHUNT_NFRAME": "25"},
}


def on_cpu(pid: int) -> float:
    """Seconds that a single-threaded process has spent on a CPU, to the nanosecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def per_task() -> float:
    """Seconds that booking a finished task takes when nothing is due."""
    from leakhunt.hook import config
    from leakhunt.hook.trigger import Hook

    with tempfile.TemporaryDirectory() as folder:
        settings = {"dir": folder, "every": 10**8, "rss": "1TiB", "rss_step": "1TiB"}
        hook = Hook(config.settings(settings, {}))
        times = []
        for _ in range(20):
            began = time.perf_counter()
            for _ in range(5000):
                hook.task_done("mixed")
            times.append((time.perf_counter() - began) / 5000)
        hook.rss_read_at = 0.0
        return statistics.median(times)


def rss_read() -> float:
    from leakhunt.hook import vitals

    began = time.perf_counter()
    for _ in range(5000):
        vitals.rss()
    return (time.perf_counter() - began) / 5000


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    sys.path.insert(0, str(ROOT))
    import celery

    out = sys.stdout.write
    with tempfile.TemporaryDirectory() as name, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        folder = Path(name)
        (folder / "bench.py").write_text(APP)
        server = subprocess.Popen(
            ["redis-server", "--port", str(port), "--save", "", "--dir", name],
            stdout=subprocess.DEVNULL,
        )
        workers, apps = {}, {}
        try:
            time.sleep(0.5)
            for number, (title, variables) in enumerate(VARIANTS.items()):
                url = f"redis://127.0.0.1:{port}/{number}"
                environment = {
                    **os.environ,
                    "BENCH_URL": url,
                    "PYTHONPATH": os.pathsep.join([name, str(ROOT)]),
                    "PYTHONWARNINGS": "ignore",
                    "LEAKHUNT_DIR": str(folder / str(number)),
                    **(variables or {}),
                }
                hook = [] if variables is None else ["-I", "leakhunt.worker"]
                quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
                workers[title] = subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "celery",
                        "-A",
                        "bench",
                        "worker",
                        "-P",
                        "solo",
                        *hook,
                        *quiet,
                    ],
                    env=environment,
                    cwd=name,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                apps[title] = celery.Celery(
                    str(number), broker=url, backend=url, set_as_current=False
                )
                apps[title].send_task("done").get(timeout=60)
            used: dict[str, list[float]] = {title: [] for title in VARIANTS}
            for turn in range(rounds + 1):
                for title, app in apps.items():
                    pid = workers[title].pid
                    batch = BATCH if "tracing" not in title else BATCH // 15
                    before = on_cpu(pid)
                    for task in range(batch):
                        app.send_task("mixed", (task,))
                    app.send_task("done").get(timeout=600)
                    if turn:
                        spent = on_cpu(pid) - before
                        used[title].append(spent / batch)
        finally:
            for worker in workers.values():
                worker.send_signal(signal.SIGKILL)
                worker.wait()
            server.terminate()
            server.wait()
    base = used["unhooked"]
    out(f"Python {sys.version.split()[0]}, {rounds} rounds of {BATCH} tasks\n\n")
    out("| worker | CPU per task | to the unhooked worker: min / median / max |\n|---|---|---|\n")
    for title, found in used.items():
        ratios = sorted(mine / theirs for mine, theirs in zip(found, base))
        out(
            f"| {title} | {statistics.median(found) * 1e3:.2f} ms | {ratios[0]:.3f} / "
            f"{statistics.median(ratios):.3f} / {ratios[-1]:.3f} |\n"
        )
    out(f"\nbooking a task when nothing is due: {per_task() * 1e6:.2f} us\n")
    out(f"reading RSS (at most every 50 ms): {rss_read() * 1e6:.1f} us\n")


if __name__ == "__main__":
    main()
