"""The hook in what containers do to a process, one restriction after the other, and all at once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leakhunt.snapshots.load import load
from tests.live import harness
from tests.support.places import ROOT

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        shutil.which("unshare") is None
        or subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode
        != 0,
        reason="no namespaces for this user",
    ),
]

PROGRAM = """
import os, sys, threading
sys.path.insert(0, os.environ["TREE"])
import leakhunt
leakhunt.install()
kept = [bytearray(1000) for n in range(2000)]
waits = threading.Event()
threading.Thread(target=waits.wait, daemon=True).start()
print(leakhunt.dump(), os.getpid(), os.getuid(), flush=True)
"""

#: Becomes the program that is told, which may look into no process's memory any more, not even into its own: what
#: the filters of container engines forbid. seccomp(2), and the calls' numbers of asm/unistd.h.
NO_PTRACE = """
import ctypes, os, platform, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
calls = {"x86_64": (101, 310, 311), "aarch64": (117, 270, 271)}[platform.machine()]
load, equal, refuse, allow = (0x20, 0, 0, 0), 0x15, (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)
rules = [load, *((equal, len(calls) - at, 0, call) for at, call in enumerate(calls)), allow, refuse]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(rules), ctypes.addressof(code)))
assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
assert libc.prctl(22, 2, program) == 0, ctypes.get_errno()  # PR_SET_SECCOMP
for call in calls:
    assert libc.syscall(call, os.getpid(), None, 0, None, 0, 0) == -1 and ctypes.get_errno() == 1
os.execv(sys.argv[1], sys.argv[1:])
"""

#: What to say before the program: it runs in a mount namespace of its own, with $1 as its volume.
SHAPES = {
    "read-only root": "mount --bind $1 $1; mount -o remount,bind,ro /; ! touch /anything 2>/dev/null",
    "no temporary folder": "mount -t tmpfs -o ro,size=4k none /tmp; ! touch /tmp/anything 2>/dev/null",
    "64 KiB of shared memory": "mount -t tmpfs -o size=64k none /dev/shm",
    "hidden processes": "mount -t proc -o hidepid=2 proc /proc",
    "no /proc": "mount -t tmpfs none /proc",
    "no home": "unset HOME XDG_STATE_HOME",
    "no capabilities": "set -- setpriv --bounding-set=-all --inh-caps=-all --no-new-privs",
    "no ptrace": f"set -- {sys.executable} $1/no_ptrace.py",
    "a user without a name": "set -- unshare --user --map-user=54321 --map-group=54321",
    "process 1": "set -- unshare --pid --fork --mount-proc",
}
SHAPES["all at once"] = (
    "; ".join(
        SHAPES[name]
        for name in ("no temporary folder", "64 KiB of shared memory", "no home", "read-only root")
    )
    + "; set -- unshare --user --map-user=54321 --map-group=54321 --pid --fork --mount-proc "
    + SHAPES["no ptrace"].partition("set -- ")[2]
)


@pytest.fixture
def volume() -> Iterator[Path]:
    """Not below /tmp, which may be gone."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="leakhunt-") as folder:
        yield Path(folder)


def run(shape: str, volume: Path) -> subprocess.CompletedProcess[str]:
    before, _, launcher = SHAPES[shape].partition("set -- ")
    script = f"set -e; {before or ':'}\nexec {launcher} {sys.executable} $1/program.py"
    (volume / "program.py").write_text(PROGRAM)
    (volume / "no_ptrace.py").write_text(NO_PTRACE)
    environment = harness.environment(
        volume, TREE=str(ROOT), LEAKHUNT_DIR=str(volume / "snapshots")
    )
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", str(volume)],
        env=environment, cwd=volume, capture_output=True, text=True, timeout=harness.HANGS,
    )  # fmt: skip


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount")
@pytest.mark.parametrize("shape", SHAPES)
def test_a_snapshot_is_taken_whole_and_read_from_beside(shape: str, volume: Path) -> None:
    done = run(shape, volume)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    path, pid, uid = done.stdout.split()
    assert (pid == "1") == (shape in ("process 1", "all at once"))
    assert (uid == "54321") == (shape in ("a user without a name", "all at once"))
    snapshot = load(path)
    known = snapshot.meta.facts
    assert known["forked"]
    assert known["exact"]
    assert known["heap"]["whole"]
    assert harness.size_at(Path(path), "program.py") > 10**6
    place = harness.environment(volume)
    sidecar = harness.console("top", str(volume / "snapshots"), env=place)
    assert sidecar.returncode == 0, sidecar.stderr
    assert "program.py" in sidecar.stdout


def test_the_deployment_of_the_docs_shares_what_it_says() -> None:
    """Read without a YAML library: its mappings and sequences are of the simple kind."""
    text = (ROOT / "leakhunt/hook/README.md").read_text()
    (told,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    yaml: Any = pytest.importorskip("yaml")
    pod = yaml.safe_load(told)["spec"]["template"]["spec"]
    worker, sidecar = pod["containers"]
    variables = {each["name"]: each["value"] for each in worker["env"]}
    mounts = [each["volumeMounts"][0] for each in (worker, sidecar)]
    assert mounts[0] == mounts[1]
    assert variables["LEAKHUNT_DIR"] == mounts[0]["mountPath"] == sidecar["command"][-1]
    assert [each["name"] for each in pod["volumes"]] == [mounts[0]["name"]]
    assert all(each["securityContext"]["readOnlyRootFilesystem"] for each in (worker, sidecar))
    assert worker["command"][-2:] == ["-I", "leakhunt.worker"]
