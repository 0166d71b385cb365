"""What a process has open: by kind, port and state, and by nothing else."""

from __future__ import annotations

import os
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from leakhunt.hook.process import resources, vitals
from tests.support.programs import become

pytestmark = pytest.mark.skipif(not vitals.LINUX, reason="reads /proc")


def found(child: int | None = None) -> dict[tuple[str, str, int, str], int]:
    told = resources.resources(os.getpid(), [], child)
    assert told is not None
    return {tuple(one[:4]): one.number for one in told}  # type: ignore[misc]


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(10)
        yield listening


def test_sockets_by_port_and_state(server: socket.socket) -> None:
    port = server.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)) as client:
        taken, _ = server.accept()
        told = found()
        assert told["socket", "tcp", port, "established"] == 1
        assert told["socket", "tcp from", port, "established"] == 1
        assert told["socket", "tcp listening", port, ""] == 1
        taken.close()
        assert found()["socket", "tcp", port, "close-wait"] == 1
        client.close()
    assert ("socket", "tcp", port, "established") not in found()


def test_a_connection_between_two_ports_that_are_listened_at_is_one_to_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker asks a server from a port at which somebody listens as well: it has not been asked."""
    rows = {
        "tcp": [
            b"0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 1",
            b"1: 0100007F:1538 00000000:0000 0A 0:0 0:0 0 0 0 2",
            b"2: 0100007F:1F90 0100007F:1538 01 0:0 0:0 0 0 0 3",
        ]
    }

    def table(path: str, least: int = 10) -> list[list[bytes]]:
        return [row.split() for row in rows.get(path.rpartition("/")[2], [])]

    monkeypatch.setattr(resources, "_table", table)
    counts: Counter[tuple[str, str, int, str]] = Counter()
    resources._sockets(os.getpid(), Counter({"3": 1}), counts)
    assert dict(counts) == {("socket", "tcp", 0x1538, "established"): 1}


def test_descriptors_by_kind(tmp_path: Path) -> None:
    before = found()
    one, other = socket.socketpair()
    pipe = os.pipe()
    with (
        one,
        other,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        open(tmp_path / "a", "w"),
        open(tmp_path / "b", "w") as gone,
    ):
        os.unlink(gone.name)
        udp.connect(("127.0.0.1", 8125))
        after = found()
    os.close(pipe[0])
    os.close(pipe[1])

    def more(*kind: str | int) -> int:
        key = (*kind, *("", "", 0, "")[len(kind) :])
        return after.get(key, 0) - before.get(key, 0)  # type: ignore[arg-type]

    assert more("pipe") == 2
    assert more("file") == 1
    assert more("deleted file") == 1
    assert more("socket", "unix") == 2
    assert more("socket", "udp", 8125) == 1


def test_children_but_for_leakhunts_own() -> None:
    with subprocess.Popen(["sleep", "1000"]) as child:
        try:
            become(child.pid, "sleep")
            told = found()
            assert told["subprocess", "sleep", 0, ""] == 1
            assert ("subprocess", "sleep", 0, "") not in found(child.pid)
            child.send_signal(9)
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            assert found()["subprocess", "sleep", 0, "ended"] == 1
        finally:
            child.kill()


def test_a_process_that_is_gone_tells_nothing() -> None:
    assert resources.resources(2**22 + 1, []) is None


@pytest.mark.parametrize(
    ("name", "said"), [("grpc_12", "grpc_N"), ("a1b22", "aNbN"), ("plain", "plain"), ("", "")]
)
def test_a_series_has_one_name(name: str, said: str) -> None:
    assert resources._without_digits(name) == said
