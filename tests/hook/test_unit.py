"""Units of work: each counts once, by name, and is charged with what its thread keeps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from leakhunt.hook import unit
from leakhunt.snapshots.load import load
from tests.support.places import ROOT
from tests.support.unbuilt import needs_parts

START = """
import asyncio, json, os, sys, threading
import leakhunt
leakhunt.install(dir=sys.argv[1])
kept = []
"""


def run(program: str, folder: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LEAKHUNT_")}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(folder)],
        capture_output=True, text=True, check=False, timeout=400,
        env={**environment, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def facts(program: str, folder: Path) -> dict[str, Any]:
    """What the snapshot says that the program takes at its end."""
    path = run(START + textwrap.dedent(program) + "\nprint(leakhunt.dump())", folder)
    known = load(path.splitlines()[-1]).meta
    return {**known.facts, "noun": known.unit}


def runs(known: dict[str, Any]) -> dict[str, int]:
    return {name: each["runs"] for name, each in known["tasks"].items()}


def test_a_call_counts_one(tmp_path: Path) -> None:
    known = facts("for n in range(7): leakhunt.count('row')", tmp_path)
    assert (known["tasks_done"], runs(known), known["noun"]) == (7, {"row": 7}, "unit")


def test_in_a_forked_child_other_threads_have_nothing_under_way() -> None:
    own = threading.get_ident()
    opened = unit.Open()
    opened.pid, opened.number = os.getpid() - 1, 3
    opened.by_thread = {own: ["mine", "inner"], own + 1: ["of a thread that is not here"]}
    opened.adopt()
    assert (opened.running(), opened.number, opened.pid) == (["inner"], 2, os.getpid())


def test_a_context_counts_one_when_it_ends_whatever_happens(tmp_path: Path) -> None:
    known = facts(
        """
        for n in range(5):
            try:
                with leakhunt.unit("import"):
                    if n == 2:
                        raise ValueError("the program's own")
            except ValueError:
                pass
        under_way = leakhunt.unit("endless")
        under_way.__enter__()
        """,
        tmp_path,
    )
    assert runs(known) == {"import": 5}
    assert known["tasks"]["import"]["failed"] == 1
    assert known["tasks"]["import"]["wall"] >= 0
    assert known["running"] == ["endless"]


def test_a_decorated_function_counts_each_call_and_a_coroutine_until_it_ends(
    tmp_path: Path,
) -> None:
    known = facts(
        """
        @leakhunt.unit("plain")
        def plain(a, *, b):
            '''docstring'''
            return a + b
        @leakhunt.unit("waited")
        async def waited():
            await asyncio.sleep(0)
            return 3
        assert plain(1, b=2) == 3 and plain.__name__ == "plain" and plain.__doc__ == "docstring"
        async def both():
            return await asyncio.gather(waited(), waited())
        assert asyncio.run(both()) == [3, 3]
        async def within():
            async with leakhunt.unit("within"):
                await asyncio.sleep(0)
        asyncio.run(within())
        """,
        tmp_path,
    )
    assert runs(known) == {"plain": 1, "waited": 2, "within": 1}


@needs_parts  # the exact engine begins with the first snapshot
def test_what_a_unit_keeps_is_its_own(tmp_path: Path) -> None:
    known = facts(
        """
        for n in range(300):
            with leakhunt.unit("leaks"):
                kept.append(bytearray(20_000))
            with leakhunt.unit("does not"):
                bytearray(20_000)
        """,
        tmp_path,
    )
    assert known["tasks"]["leaks"]["kept"] > 300 * 20_000 * 0.8
    assert known["tasks"]["does not"]["kept"] < 300 * 2_000


def test_units_side_by_side_are_counted_and_none_is_charged(tmp_path: Path) -> None:
    known = facts(
        """
        barrier = threading.Barrier(4)
        def work():
            for n in range(50):
                with leakhunt.unit("beside"):
                    barrier.wait()
                    kept.append(bytearray(1000))
        threads = [threading.Thread(target=work) for n in range(4)]
        [each.start() for each in threads]
        [each.join() for each in threads]
        """,
        tmp_path,
    )
    assert runs(known) == {"beside": 200}
    assert known["tasks"]["beside"]["kept"] is None


def test_names_without_end_share_one_and_the_book_stays_small(tmp_path: Path) -> None:
    known = facts(
        """
        for n in range(5000):
            leakhunt.count(f"GET /orders/{n}")
            with leakhunt.unit("x" * 10_000 + str(n)): pass
        """,
        tmp_path,
    )
    assert known["tasks_done"] == 10_000
    assert sum(runs(known).values()) == 10_000
    assert len(runs(known)) <= 256
    assert max(map(len, runs(known))) <= 200


def test_every_so_many_units_there_is_a_snapshot(tmp_path: Path) -> None:
    program = START.replace("dir=sys.argv[1]", "dir=sys.argv[1], every=100") + textwrap.dedent("""
        import time
        from leakhunt.hook import current
        for n in range(250):
            leakhunt.count("row")
            while current.hook().captures.under_way is not None:
                current.hook().captures.poll(); time.sleep(0.001)
        print(current.hook().answers.captures)
    """)
    assert run(program, tmp_path).split() == ["2"]


def test_without_a_hook_nothing_happens_and_nothing_is_loaded(tmp_path: Path) -> None:
    told = run(
        """
        import sys, json, leakhunt
        leakhunt.count("row")
        with leakhunt.unit("import"): pass
        print(json.dumps(sorted(n for n in sys.modules if n in ("celery", "psutil"))))
        """,
        tmp_path,
    )
    assert json.loads(told) == []


def test_a_forked_child_counts_for_itself(tmp_path: Path) -> None:
    known = facts(
        """
        leakhunt.count("before")
        with leakhunt.unit("around"):
            if os.fork() == 0:
                leakhunt.count("in the child")
                from leakhunt.hook import current
                assert current.hook().ledger.done == 1, current.hook().ledger.done
                os._exit(0)
            assert os.wait()[1] == 0
        """,
        tmp_path,
    )
    assert runs(known) == {"before": 1, "around": 1}


@pytest.mark.parametrize("kind", ["list", "generator", "error", "file"])
def test_a_wsgi_request_lasts_until_the_response_is_closed(tmp_path: Path, kind: str) -> None:
    known = facts(
        f"kind = {kind!r}"
        + """
        from wsgiref.util import FileWrapper, setup_testing_defaults
        import io
        def app(environ, start_response):
            if kind == "error":
                raise LookupError("the application's own")
            start_response("200 OK", [])
            if kind == "list":
                return [b"body"]
            if kind == "file":
                return environ["wsgi.file_wrapper"](io.BytesIO(b"body"))
            return (part for part in (b"bo", b"dy"))
        wrapped = leakhunt.wsgi(app)
        environ = {"wsgi.file_wrapper": FileWrapper}
        setup_testing_defaults(environ)
        from leakhunt.hook import current
        try:
            body = wrapped(environ, lambda *_: None)
        except LookupError:
            assert kind == "error"
        else:
            assert current.hook().ledger.done == (kind != "generator")
            assert isinstance(body, {"list": list, "file": FileWrapper}.get(kind, object))
            assert b"".join(body) == b"body"
            getattr(body, "close", lambda: None)()
        assert current.hook().ledger.done == 1
        wrapped(dict(environ, REQUEST_METHOD="<a client's own word>"), lambda *_: None) if kind == "list" else 0
        """.replace("\n        ", "\n"),
        tmp_path,
    )
    assert runs(known) == {"GET": 1, **({"request": 1} if kind == "list" else {})}
    assert known["tasks"]["GET"]["failed"] == (kind == "error")
    assert known["noun"] == "request"


def test_an_asgi_request_lasts_until_the_application_returns(tmp_path: Path) -> None:
    known = facts(
        """
        async def app(scope, receive, send):
            if scope["type"] == "lifespan":
                return
            await asyncio.sleep(0)
            if scope["path"] == "/fails":
                raise LookupError("the application's own")
        plain = leakhunt.asgi(app)
        named = leakhunt.asgi(app, name=lambda scope: scope["type"] + " by route")
        broken = leakhunt.asgi(app, name=lambda scope: 1 / 0)
        async def main():
            await plain({"type": "lifespan"}, None, None)
            await asyncio.gather(*(plain({"type": "http", "method": "POST", "path": "/"}, None, None) for n in range(5)))
            try:
                await plain({"type": "http", "method": "POST", "path": "/fails"}, None, None)
            except LookupError:
                pass
            await plain({"type": "websocket", "path": "/"}, None, None)
            await named({"type": "http", "method": "GET", "path": "/"}, None, None)
            await broken({"type": "http", "method": "GET", "path": "/"}, None, None)
        asyncio.run(main())
        """,
        tmp_path,
    )
    assert runs(known) == {"POST": 6, "websocket": 1, "http by route": 1, "GET": 1}
    assert known["tasks"]["POST"]["failed"] == 1


def test_a_middleware_is_the_application_for_whoever_asks_it(tmp_path: Path) -> None:
    told = run(
        """
        import leakhunt
        class App:
            config = {"DEBUG": False}
            def __call__(self, environ, start_response): ...
        assert leakhunt.wsgi(App()).config is App.config and leakhunt.asgi(App()).config is App.config
        print("well")
        """,
        tmp_path,
    )
    assert told == "well\n"
