"""Files, records and folders of somebody else's cost one clear message, root too."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leakhunt.errors import SettingError
from leakhunt.hook import letterbox
from leakhunt.hook.process import alive
from leakhunt.live import processes, requests
from leakhunt.live.processes import Hooked
from leakhunt.snapfile import folders
from tests.live import harness
from tests.live.harness import leakhunt
from tests.support.places import ROOT

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="records are found in /proc"),
]

STRANGER = 65534
root = pytest.mark.skipif(os.geteuid() != 0, reason="acts as another user")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody can reach."""
    folder = Path(tempfile.mkdtemp(prefix="leakhunt-strangers-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def record(**facts: Any) -> bytes:
    told = {"pid": os.getpid(), "signal": 10, "captures": 0, "series": "/nowhere", "heard": "heard"}
    return letterbox.packed({**told, **facts})


def given(path: Path, content: bytes, uid: int = STRANGER) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.chown(path, uid, uid)
    return path


# -- root asks ------------------------------------------------------------------------------


@root
@pytest.mark.parametrize("how", ["link", "hard link", "pipe", "roots"])
def test_root_writes_into_no_file_that_a_stranger_chose(how: str, place: Path) -> None:
    """Between the look at a record and the request, the stranger puts something else in its place."""
    target = given(place / "shadow", b"root:x\n", 0)
    target.chmod(0o600)
    at = place / "processes" / "host-1--1.json"
    at.parent.mkdir()
    if how == "link":
        at.symlink_to(target)
    elif how == "hard link":
        os.link(target, at)
    elif how == "pipe":
        os.mkfifo(at)
        os.chown(at, STRANGER, STRANGER)
    else:
        given(at, record(), 0)
    before = at.read_bytes() if how == "roots" else b""
    innocent = subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.signal(10, lambda *_: None); print(flush=True); signal.pause()"],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert innocent.stdout is not None
        innocent.stdout.readline()
        found = letterbox.read(os.open(given(place / "r.json", record()), os.O_RDONLY))
        assert found is not None
        process = Hooked(innocent.pid, str(at), found, (STRANGER, STRANGER))
        with pytest.raises(OSError, match=r"no record of|denied|symbolic|No such device"):
            requests.ask(process, "dump")
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.communicate()
    assert target.read_bytes() == b"root:x\n"
    assert (os.geteuid(), os.getegid()) == (0, 0)
    if how == "roots":
        assert at.read_bytes() == before


@root
def test_root_is_told_whose_processes_it_would_ask(place: Path) -> None:
    folder = place / "stranger"
    folder.mkdir()
    os.chown(folder, STRANGER, STRANGER)
    source = """
        import sys
        import leakhunt
        leakhunt.install(start="boot")
        print("ready", flush=True)
        sys.stdin.read()
    """
    environment = harness.environment(folder, HOME=str(folder), TMPDIR=str(folder))
    try:
        started = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(source)], env=environment, cwd=folder,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            user=STRANGER, group=STRANGER, extra_groups=[],
        )  # fmt: skip
    except PermissionError:
        pytest.skip("another user cannot run this Python here")
    try:
        assert started.stdout is not None
        if started.stdout.readline() != "ready\n":
            pytest.skip("another user cannot run this Python here")
        asked = leakhunt(place, "dump", "--all")
        assert asked.returncode == 2
        assert "add --yes to ask them all" in asked.stderr
        assert not list(folder.glob("snapshots/*/*.bin"))
        done = leakhunt(place, "dump", str(started.pid))
        assert done.returncode == 0, done.stderr
        written = Path(done.stdout.strip())
        assert (written.stat().st_uid, stat.S_IMODE(written.stat().st_mode)) == (STRANGER, 0o600)
    finally:
        started.communicate()


# -- records ---------------------------------------------------------------------------------


