"""``leakhunt.install()`` in servers, queues and services, as the README tells it in three lines each."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from leakhunt.snapshots.load import load
from tests.live import harness
from tests.support.places import ROOT

pytestmark = pytest.mark.live

README = (ROOT / "leakhunt/hook/README.md").read_text()
#: {file name: three lines}
TOLD = dict(re.findall(r"```python\n# ([\w.]+)\n(.*?)```", README, re.DOTALL))

WSGI = """
kept = []
def application(environ, start_response):
    kept.append(bytearray(5000))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"well"]
"""
ASGI = """
kept = []
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": kind + ".complete"})
            if kind == "lifespan.shutdown":
                return
    kept.append(bytearray(5000))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"well"})
"""


def needs(*modules: str) -> None:
    for module in modules:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed: pip install 'leakhunt[servers]'")


@contextlib.contextmanager
def running(folder: Path, *command: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server in that folder; ended with all that it has started."""
    environment = harness.environment(folder, **variables)
    environment["PYTHONPATH"] += f":{folder}"
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, *command], cwd=folder, env=environment,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield server
    finally:
        family = [psutil.Process(server.pid)] if server.poll() is None else []
        family += family[0].children(recursive=True) if family else []
        server.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(30)
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()
        server.wait()


def hooked(folder: Path, number: int = 1) -> list[int]:
    """The pids of that many hooked processes."""

    def look() -> list[int] | None:
        found = []
        for path in (folder / "snapshots/processes").glob("*.json"):
            with contextlib.suppress(OSError, ValueError):
                record = json.JSONDecoder().raw_decode(path.read_text(errors="replace"))[0]
                found.append(int(record["pid"]))
        return sorted(found) if len(found) >= number else None

    try:
        return harness.until(look, f"{number} hooked processes")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{(folder / 'server.log').read_text()[-3000:]}") from None


def asked(folder: Path, pid: int) -> dict[str, Any]:
    """What a snapshot says that `leakhunt dump PID` has taken."""
    done = harness.console("dump", str(pid), env=harness.environment(folder))
    assert done.returncode == 0, done.stderr + (folder / "server.log").read_text()[-3000:]
    meta = load(done.stdout.split()[0]).meta
    return {**meta.facts, "noun": meta.unit}


def listening(server: subprocess.Popen[bytes]) -> int:
    """The port that the server, which chose it itself, listens to."""

    def look() -> int | None:
        with contextlib.suppress(psutil.Error):
            family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(True)]
            for each in family:
                for one in each.net_connections("tcp"):
                    if one.status == psutil.CONN_LISTEN:
                        return int(one.laddr.port)
        return None

    return harness.until(look, "the server listens")


def requests(port: int, number: int) -> None:
    for _ in range(number):
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}/", timeout=harness.PATIENCE
        ) as answer:
            assert answer.read() == b"well"


def units(folder: Path, pids: list[int]) -> dict[str, int]:
    """Units by name, of all these processes."""
    found: dict[str, int] = {}
    for pid in pids:
        known = asked(folder, pid)
        for name, each in known["tasks"].items():
            found[name] = found.get(name, 0) + each["runs"]
    return found


@pytest.mark.parametrize("kind", ["sync", "gthread", "gevent"])
def test_gunicorn(tmp_path: Path, kind: str) -> None:
    needs("gunicorn", *(["gevent"] if kind == "gevent" else []))
    (tmp_path / "gunicorn.conf.py").write_text(TOLD["gunicorn.conf.py"])
    (tmp_path / "wsgi.py").write_text(WSGI)
    command = ["-m", "gunicorn", "-k", kind, "-w", "2", "-b", "127.0.0.1:0", "wsgi"]
    with running(tmp_path, *command) as server:
        pids = hooked(tmp_path, 2)
        assert server.pid not in pids
        requests(listening(server), 40)
        assert units(tmp_path, pids) == {"GET": 40}
        assert asked(tmp_path, pids[0])["noun"] in ("request", "task")


