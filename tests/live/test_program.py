"""``leakhunt run``, ``install()`` in a program and ``leakhunt dump``, as a user types them."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import harness
from tests.live.harness import leakhunt
from tests.support import programs
from tests.support.places import ROOT

pytestmark = pytest.mark.live


def typed(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "leakhunt", *arguments],
        env=harness.environment(folder, **variables), cwd=folder, capture_output=True, text=True,
        timeout=harness.HANGS,
    )  # fmt: skip


SHOW = """
import sys, json
print(json.dumps([__name__, __file__, sys.argv, sys.path[0], sys.modules["__main__"].__dict__ is globals()]))
sys.stdout.flush()
if sys.argv[1:] == ["raise"]:
    raise ValueError("oh no")
if sys.argv[1:] == ["interrupt"]:
    raise KeyboardInterrupt
sys.exit(int(sys.argv[1]) if sys.argv[1:] else None)
"""


@pytest.mark.parametrize("arguments", [[], ["7"], ["raise"], ["interrupt"]])
@pytest.mark.parametrize("as_module", [False, True])
def test_a_program_runs_as_without(arguments: list[str], as_module: bool, tmp_path: Path) -> None:
    (tmp_path / "show.py").write_text(SHOW)
    target = ["-m", "show"] if as_module else ["show.py"]
    plain = subprocess.run(
        [sys.executable, *target, *arguments],
        env=harness.environment(tmp_path), cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    hooked = typed(tmp_path, "run", *target, *arguments)
    assert hooked.returncode == plain.returncode
    assert hooked.stdout == plain.stdout
    assert hooked.stderr == plain.stderr


def test_run_says_what_is_wrong(tmp_path: Path) -> None:
    done = typed(tmp_path, "run", "nosuch.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("leakhunt: can't open file 'nosuch.py'")
    done = typed(tmp_path, "run", "--nframe", "0", "nosuch.py")
    assert done.returncode == 2
    assert "nframe=0" in done.stderr


GROW = """
import sys
kept = []
def grow():
    kept.append(bytes(1000))
print("ready", flush=True)
for line in sys.stdin:
    for _ in range(1000):
        grow()
    print("grown", flush=True)
"""


@pytest.fixture
def growing(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "grow.py").write_text(GROW)
    program = subprocess.Popen(
        [sys.executable, "-m", "leakhunt", "run", "grow.py"],
        env=harness.environment(tmp_path, LEAKHUNT_START="signal"),
        cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        yield program
    finally:
        program.kill()
        program.communicate()


def test_dump_diff_top_ls_and_disarm(growing: subprocess.Popen[str], tmp_path: Path) -> None:
    first = typed(tmp_path, "dump", str(growing.pid))
    assert first.returncode == 0, first.stderr
    before = Path(first.stdout.strip())
    assert before.exists()
    assert growing.stdin is not None
    assert growing.stdout is not None
    growing.stdin.write("\n")
    growing.stdin.flush()
    assert growing.stdout.readline() == "grown\n"
    second = leakhunt(tmp_path, "dump", "--all", "--dir", str(tmp_path / "snapshots"))
    series = str(tmp_path / "snapshots")  # other tests' workers may run on this host
    (after,) = (Path(line) for line in second.stdout.splitlines() if line.startswith(series))
    assert after.exists()
    assert after != before
    assert harness.facts(after)["trigger"] == "dump"

    shown = leakhunt(tmp_path, "diff")
    assert shown.returncode == 0, shown.stderr
    assert "grow.py:5 in grow" in shown.stdout
    assert "kept.append(bytes(1000))" in shown.stdout
    assert "what was allocated before" in shown.stdout
    found = json.loads(leakhunt(tmp_path, "diff", str(before), str(after), "--json").stdout)
    assert found["schema"] == "leakhunt/diff@1"
    assert found["rows"][0]["site"] == {
        "file": str(tmp_path / "grow.py"),
        "line": 5,
        "function": "grow",
    }
    assert leakhunt(tmp_path, "diff", "--fail-above", "10KiB").returncode == 3
    assert leakhunt(tmp_path, "diff", "--fail-above", "1GiB").returncode == 0
    assert "grow.py:5 in grow" in leakhunt(tmp_path, "top", "-n", "1").stdout
    listed = leakhunt(tmp_path, "ls").stdout
    assert str(growing.pid) in listed
    assert "traced since" in listed

    disarmed = leakhunt(tmp_path, "dump", "--disarm", str(growing.pid))
    assert disarmed.returncode == 0
    assert "tracing stopped" in disarmed.stderr
    again = leakhunt(tmp_path, "dump", str(growing.pid))
    assert harness.facts(Path(again.stdout.strip()))["baseline"] is True


def test_dump_finds_a_process_whatever_folder_it_uses(
    growing: subprocess.Popen[str], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = leakhunt(elsewhere, "dump", str(growing.pid))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path / "snapshots"))


def test_dump_refuses_what_it_would_kill(tmp_path: Path) -> None:
    with programs.waiting() as innocent:
        done = leakhunt(tmp_path, "dump", str(innocent.pid))
        assert done.returncode == 2
        assert "does not carry the hook" in done.stderr
        assert "-I leakhunt.worker" in done.stderr
        assert innocent.poll() is None
    done = leakhunt(tmp_path, "dump", str(innocent.pid))
    assert "there is no process" in done.stderr
    assert leakhunt(tmp_path, "dump").returncode == 2


def test_install_dump_and_a_forked_child(tmp_path: Path) -> None:
    program = """