FORGED: dict[str, bytes] = {
    "deep": b'{"schema":2,"node":' + b"[" * 7000 + b"]" * 7000 + b"}",
    "wrong types": record(node=[1], started_at="yesterday", answers={"a": 1}, role=7, main="x"),
    "impossible times": record(started_at=1e300, armed_at=float("inf"), node="x"),
    "escapes": record(
        node="a\x1b]0;pwned\x07\nb", problem="p\x1b[2J", note="n\x1b[2J", role="r\x1b[31m",
        path="/x\n\x1b[31m", series="/y\x1b[2J/z", engine="e\x1b[2J", taken_by="t\x1b[2J", heard="taken",
        verdict="leak\x1b[2J", summary="s\x1b[2J\n", stacks="f\x1b[2J", python="3\x1b[2J", pool="q\x1b[2J",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_record_reaches_nobodys_terminal(name: str, tmp_path: Path) -> None:
    """The process that offers it exists, and holds it open as the hook does."""
    home = folders.make_private(tmp_path / "snapshots")
    inside = folders.make_private(home / folders.PROCESSES)
    program = "import signal, sys; signal.signal(10, lambda *_: None); print(flush=True); sys.stdin.read()"
    started = subprocess.Popen(
        [sys.executable, "-c", f"import sys; held = open(sys.argv[1], 'rb+'); {program}", str(inside / "x.json")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=(inside / "x.json").touch,
    )  # fmt: skip
    try:
        assert started.stdout is not None
        started.stdout.readline()
        content = FORGED[name].replace(
            f'"pid": {os.getpid()}'.encode(), f'"pid": {started.pid}'.encode()
        )
        ticks = alive.start_ticks(started.pid)
        named = inside / f"{os.uname().nodename}-{started.pid}-{alive.space()}-{ticks}.json"
        (inside / "x.json").write_bytes(content)
        (inside / "x.json").rename(named)
        asked = [
            ["ls"],
            ["ps"],
            [],
            ["watch", "--once"],
            ["dump", str(started.pid), "--timeout", "1"],
        ]
        for words in asked:
            done = harness.leakhunt(tmp_path, *words)
            assert "Traceback" not in done.stderr, done.stderr
            assert not {*"\x1b\x07"} & {*done.stdout, *done.stderr}, done.args
            assert done.returncode in (0, 2), done.stderr
    finally:
        started.communicate()


def test_a_dump_of_a_process_that_never_answers_ends(tmp_path: Path) -> None:
    home = folders.make_private(tmp_path / "snapshots")
    own = letterbox.Record()
    facts = json.loads(record())
    told = {**facts, "host": os.uname().nodename, "space": alive.space()}
    told["ticks"] = alive.start_ticks(os.getpid())
    own.publish(home, told)
    try:
        (found,) = [each for each in processes.hooked(home) if each.pid == os.getpid()]
        asked = requests.Asked(found, "1", "signal")
        ((_, answer),) = requests.wait([asked], 0.05)
        assert "has not answered" in str(answer)
    finally:
        own.withdraw()
        own.forget()


# -- folders ---------------------------------------------------------------------------------


def test_nothing_is_written_or_removed_through_a_planted_link(tmp_path: Path) -> None:
    """Where several share a folder: neither the records' folder nor a series may be a link."""
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o700)
    for name in ("000001-20260101T000000Z-code.bin", ".000002-20260101T000000Z-code.tmp"):
        (victim / name).write_bytes(b"precious")
    home = folders.make_private(tmp_path / "snapshots")
    (home / folders.PROCESSES).symlink_to(victim)
    series = home / "x-1-20260101T000000Z"
    series.symlink_to(victim)
    for each in (home / folders.PROCESSES, series):
        with pytest.raises(SettingError, match="it is a link"):
            folders.make_private(each, own=True)
    with pytest.raises(NotADirectoryError), folders.opened(series):
        pass
    from leakhunt.hook.capture import content

    content.prune(series, 1)
    source = """
        import leakhunt
        leakhunt.install(start="boot")
        try:
            leakhunt.dump()
        except Exception as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)], env=harness.environment(tmp_path), cwd=tmp_path,
        capture_output=True, text=True, timeout=harness.HANGS, check=True,
    )  # fmt: skip
    assert "it is a link" in done.stderr
    pruned = leakhunt(tmp_path, "ls", "--prune", "--keep", "1", "--yes")
    assert "Traceback" not in pruned.stderr
    assert sorted(each.name for each in victim.iterdir()) == [
        ".000002-20260101T000000Z-code.tmp",
        "000001-20260101T000000Z-code.bin",
    ]


def test_folders_are_private_whatever_the_umask(tmp_path: Path) -> None:
    source = f"""
        import os, sys
        os.umask(0)
        sys.path.insert(0, {str(ROOT)!r})
        from leakhunt.snapfile import folders
        from pathlib import Path
        folders.make_private(Path("a/b/c"))
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(source)], cwd=tmp_path, check=True)
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "a/b", "a/b/c")}
    assert modes == {0o700}


def test_a_folder_of_bad_files_is_some_lines(tmp_path: Path) -> None:
    series = tmp_path / "snapshots" / "x-1-20260101T000000Z"
    series.mkdir(parents=True)
    for number in range(3000):
        (series / f"{number:06d}-20260101T000000Z-code.bin").write_bytes(b"bad")
    done = leakhunt(tmp_path, "ls")
    assert "Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) + len(done.stderr.splitlines()) < 100
    said = done.stdout + done.stderr
    assert "2,9" in said or "3,000" in said, "how many there are is said"
