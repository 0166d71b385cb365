"""What leaked in a release of a library, and does not in the next: targets of ``leakhunt check``.

Each imports its library when it is first called, since no two of them are installed together.
"""

import contextlib
import functools
import io
import tempfile


@functools.cache
def library(name):
    return __import__(name)


def multidict():
    """aio-libs/multidict#1131: what an update replaces."""
    headers = library("multidict").CIMultiDict({"Accept": "text/html"})
    headers.update({"Accept": "text/plain", "Host": "example.com"})


class Unknown:
    """Nothing that JSON has a word for."""


def refuse(value):
    raise TypeError(type(value).__name__)


def orjson():
    """ijl/orjson#392: the traceback of what ``default`` raises, and so all that its frames hold."""
    with contextlib.suppress(TypeError):
        library("orjson").dumps(Unknown(), default=refuse)


class Full(io.StringIO):
    """A disk without room."""

    def write(self, text):
        raise OSError(28, "No space left on device")


def ujson():
    """CVE-2026-44660: the text that could not be written."""
    with contextlib.suppress(OSError):
        library("ujson").dump({"order": list(range(50))}, Full())


def structlog():
    """hynek/structlog#807: a lock for each log file, and so the file."""
    with tempfile.TemporaryFile("w") as log:
        library("structlog").WriteLogger(log).info("shipped")


def beartype():
    """beartype/beartype#673: a decorated closure, and so all that it holds."""
    pieces = 3

    def price(each: int) -> int:
        return each * pieces

    library("beartype").beartype(price)(4)