import leakhunt, os, signal, sys, time
seen = []
signal.signal(signal.SIGUSR1, lambda *_: seen.append("theirs"))
leakhunt.install(start="boot", at_exit=True)
kept = [bytes(n) for n in range(2000)]
def tell(name, what):
    with open(name, "w") as file:
        file.write(str(what))
tell("mine", leakhunt.dump())
pid = os.fork()
if pid == 0:
    tell("childs", leakhunt.dump())
    os._exit(0)
assert os.waitpid(pid, 0) == (pid, 0)
os.kill(os.getpid(), signal.SIGUSR1)
series = os.path.dirname(open("mine").read())
while not any("signal" in name and name.endswith(".bin") for name in os.listdir(series)):
    time.sleep(0.05)  # at its exit a process waits for a capture under way, for some seconds only
tell("seen", seen)
"""
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, timeout=harness.HANGS,
        env=harness.environment(tmp_path, LEAKHUNT_INTERVAL="64"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    mine, childs, seen = ((tmp_path / name).read_text() for name in ("mine", "childs", "seen"))
    assert seen == "['theirs']"
    assert "program" in harness.facts(Path(mine))["role"]
    assert "fork" in harness.facts(Path(childs))["role"]
    assert Path(mine).parent != Path(childs).parent
    # 2 MB, of which the small blocks are estimated: a standard error below 2 KB.
    kept = sum(map(sys.getsizeof, map(bytes, range(2000))))
    assert harness.size_at(Path(childs), "program.py") == pytest.approx(kept, rel=0.05)

    def triggers() -> set[str]:
        return {harness.facts(path)["trigger"] for path in Path(mine).parent.glob("*.bin")}

    harness.until(lambda: triggers() == {"code", "signal", "exit"} or None, "the last snapshot")
    left = [path.read_text() for path in (tmp_path / "snapshots" / "processes").glob("*.json")]
    assert all("fork" in text for text in left)  # os._exit() gave that one no time to tidy up


def test_run_from_an_archive(tmp_path: Path) -> None:
    """leakhunt in a zipapp, of which the interpreter cannot run a file."""
    with zipfile.ZipFile(tmp_path / "leakhunt.pyz", "w") as archive:
        for path in (ROOT / "leakhunt").rglob("*.py"):
            archive.write(path, str(path.relative_to(ROOT)))
        archive.writestr("__main__.py", "import leakhunt.__main__\n")
    (tmp_path / "program.py").write_text(
        "import sys, leakhunt\nprint(leakhunt.__file__, leakhunt.dump())\n"
    )
    environment = {**harness.environment(tmp_path), "PYTHONPATH": ""}
    done = subprocess.run(
        [sys.executable, "leakhunt.pyz", "run", "program.py"], cwd=tmp_path, env=environment,
        capture_output=True, text=True, timeout=harness.HANGS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    file, written = done.stdout.split()
    assert "leakhunt.pyz" in file
    assert Path(written).exists()
