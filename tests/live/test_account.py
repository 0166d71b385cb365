"""Programs whose resident memory grows for one reason each: the account names it, and adds up."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import harness
from tests.support.places import ROOT

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

#: In names of files, threads, arguments and paths, and in no snapshot.
SECRET = "jane.doe@example.org"
MIB = 1 << 20
#: How much each program takes.
MUCH = 48

BEGIN = f"""
import ctypes, gc, mmap, os, sys, threading
import leakhunt
leakhunt.install(engine=sys.argv[1], dir=sys.argv[2], start="boot", keep=0)
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.malloc.restype = LIBC.memset.restype = LIBC.shmat.restype = ctypes.c_void_p
LIBC.malloc.argtypes = (ctypes.c_size_t,)
LIBC.memset.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)
SECRET, MUCH = {SECRET!r}, {MUCH} << 20
KEPT = []
leakhunt.dump()
leakhunt.dump()
"""
END = "leakhunt.dump()\n"

PYTHON = """
for number in range(MUCH // 4096):
    KEPT.append([str(number) * 60 for _ in range(12)])
"""
MALLOC = """
for _ in range(MUCH // 10_000):
    LIBC.memset(LIBC.malloc(10_000), 1, 10_000)
"""
LARGE = """
for _ in range(MUCH >> 20):
    LIBC.memset(LIBC.malloc(1 << 20), 1, 1 << 20)
"""
INTERLEAVED = """
large = []
for _ in range(MUCH // 20_000):
    large.append(bytearray(20_000))
    KEPT.append(bytearray(600))
del large
"""
#: libffi passes a structure by value on the stack of the thread that calls.
STACKS = """
class Large(ctypes.Structure):
    _fields_ = [("text", ctypes.c_char * (1 << 20))]
CALL = ctypes.CFUNCTYPE(ctypes.c_int, Large)(("getpid", LIBC))
begun = threading.Semaphore(0)
def poll():
    CALL(Large())
    begun.release()
    threading.Event().wait()
for number in range(MUCH >> 20):
    threading.Thread(target=poll, name=f"{SECRET} {number}", daemon=True).start()
    begun.acquire()
gc.collect()
"""
SHARED = """
from multiprocessing import shared_memory
KEPT.append(shared_memory.SharedMemory(create=True, size=MUCH))
KEPT[0].buf[:] = b"x" * MUCH
KEPT[0].unlink()
"""
FILE = """
path = os.path.join(sys.argv[2], SECRET)
with open(path, "wb") as file:
    for _ in range(MUCH >> 20):
        file.write(b"x" * (1 << 20))
file = open(path, "rb")
KEPT.append(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
for at in range(0, MUCH, 4096):
    KEPT[0][at]
"""
SYSV = """
number = LIBC.shmget(0, MUCH, 0o1600)
address = LIBC.shmat(number, None, 0)
LIBC.shmctl(number, 0, None)
LIBC.memset(address, 1, MUCH)
"""
SOCKETS = """
import socket
for _ in range(200):
    KEPT.append(socket.create_connection(("127.0.0.1", int(sys.argv[3]))))
"""

CAUSES = {
    "python": (PYTHON, "python", "live Python memory"),
    "malloc": (MALLOC, "native", "outside Python"),
    "large blocks": (LARGE, "native", "outside Python"),
    "interleaved sizes": (INTERLEAVED, "fragmented", "fragmentation"),
    "thread stacks": (STACKS, "stacks", "stacks of threads"),
    "shared memory": (SHARED, "shared", "shared memory"),
    "mapped file": (FILE, "files", "mapped files"),
    "System V": (SYSV, "sysv", "System V"),
}


def ran(program: str, folder: Path, engine: str, *arguments: str) -> list[Path]:
    """The snapshots of a program, in order."""
    script = folder / "program.py"
    script.write_text(textwrap.dedent(program))
    snapshots = folder / "snapshots"
    subprocess.run(
        [sys.executable, str(script), engine, str(snapshots), *arguments],
        check=True, timeout=harness.HANGS, env=harness.environment(folder),
    )  # fmt: skip
    return sorted(snapshots.rglob("*.bin"))


def asked(*words: str | Path, folder: Path) -> Any:
    done = harness.console(*map(str, words), "--json", env=harness.environment(folder), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("engine", ["exact", "sampled"])
@pytest.mark.parametrize("name", CAUSES)
def test_the_cause_of_a_growth_is_named(name: str, engine: str, tmp_path: Path) -> None:
    program, cause, said = CAUSES[name]
    paths = ran(BEGIN + program + END, tmp_path, engine)
    found = asked("account", paths[1], paths[-1], folder=tmp_path)
    assert sum(part["size"] for part in found["parts"]) == found["rss"]
    assert found["rss"] > 0.7 * MUCH * MIB  # some of it was there before, and free
    assert found["cause"] == cause, found
    assert said in found["sentence"]
    assert found["next"]
    diff = asked("diff", paths[1], paths[-1], folder=tmp_path)
    assert diff["account"]["cause"] == cause
    assert sum(part["size"] for part in diff["account"]["parts"]) == found["rss"]
    content = b"".join(path.read_bytes() for path in paths)
    assert SECRET.encode() not in content


COPIED = """
import os, sys
import leakhunt
leakhunt.install(engine=sys.argv[1], dir=sys.argv[2], start="boot", keep=0)
OBJECTS = [[] for _ in range(400_000)]
if os.fork() == 0:
    leakhunt.dump()
    leakhunt.dump()
    held = OBJECTS[:]
    leakhunt.dump()
    os._exit(0)
assert os.wait()[1] == 0
"""


@pytest.mark.parametrize("engine", ["exact", "sampled"])
def test_pages_that_are_unshared_from_the_parent_are_told(engine: str, tmp_path: Path) -> None:
    """To hold an object writes to its page; the resident set counts it before and after."""
    paths = ran(COPIED, tmp_path, engine)
    found = asked("account", paths[1], paths[-1], folder=tmp_path)
    sizes = {part["part"]: part["size"] for part in found["parts"]}
    assert sum(sizes.values()) == found["rss"]
    assert found["cause"] == "copied", found
    assert "copy-on-write" in found["sentence"]
    assert "gc.freeze()" in found["next"]
    assert sizes["unshared"] > 8 * MIB
    assert sizes["unshared"] == -sizes["shared-with-parent"]


@pytest.fixture
def listener() -> Iterator[int]:
    """A port at which connections are taken, and never looked at."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1000)
        yield server.getsockname()[1]


def test_sockets_are_not_in_memory_and_are_told(listener: int, tmp_path: Path) -> None:
    paths = ran(BEGIN + SOCKETS + END, tmp_path, "sampled", str(listener))
    found = asked("account", paths[1], paths[-1], folder=tmp_path)
    assert found["cause"] == "nothing", found
    assert f"sockets to :{listener} 0 → 200" in found["sentence"]
    (told,) = [one for one in found["resources"] if one["kind"] == "socket"]
    assert (told["port"], told["first"], told["last"]) == (listener, 0, 200)
    assert told["states"] == {"established": 200}


PER_TASK = """
import socket, sys
import leakhunt
leakhunt.install(engine=sys.argv[1], dir=sys.argv[2], start="boot", keep=0)
KEPT = []
@leakhunt.unit("order")
def leak():
    KEPT.append(socket.create_connection(("127.0.0.1", int(sys.argv[3]))))
for number in range(9):
    for _ in range(20):
        leak()
    leakhunt.dump()
"""


def test_sockets_that_leak_are_judged_as_memory_is(listener: int, tmp_path: Path) -> None:
    """By units of work: by the seconds, which a busy machine draws out, nine snapshots may prove nothing."""
    paths = ran(PER_TASK, tmp_path, "exact", str(listener))
    found = asked("trend", *paths, folder=tmp_path)
    (told,) = [one for one in found["resources"] if one["kind"] == "socket"]
    assert told["series"] == [20 * number for number in range(1, 10)]
    assert (found["unit"], told["per_unit"]) == ("task", 1)
    assert f"sockets to :{listener} 20 → 180" in found["summary"]
    assert found["account"]["rss"] == sum(part["size"] for part in found["account"]["parts"])


OPEN = f"""
import ctypes, os, subprocess, sys, threading, time
import leakhunt
leakhunt.install(engine="off", dir=sys.argv[2], keep=0)
SECRET = {SECRET!r}
LIBC = ctypes.CDLL(None)
leakhunt.dump()
def poll():
    threading.Event().wait()
pipes = [os.pipe() for _ in range(5)]
files = [open(os.path.join(sys.argv[2], SECRET + str(n)), "w") for n in range(6)]
os.unlink(files[0].name)
inotify = [LIBC.inotify_init() for _ in range(7)]
eventfds = [LIBC.eventfd(0, 0) for _ in range(8)]
for number in range(9):
    threading.Thread(target=poll, name=SECRET + str(number), daemon=True).start()
children = [subprocess.Popen(["sh", "-c", "exec sleep 1000", SECRET]) for _ in range(4)]
while any(open(f"/proc/{{child.pid}}/comm").read() != "sleep\\n" for child in children):
    time.sleep(0.001)
leakhunt.dump()
for child in children:
    child.kill()
    child.wait()
"""


def test_what_is_open_is_counted_by_kind_and_nothing_of_it_told(tmp_path: Path) -> None:
    paths = ran(OPEN, tmp_path, "off")
    found = {
        (kind, name): number for kind, name, _, _, number in harness.facts(paths[-1])["resources"]
    }
    before = {(kind, name): n for kind, name, _, _, n in harness.facts(paths[0])["resources"]}

    def more(kind: str, name: str = "") -> int:
        return int(found.get((kind, name), 0) - before.get((kind, name), 0))

    assert more("pipe") == 10
    assert more("file") == 5
    assert more("deleted file") == 1
    assert more("inotify") == 7
    assert more("eventfd") == 8
    assert more("thread", "__main__.poll") == 9
    assert more("subprocess", "sleep") == 4
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in paths)
