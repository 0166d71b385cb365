"""How long a process stands still for a capture, by the size of its heap; and what it loses afterwards.

    python tests/benchmarks/bench_light.py [GB ...]

One process for each size and kind: a bare ``os.fork()`` whose child ends at once, a capture by fork
(``LEAKHUNT_LIGHT=off``, and with ``off-nowalk`` without the walk over the heap), and a light one
(``always``). The heap is bytes objects of 4 to 512 KiB that have been touched, under a dictionary of small
ones. A busy loop that allocates and writes to the heap notes the longest gap between two of its turns
around one signal, and how many turns it does in the two seconds after, against the two before: a fork
makes the kernel copy each page that is written for the first time after it. Medians of five signals, and
the longest. Says the load of the machine, without which these figures mean nothing.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SIGNALS = 5
KINDS = {
    "bare os.fork()": {},
    "full": {"LEAKHUNT_LIGHT": "off"},
    "full, LEAKHUNT_WALK=off": {"LEAKHUNT_LIGHT": "off", "LEAKHUNT_WALK": "off"},
    "light": {"LEAKHUNT_LIGHT": "always"},
}

PROGRAM = r"""
import json, os, random, signal, sys, time
kind, size, folder, signals = sys.argv[1], int(float(sys.argv[2]) * 1e9), sys.argv[3], int(sys.argv[4])
if kind != "bare":
    import leakhunt
    leakhunt.install(dir=folder, engine="sampled", keep=0)

def fork(signum, frame):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)

if kind == "bare":
    signal.signal(signal.SIGUSR1, fork)
draw = random.Random(1)
heap, have = [], 0
while have < size:
    length = draw.choice((4096, 16384, 65536, 524288))
    heap.append(bytearray(length))
    for at in range(0, length, 4096):
        heap[-1][at] = 1
    have += length
small = {n: str(n) for n in range(100_000)}
clock = time.perf_counter
pick = draw.randrange
last = len(heap)

def turn(scratch):
    block = heap[pick(last)]
    block[pick(len(block))] = 1
    scratch.append(bytes(200))
    if len(scratch) > 1000:
        scratch.clear()

def spell(seconds, sends=False):
    turns, longest, scratch = 0, 0.0, []
    began = before = clock()
    sent = not sends
    while True:
        turn(scratch)
        turns += 1
        now = clock()
        if now - before > longest:
            longest = now - before
        before = now
        if not sent:
            sent = True
            os.kill(os.getpid(), signal.SIGUSR1)
        if now - began > seconds:
            return turns, longest

def captured():
    return sum(name.endswith(".bin") for base, _, names in os.walk(folder) for name in names)

spell(1.0)
gaps, losses, quiet = [], [], []
for number in range(signals):
    before, noise = spell(2.0)
    after, gap = spell(2.0, sends=True)
    quiet.append(noise)
    gaps.append(gap)
    losses.append(1 - after / before)
    deadline = clock() + 120
    while kind != "bare" and captured() <= number and clock() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
rss = int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
print(json.dumps([gaps, losses, quiet, rss, captured()]))
"""


def measure(kind: str, gigabytes: float) -> tuple[list[float], list[float], list[float], int]:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                sys.executable, "-c", PROGRAM, "bare" if kind.startswith("bare") else kind,
                str(gigabytes), folder, str(SIGNALS),
            ],
            env={**os.environ, **KINDS[kind]}, capture_output=True, text=True, timeout=1200,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(done.stderr)
        gaps, losses, quiet, rss, captures = json.loads(done.stdout.splitlines()[-1])
        if not kind.startswith("bare") and captures != SIGNALS:
            raise SystemExit(f"{kind}: {captures} snapshots of {SIGNALS} signals\n{done.stderr}")
        return gaps, losses, quiet, rss


def main() -> None:
    sizes = [float(word) for word in sys.argv[1:]] or [0.4, 4.0, 10.0]
    out = sys.stdout.write
    out(
        f"Python {sys.version.split()[0]}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}\n\n"
    )
    out(
        "| heap | | longest gap, median | most | gap without a signal | turns lost in 2 s | load |\n"
    )
    out("|---|---|---|---|---|---|---|\n")
    for size in sizes:
        for kind in KINDS:
            gaps, losses, quiet, rss = measure(kind, size)
            out(
                f"| {rss / 1e9:.1f} GB | {kind} | {statistics.median(gaps) * 1e3:.2f} ms "
                f"| {max(gaps) * 1e3:.2f} ms | {statistics.median(quiet) * 1e3:.2f} ms "
                f"| {statistics.median(losses):.1%} | {os.getloadavg()[0]:.1f} |\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