def test_uwsgi(tmp_path: Path) -> None:
    program = shutil.which("uwsgi") or shutil.which("uwsgi", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("uwsgi is not installed: pip install uwsgi")
    (tmp_path / "wsgi.py").write_text(WSGI + TOLD["wsgi.py"])
    command = [
        program,
        "--http-socket",
        "127.0.0.1:0",
        "--master",
        "--processes",
        "2",
        "--enable-threads",
    ]
    command += ["--module", "wsgi", "--die-on-term", "--need-app"]
    runs = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
    with running(tmp_path, "-c", runs, *command) as server:
        pids = hooked(tmp_path, 2)
        requests(listening(server), 40)
        # Idle workers, which wait in C code where no handler of Python's runs.
        assert units(tmp_path, pids) == {"GET": 40}


def test_uvicorn_with_workers(tmp_path: Path) -> None:
    needs("uvicorn")
    (tmp_path / "service.py").write_text(ASGI + TOLD["service.py"])
    command = [
        "-m",
        "uvicorn",
        "service:app",
        "--workers",
        "2",
        "--port",
        "0",
        "--host",
        "127.0.0.1",
    ]
    with running(tmp_path, *command) as server:
        pids = hooked(tmp_path, 2)
        requests(listening(server), 40)
        assert units(tmp_path, pids) == {"GET": 40}


def test_dramatiq(tmp_path: Path, redis_url: str) -> None:
    needs("dramatiq", "redis")
    (tmp_path / "dramatiq_jobs.py").write_text(
        f"""
import dramatiq, os, redis
from dramatiq.brokers.redis import RedisBroker
broker = RedisBroker(client=redis.Redis(unix_socket_path={redis_url.partition("://")[2]!r}))
dramatiq.set_broker(broker)
if os.environ.get("SENDER") is None:
"""
        + "".join(f"    {line}\n" for line in TOLD["dramatiq_jobs.py"].splitlines())
        + """
kept = []
@dramatiq.actor
def work(number):
    kept.append(bytearray(5000))
    with open("notes", "a") as file:
        file.write("done\\n")
"""
    )
    with running(tmp_path, "-m", "dramatiq", "dramatiq_jobs", "-p", "1", "-t", "2"):
        sent = "import dramatiq_jobs; [dramatiq_jobs.work.send(n) for n in range(30)]"
        send(tmp_path, sent)
        done(tmp_path, 30)
        counted(tmp_path, hooked(tmp_path), {"work": 30}, "job")


def test_rq(tmp_path: Path, redis_url: str) -> None:
    needs("rq", "redis")
    path = redis_url.partition("://")[2]
    (tmp_path / "rq_jobs.py").write_text(
        "import os\nif os.environ.get('SENDER') is None:\n"
        + "".join(f"    {line}\n" for line in TOLD["rq_jobs.py"].splitlines())
        + """
kept = []
def work(number):
    kept.append(bytearray(5000))
    with open("notes", "a") as file:
        file.write("done\\n")
"""
    )
    command = [
        "-m",
        "rq.cli",
        "worker",
        "--worker-class",
        "rq_jobs.Worker",
        "--url",
        f"unix://{path}",
    ]
    with running(tmp_path, *command):
        send(
            tmp_path,
            f"""
import redis, rq, rq_jobs
queue = rq.Queue(connection=redis.Redis(unix_socket_path={path!r}))
[queue.enqueue(rq_jobs.work, n) for n in range(30)]
""",
        )
        done(tmp_path, 30)
        counted(tmp_path, hooked(tmp_path), {"rq_jobs.work": 30}, "job")


def test_huey(tmp_path: Path) -> None:
    needs("huey")
    (tmp_path / "huey_jobs.py").write_text(
        """
import os
from huey import SqliteHuey
huey = SqliteHuey(filename="queue.db")
kept = []
def work(number):
    kept.append(bytearray(5000))
    with open("notes", "a") as file:
        file.write("done\\n")
if os.environ.get("SENDER") is not None:
    work = huey.task()(work)
else:
"""
        + "".join(f"    {line}\n" for line in TOLD["huey_jobs.py"].splitlines())
    )
    with running(tmp_path, "-m", "huey.bin.huey_consumer", "huey_jobs.huey", "-w", "2"):
        send(tmp_path, "import huey_jobs; [huey_jobs.work(n) for n in range(30)]")
        done(tmp_path, 30)
        counted(tmp_path, hooked(tmp_path), {"work": 30}, "unit")


def test_a_service_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "loop.py").write_text(
        "import asyncio\nkept = []\nasync def tick():\n    kept.append(bytearray(5000))\n"
        "    await asyncio.sleep(0)\n"
        + TOLD["loop.py"]
        + "async def main():\n    for n in range(30):\n        await tick()\n"
        "    print('done', flush=True)\n    await asyncio.sleep(600)\nasyncio.run(main())\n"
    )
    with running(tmp_path, "loop.py"):
        (pid,) = hooked(tmp_path)
        harness.until(lambda: "done" in (tmp_path / "server.log").read_text(), "thirty ticks")
        counted(tmp_path, [pid], {"tick": 30}, "unit")


def test_each_of_the_readmes_is_run() -> None:
    assert sorted(TOLD) == sorted([
        "gunicorn.conf.py", "wsgi.py", "service.py", "dramatiq_jobs.py", "rq_jobs.py", "huey_jobs.py", "loop.py",
    ])  # fmt: skip
    assert {
        name: len([*filter(None, code.splitlines())]) <= 3 for name, code in TOLD.items()
    } == dict.fromkeys(TOLD, True)


# -- jobs ------------------------------------------------------------------------------------


def send(folder: Path, program: str) -> None:
    environment = harness.environment(folder, SENDER="1")
    environment["PYTHONPATH"] += f":{folder}"
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=environment,
        check=True,
        timeout=harness.HANGS,
    )


def done(folder: Path, number: int) -> None:
    def look() -> bool:
        with contextlib.suppress(FileNotFoundError):
            return (folder / "notes").read_text().count("done") >= number
        return False

    try:
        harness.until(look, f"{number} jobs done")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{(folder / 'server.log').read_text()[-3000:]}") from None


def counted(folder: Path, pids: list[int], wanted: dict[str, int], noun: str) -> None:
    """The last one is counted when it has ended, which may be a moment after its note."""
    (pid,) = pids
    harness.until(lambda: units(folder, [pid]) == wanted, f"{wanted} are counted")
    assert asked(folder, pid)["noun"] == noun
