"""Each request of a WSGI or ASGI application as a unit of work.

A unit's name goes into every snapshot, so by default it is the method alone: a path may hold a token
or somebody's name. ``name`` gives a better one, such as the route's pattern, and stands for what
it returns.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

from leakhunt.hook.log import say
from leakhunt.hook.unit import REQUEST, Unit

#: HTTP's methods (RFC 9110, 5789); any other is a client's own word.
METHODS = frozenset(
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
)


def _named(name: Callable[[Any], str] | None, about: Any, method: Any) -> str:
    if name is not None:
        try:
            return str(name(about))
        except Exception as error:  # noqa: BLE001 - the program's guard: a name is not worth a request
            say(logging.WARNING, f"a request has no name: {type(error).__name__}: {error}")
    return method if method in METHODS else "request"


class Wsgi:
    """A WSGI application (PEP 3333) whose requests count, until the server has closed the response."""

    def __init__(
        self, app: Callable[..., Iterable[bytes]], name: Callable[[Any], str] | None = None
    ) -> None:
        self.app, self.name = app, name

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        unit = Unit(_named(self.name, environ, environ.get("REQUEST_METHOD")), REQUEST)
        unit.begin()
        try:
            body = self.app(environ, start_response)
        except Exception:
            unit.end(failed=True)
            raise
        except BaseException:
            unit.end()
            raise
        file_wrapper = environ.get("wsgi.file_wrapper")
        is_file = isinstance(file_wrapper, type) and isinstance(body, file_wrapper)
        if is_file or isinstance(body, (list, tuple)):
            unit.end()  # nothing is computed any more, and the server may treat these in its own way
            return body
        return _Body(body, unit)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.app, name)


class _Body:
    """A response that is still being made."""

    def __init__(self, body: Iterable[bytes], unit: Unit) -> None:
        self._body, self._unit = body, unit

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        """The server calls it at last, whatever happens (PEP 3333)."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._unit.end()


Send = Callable[[Any], Awaitable[None]]


class Asgi:
    """An ASGI application whose requests count, and each websocket, when it is over."""

    def __init__(
        self, app: Callable[..., Awaitable[None]], name: Callable[[Any], str] | None = None
    ) -> None:
        self.app, self.name = app, name

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Send) -> None:
        kind = scope.get("type")
        if kind not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        method = scope.get("method") if kind == "http" else None
        unit = Unit(_named(self.name, scope, method) if method or self.name else kind, REQUEST)
        async with unit:
            await self.app(scope, receive, send)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.app, name)
