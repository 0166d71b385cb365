"""What a process has open beside memory: how many of each kind. No path, host, address or content is read
into a snapshot; a port is.

From /proc of the process: a capture's child asks for its parent, as its own descriptors are closed.
"""

from __future__ import annotations

import contextlib
import posix
from collections import Counter
from collections.abc import Iterable, Sequence

from leakhunt.hook.process import kernel, vitals
from leakhunt.hook.process.maps import MOST
from leakhunt.hook.process.threads import Thread
from leakhunt.snapfile.records import Resource

#: States of a TCP connection (``include/net/tcp_states.h`` of Linux).
STATES = {
    1: "established", 2: "syn-sent", 3: "syn-received", 4: "fin-wait-1", 5: "fin-wait-2",
    6: "time-wait", 7: "closed", 8: "close-wait", 9: "last-ack", 10: "listening", 11: "closing",
    12: "syn-received",
}  # fmt: skip
LISTENING = 10

#: Descriptors without a name in the file system, by what the kernel calls them.
_KINDS = {
    "eventpoll": "epoll", "eventfd": "eventfd", "inotify": "inotify", "fanotify": "fanotify",
    "signalfd": "signalfd", "timerfd": "timerfd", "pidfd": "pidfd", "io_uring": "io_uring",
    "userfaultfd": "userfaultfd", "perf_event": "perf_event",
}  # fmt: skip

#: So many rows are told at most.
ROWS = 200


def resources(
    pid: int, threads: Iterable[Thread], child: int | None = None
) -> list[Resource] | None:
    """How many of each kind a process has, most first; None where there is no /proc.

    ``child``: a process of leakhunt's own, which does not count.
    """
    if not vitals.LINUX:
        return None
    counts: Counter[tuple[str, str, int, str]] = Counter()
    try:
        _descriptors(pid, counts)
    except OSError:  # the process has ended, or is somebody else's
        return None
    _threads(pid, threads, counts)
    with contextlib.suppress(OSError):
        _children(pid, child, counts)
    _semaphores(pid, counts)
    return [Resource(*key, number) for key, number in counts.most_common(ROWS)]


# -- descriptors ----------------------------------------------------------------------


def _descriptors(pid: int, counts: Counter[tuple[str, str, int, str]]) -> None:
    """Raises OSError."""
    sockets: Counter[str] = Counter()
    folder = f"/proc/{pid}/fd"
    for name in posix.listdir(folder):
        with contextlib.suppress(OSError):  # closed meanwhile
            target = posix.readlink(f"{folder}/{name}")
            if vitals.is_left(target):
                continue
            if target.startswith("socket:["):
                sockets[target[8:-1]] += 1
            else:
                counts[_kind(target), "", 0, ""] += 1
    if sockets:
        _sockets(pid, sockets, counts)


def _kind(target: str) -> str:
    """What a descriptor is, by where its link in /proc leads."""
    if target.startswith("pipe:["):
        return "pipe"
    if target.startswith("anon_inode:"):
        return _KINDS.get(target[11:].strip("[]"), "descriptor")
    if target.startswith("/dev/shm/") or target.startswith("/memfd:"):
        return "shared memory"
    if target.startswith("/dev/"):
        return "device"
    if target.startswith("/"):
        return "deleted file" if target.endswith(" (deleted)") else "file"
    return "descriptor"


def _sockets(pid: int, wanted: Counter[str], counts: Counter[tuple[str, str, int, str]]) -> None:
    """Sockets by protocol, by the port at the other end (of accepted ones at this), and state."""
    left = Counter(wanted)
    for protocol in ("tcp", "tcp6", "udp", "udp6"):
        rows = _table(f"/proc/{pid}/net/{protocol}")
        listening = {_port(row[1]) for row in rows if int(row[3], 16) == LISTENING}
        tcp = protocol.startswith("tcp")
        for row in rows:
            inode = row[9].decode()
            if inode not in left:
                continue
            number, state = left.pop(inode), int(row[3], 16)
            local, remote = _port(row[1]), _port(row[2])
            if not tcp:
                counts["socket", "udp", remote, ""] += number
            elif state == LISTENING:
                counts["socket", "tcp listening", local, ""] += number
            else:
                incoming = local in listening and remote not in listening
                key = ("tcp from", local) if incoming else ("tcp", remote)
                counts["socket", key[0], key[1], STATES.get(state, "")] += number
    unix = {row[6].decode() for row in _table(f"/proc/{pid}/net/unix", 7)}
    for inode, number in left.items():
        counts["socket", "unix" if inode in unix else "other", 0, ""] += number


def _table(path: str, least: int = 10) -> list[list[bytes]]:
    """The rows of a table of sockets (proc(5)); without its head."""
    content = vitals.whole(path, MOST) or b""
    rows = (line.split() for line in content.splitlines()[1:])
    return [row for row in rows if len(row) >= least]


def _port(address: bytes) -> int:
    return int(address.rpartition(b":")[2], 16)


# -- threads, processes, semaphores ----------------------------------------------------


def _threads(
    pid: int, threads: Iterable[Thread], counts: Counter[tuple[str, str, int, str]]
) -> None:
    """Threads by the code that they run; of those that Python has not made by the kernel's name for them,
    where no thread of Python's has it (which may be anything, and is inherited).
    """
    natives = set()
    for thread in threads:
        counts["thread", thread.name, 0, ""] += 1
        if thread.native is not None:
            natives.add(str(thread.native))
    names: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for number in posix.listdir(f"/proc/{pid}/task"):
            names[number] = _comm(f"/proc/{pid}/task/{number}/comm")
    pythons = {name for number, name in names.items() if number in natives or number == str(pid)}
    for number, name in names.items():
        if number not in natives and number != str(pid):
            counts["native thread", "" if name in pythons else _without_digits(name), 0, ""] += 1


def _children(pid: int, own: int | None, counts: Counter[tuple[str, str, int, str]]) -> None:
    """Processes that it has begun and not forgotten, by program. Raises OSError."""
    for thread in posix.listdir(f"/proc/{pid}/task"):
        listed = vitals.whole(f"/proc/{pid}/task/{thread}/children", MOST) or b""
        for child in listed.split():
            if int(child) == own:
                continue
            line = kernel.stat(int(child))
            if line is not None:
                ended = "ended" if line.is_over else ""
                counts["subprocess", _without_digits(line.program), 0, ended] += 1


def _semaphores(pid: int, counts: Counter[tuple[str, str, int, str]]) -> None:
    """POSIX semaphores with names: mapped files (sem_overview(7)), each in a mapping of its own."""
    mapped = vitals.whole(f"/proc/{pid}/maps", MOST) or b""
    number = mapped.count(b" /dev/shm/sem.")
    if number:
        counts["semaphore", "", 0, ""] += number


def _comm(path: str) -> str:
    return (vitals.read(path, 64) or b"").decode(errors="replace").strip()


def _without_digits(name: str) -> str:
    """One name for all of a series: ``grpc_poll_12`` is ``grpc_poll_N``."""
    out: list[str] = []
    for letter in name:
        if not letter.isdigit():
            out.append(letter)
        elif not out or out[-1] != "N":
            out.append("N")
    return "".join(out)


def plain(opened: Sequence[Resource] | None) -> list[tuple[object, ...]] | None:
    """As a file has them."""
    return None if opened is None else [tuple(each) for each in opened]
