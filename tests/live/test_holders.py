"""Objects from freelists in real processes: the line that keeps them is named, with its rate."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leakhunt.cli.judging import gather
from leakhunt.engine.choice import choose
from leakhunt.judge import history
from leakhunt.report import trend
from leakhunt.report.words.growths import reason
from leakhunt.snapshots.load import load
from leakhunt.snapshots.series import lines_of
from tests.live import harness

pytest.importorskip("leakhunt.hook.capture._holders")

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        choose("sampled").name != "sampled", reason=f"no sampled engine: {choose('sampled').why}"
    ),
]

#: 40,000 objects are leaked by one line; another function makes and frees 50 of each kind between.
PROGRAM = """
import json
import sys
import leakhunt

leakhunt.install(engine="sampled", interval="1KiB", dir=sys.argv[1])
KEPT = []

def leak(number):
    KEPT.append(MADE)

def churn(number):
    dicts = [{"k": other} for other in range(50)]
    pairs = [(other, other) for other in range(50)]
    floats = [other * 1.1 for other in range(50)]

truth = []
for number in range(1, 40001):
    leak(number % 200)  # these integers are nobody's: all there is of them
    if number % 10 == 0:
        churn(number)
    if number % 5000 == 0:
        leakhunt.dump()
        truth.append(sys.getsizeof(KEPT) + sum(map(sys.getsizeof, KEPT)))
print(json.dumps(truth))
"""
KINDS = ['{"k": number}', "(number, number)", "number * 1.1"]


def grown(folder: Path, made: str) -> tuple[Path, history.History, list[int]]:
    """The program run with this leak: its file, its series, and how large the leak was at each snapshot."""
    program = folder / "program.py"
    program.write_text(PROGRAM.replace("MADE", made))
    done = subprocess.run(
        [sys.executable, str(program), str(folder / "snapshots")],
        env=harness.environment(folder), capture_output=True, text=True, timeout=harness.HANGS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    problems: list[str] = []
    files = sorted((folder / "snapshots").glob("*/*.bin"))
    found = gather(lines_of(files, problems)[0], problems)
    assert found is not None
    assert problems == []
    truth: list[int] = json.loads(done.stdout.splitlines()[-1])
    assert len(found.metas) == len(truth) == 8
    # By snapshots: a program without tasks is judged by the clock, and the machine may be busy.
    axis = tuple(map(float, range(len(truth))))
    return program, replace(found, unit=history.SNAPSHOT, times=axis), truth


@pytest.mark.parametrize("made", KINDS)
def test_the_line_that_leaks_is_named_with_its_rate(made: str, tmp_path: Path) -> None:
    program, found, truth = grown(tmp_path, made)
    lines = program.read_text().splitlines()
    leaking = lines.index(f"    KEPT.append({made})") + 1
    made_report = trend.trend([found])
    leak: Any = made_report.leaks[0]
    assert leak.site == (str(program), leaking), made_report.summary
    assert leak.sizes[-1] - leak.sizes[0] == pytest.approx(truth[-1] - truth[0], rel=0.15)
    assert f"kept by the list that grows at program.py:{leaking}" in reason(leak)
    churning = range(lines.index("def churn(number):") + 1, leaking + 10)
    assert not [each for each in made_report.leaks if each.site.line in churning]
    for index, snapshot in enumerate(found.metas):
        at_index = sum(track.sizes[index] for track in found.tracks.values())
        told = load(found.entries[index].path).facts.values()
        free = sum(birth.free for each in told for birth in each.births)
        # What lies in a free list is nobody's; what a holder has of such a line stays the line's.
        assert found.sizes[index] - free - len(told) <= at_index <= found.sizes[index]
        assert free < 0.2 * found.sizes[index]
        assert snapshot.engine == "sampled"
