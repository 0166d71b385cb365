"""Requests of WSGI and ASGI: each counts when it is over, and no path goes into a file by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from leakhunt.hook import web


class Noted:
    """In the place of ``Unit``: what begins and ends, in order."""

    events: list[tuple[Any, ...]]

    def __init__(self, name: str, noun: str) -> None:
        self.name, self.noun = name, noun

    def begin(self) -> None:
        self.events.append(("begin", self.name, self.noun))

    def end(self, failed: bool = False) -> None:
        self.events.append(("end", failed))

    async def __aenter__(self) -> None:
        self.begin()

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.end(kind is not None)


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    Noted.events = []
    monkeypatch.setattr(web, "Unit", Noted)
    return Noted.events


GET = {"REQUEST_METHOD": "GET", "PATH_INFO": "/reset/token-of-somebody"}
Events = list[tuple[Any, ...]]


def app(body: Iterable[bytes]) -> Callable[..., Iterable[bytes]]:
    return lambda environ, start_response: body


def test_a_body_that_is_whole_ends_the_request_and_is_handed_on_as_it_is(events: Events) -> None:
    body = [b"whole"]
    assert web.Wsgi(app(body))(GET, None) is body
    assert events == [("begin", "GET", "request"), ("end", False)]


def test_a_body_that_is_still_made_ends_the_request_when_the_server_closes_it(
    events: Events,
) -> None:
    closed: list[str] = []

    class Made:
        def __iter__(self) -> Iterator[bytes]:
            yield b"a"
            yield b"b"

        def close(self) -> None:
            closed.append("closed")

    body = web.Wsgi(app(Made()))(GET, None)
    assert [*body] == [b"a", b"b"]
    assert events == [("begin", "GET", "request")]
    body.close()  # type: ignore[attr-defined]
    assert (events[1:], closed) == ([("end", False)], ["closed"])


def test_the_request_ends_though_closing_its_body_fails(events: Events) -> None:
    class Fails:
        def __iter__(self) -> Iterator[bytes]:
            return iter(())

        def close(self) -> None:
            raise OSError("gone")

    body = web.Wsgi(app(Fails()))(GET, None)
    with pytest.raises(OSError, match="gone"):
        body.close()  # type: ignore[attr-defined]
    assert events[1:] == [("end", False)]


def test_a_file_is_the_servers_to_send(events: Events) -> None:
    class Wrapper:
        def __iter__(self) -> Iterator[bytes]:
            return iter(())

    body = Wrapper()
    assert web.Wsgi(app(body))({**GET, "wsgi.file_wrapper": Wrapper}, None) is body
    assert events[-1] == ("end", False)
    # A wrapper that is a function, as some servers have it, tells no file from a generator.
    other = web.Wsgi(app(body))({**GET, "wsgi.file_wrapper": lambda file: file}, None)
    assert other is not body
    assert len(events) == 3


@pytest.mark.parametrize(("error", "failed"), [(ValueError("bad"), True), (SystemExit(), False)])
def test_what_the_application_raises_goes_through(
    events: Events, error: BaseException, failed: bool
) -> None:
    def raises(environ: Any, start_response: Any) -> Any:
        raise error

    with pytest.raises(type(error)):
        web.Wsgi(raises)(GET, None)
    assert events == [("begin", "GET", "request"), ("end", failed)]


@pytest.mark.parametrize("method", ["get", "SECRET", "", None])
def test_a_method_that_http_does_not_have_names_nothing(events: Events, method: str | None) -> None:
    web.Wsgi(app([]))({"REQUEST_METHOD": method}, None)
    assert events[0] == ("begin", "request", "request")


def test_a_name_may_be_given_and_a_wrong_one_costs_no_request(
    events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[int] = []
    monkeypatch.setattr(web, "say", lambda level, text: said.append(level))
    web.Wsgi(app([]), name=lambda environ: f"route {len(environ)}")(GET, None)
    web.Wsgi(app([]), name=lambda environ: environ["NONE"])(GET, None)
    assert [event[1] for event in events if event[0] == "begin"] == ["route 2", "GET"]
    assert said == [logging.WARNING]


def test_what_the_application_has_beside_it_is_still_there() -> None:
    class Flask:
        config = 3

        def __call__(self, *_: Any) -> list[bytes]:
            return []

    assert web.Wsgi(Flask()).config == 3
    assert web.Asgi(Flask()).config == 3  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        _ = web.Wsgi(Flask()).nothing


def served(scope: dict[str, Any], name: Any = None, error: Exception | None = None) -> list[Any]:
    """The arguments with which the application was called."""
    called: list[Any] = []

    async def application(*arguments: Any) -> None:
        called.append(arguments)
        if error is not None:
            raise error

    asyncio.run(web.Asgi(application, name)(scope, "receive", "send"))  # type: ignore[arg-type]
    return called


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        ({"type": "http", "method": "POST", "path": "/token"}, "POST"),
        ({"type": "http", "method": "BREW"}, "request"),
        ({"type": "http"}, "http"),
        ({"type": "websocket", "method": "GET", "path": "/token"}, "websocket"),
    ],
)
def test_a_request_or_a_websocket_counts(events: Events, scope: dict[str, Any], name: str) -> None:
    assert served(scope) == [(scope, "receive", "send")]
    assert events[0][:2] == ("begin", name)
    assert events[1:] == [("end", False)]


def test_the_lifespan_of_a_server_is_no_request(events: Events) -> None:
    assert len(served({"type": "lifespan"})) == 1
    assert events == []


def test_what_an_asgi_application_raises_goes_through(events: Events) -> None:
    with pytest.raises(ValueError, match="bad"):
        served({"type": "http", "method": "GET"}, lambda scope: "mine", ValueError("bad"))
    assert events == [("begin", "mine", "request"), ("end", True)]
