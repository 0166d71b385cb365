"""Workers of every pool, and behind other brokers than Redis, asked through the broker for their processes and
for a snapshot.

All workers behind one broker are started together and asked together: that is what a fleet is, and it takes
a fifth of the time.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from concurrent import futures
from pathlib import Path

import pytest

from leakhunt.snapshots.load import load
from tests.live import harness

pytestmark = pytest.mark.live

#: Seconds that a reply may take: the machine may be busy.
PATIENCE = "20s"
#: How a worker of each pool is started: the name that it gives for its pool, and how many processes it has.
POOLS = {
    "prefork": (("-P", "prefork", "-c", "2"), "prefork", 3),
    "spawn": (("-P", "prefork", "--pool-start-method", "spawn", "-c", "1"), "prefork", 2),
    "solo": (("-P", "solo"), "solo", 1),
    "threads": (("-P", "threads", "-c", "2"), "threads", 1),
    "gevent": (("-P", "gevent", "-c", "2"), "gevent", 1),
    "eventlet": (("-P", "eventlet", "-c", "2"), "eventlet", 1),
}
RABBIT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


@pytest.fixture(scope="module")
def amqp_url() -> Iterator[str]:
    """A RabbitMQ of this test's own: its ports, files and Erlang's name server are nobody else's."""
    if not RABBIT.exists() or shutil.which("epmd") is None:
        pytest.skip("RabbitMQ is not installed (Debian: apt-get install rabbitmq-server)")
    ports = [_free() for _ in range(3)]
    with tempfile.TemporaryDirectory(prefix="leakhunt-") as folder:
        home = Path(folder)
        (home / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{ports[0]}\n")
        (home / "plugins").write_text("[].\n")
        environment = {
            **os.environ,
            "HOME": folder,
            "RABBITMQ_NODENAME": f"leakhunt{ports[0]}@localhost",
            "RABBITMQ_DIST_PORT": str(ports[1]),
            "ERL_EPMD_PORT": str(ports[2]),
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_PID_FILE": str(home / "pid"),
        }
        # Were it left to start Erlang's name server, that would be a daemon, which outlives all.
        names = subprocess.Popen(
            ["epmd", "-port", str(ports[2])], env=environment, cwd=folder, stdin=subprocess.DEVNULL
        )

        def named() -> bool:
            assert names.poll() is None, "Erlang's name server has ended"
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", ports[2])) == 0

        try:
            harness.until(named, "Erlang's name server answers")
        except BaseException:
            names.kill()
            names.wait()
            raise
        with (home / "out").open("wb") as out:
            server = subprocess.Popen(
                [str(RABBIT)], env=environment, cwd=folder, stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip

        def answers() -> bool:
            assert server.poll() is None, (home / "out").read_text(errors="replace")[-3000:]
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", ports[0]), 5) as client,
            ):
                client.settimeout(5)
                client.sendall(b"AMQP\x00\x00\x09\x01")
                return client.recv(1) == b"\x01"  # a frame of a method: connection.start
            return False

        try:
            harness.until(answers, "RabbitMQ answers")
            yield f"amqp://guest:guest@127.0.0.1:{ports[0]}//"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, 9)
            server.wait()
            names.kill()
            names.wait()


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def crew(
    folder: Path, *pools: str, broker: str | None = None
) -> Iterator[Mapping[str, harness.Worker]]:
    """A worker of each of those pools, by its node; stopped and checked when the test has passed."""
    # What a snapshot says of the heap is nothing to its way through a broker.
    variables = {"LEAKHUNT_WALK": "off"}
    if broker is not None:
        variables.update(SHOP_BROKER=broker, SHOP_BACKEND=f"file://{folder}")
    found: dict[str, harness.Worker] = {}
    try:
        for pool in pools:
            own = folder / pool
            own.mkdir()
            found[f"{pool}@h"] = harness.Worker(
                own, *POOLS[pool][0], "-n", f"{pool}@h", hook=True, **variables
            )
        for node, worker in found.items():
            worker.ready()
            _, _, processes = POOLS[node[:-2]]
            worker.until(lambda: len(worker.records()) == processes, f"{processes} hooked")  # noqa: B023
        yield found
        with futures.ThreadPoolExecutor() as together:
            for stopped in [together.submit(worker.stop) for worker in found.values()]:
                stopped.result()
    finally:
        for worker in found.values():
            worker.kill()


def console(
    worker: harness.Worker, nodes: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    words = (*arguments, "-A", "shop", "--wait", PATIENCE, "--destination", nodes)
    return harness.console(*words, env=worker.environment, cwd=worker.folder)


def asked(workers: Mapping[str, harness.Worker]) -> None:
    """Whoever asks the fleet has the answer of every process of every worker, and of nobody else."""
    first, nodes = next(iter(workers.values())), ",".join(workers)
    every = {record["pid"]: node for node, worker in workers.items() for record in worker.records()}
    assert len(every) == sum(POOLS[node[:-2]][2] for node in workers)
    seen = console(first, nodes, "ps", "--json")
    assert seen.returncode == 0, seen.stderr
    rows = json.loads(seen.stdout)["processes"]
    assert {row["pid"]: row["node"] for row in rows} == every
    assert len(rows) == len(every)
    for row in rows:
        assert (row["hooked"], row["pool"]) == (True, POOLS[row["node"][:-2]][1])
        assert row["rss"] > 0
    dumped = console(first, nodes, "dump")
    assert dumped.returncode == 0, dumped.stderr
    paths = dumped.stdout.splitlines()
    assert len(paths) == len(every)
    assert {load(path).meta.pid for path in paths} == set(every)
    watched = console(first, nodes, "watch", "--once", "--json")
    assert watched.returncode == 0, watched.stderr
    assert {row["pid"] for row in json.loads(watched.stdout)["processes"]} == set(every)


def test_a_worker_of_each_pool_answers(tmp_path: Path, redis_url: str) -> None:
    pools = [
        pool for pool in POOLS if pool != "prefork" and harness.present(pool)
    ]  # test_remote has that
    assert {"solo", "threads"} <= {*pools}
    with crew(tmp_path, *pools, broker=redis_url) as workers:
        for node, worker in workers.items():
            worker.listening(node)
        asked(workers)


def test_amqp_has_broadcast(tmp_path: Path, amqp_url: str) -> None:
    pools = [pool for pool in ("prefork", "threads", "gevent") if harness.present(pool)]
    with crew(tmp_path, *pools, broker=amqp_url) as workers:
        for node, worker in workers.items():
            worker.listening(node)
        asked(workers)


def test_a_broker_of_files_has_broadcast(tmp_path: Path) -> None:
    with crew(tmp_path, "prefork") as workers:
        (worker,) = workers.values()
        # The harness's own app hands its messages over by hand: what is broadcast it does not.
        worker.until(
            lambda: console(worker, "prefork@h", "ps").returncode == 0,
            "the worker answers",
        )
        asked(workers)
