"""One container for each kind of holder, full of a secret, and the way to it."""

from __future__ import annotations

import array
import collections
import contextlib
import contextvars
import functools
import threading
import weakref
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple

#: Is in every key, value, variable and attribute below, and may be nowhere else.
SECRET = "jane.doe@example.org"


class Kind(NamedTuple):
    """A holder, by the only container with so many entries."""

    name: str
    type: str
    length: int
    path: tuple[tuple[str, str | None], ...]
    bound: int | None = None


def secrets(number: int) -> list[str]:
    return [f"{SECRET} {each}" for each in range(number)]


GLOBAL = secrets(1101)
KEYED: dict[str, Any] = {f"{SECRET} {number}": SECRET * 2 for number in range(1102)}
NESTED = {SECRET: [secrets(1103)]}
DEQUE = collections.deque(secrets(2000), maxlen=1104)
A_SET = set(secrets(1105))
ORDERED = collections.OrderedDict.fromkeys(secrets(1106))
BYTES = array.array("q", range(1107))


class Service:
    """Holds by a class attribute, an instance's, a slot's and a bound method's."""

    registry = secrets(1108)

    def __init__(self, number: int) -> None:
        self.secret = SECRET
        self.items = secrets(number)

    def method(self) -> None:
        pass


class Cached(Service):
    @functools.cached_property
    def kept(self) -> list[str]:
        return secrets(1127)


class Slotted:
    __slots__ = ("items",)

    def __init__(self, number: int) -> None:
        self.items = secrets(number)


INSTANCE = Service(1109)
ASKED = Service(1126)
assert vars(ASKED)
CACHED = Cached(0)
assert CACHED.kept
REPLACED = Service(0)
REPLACED.__dict__ = {"items": secrets(1128)}
SLOTTED = Slotted(1110)
METHODS = [Service(1111).method]


class Bag:
    """With attributes that are data."""


BAG = Bag()


@functools.cache
def cached(key: str) -> str:
    return key + SECRET


@functools.lru_cache(maxsize=1113)
def bounded(key: str) -> str:
    return key + SECRET


def closure() -> Callable[[], list[str]]:
    kept = secrets(1114)
    return lambda: kept


CLOSURE = closure()


def default(key: str = SECRET, kept: list[str] = secrets(1115)) -> list[str]:  # noqa: B008
    return kept


def keyword(*, kept: list[str] = secrets(1116)) -> list[str]:  # noqa: B008
    return kept


def generate() -> Iterator[None]:
    waiting = secrets(1117)
    yield
    print(waiting)


GENERATOR = generate()


async def coroutine() -> None:
    awaiting = secrets(1118)
    await Never()
    print(awaiting)


class Never:
    def __await__(self) -> Generator[None, None, None]:
        yield


COROUTINE = coroutine()
LOCAL = threading.local()
VARIABLE: contextvars.ContextVar[list[str]] = contextvars.ContextVar("request")


def fail() -> None:
    failing = secrets(1121)
    raise ValueError(SECRET, failing[0])


def caught() -> Exception:
    try:
        fail()
    except ValueError as error:
        return error
    raise AssertionError


ERROR = caught()
PARTIAL = functools.partial(len, secrets(1122))


class Finalized:
    pass


FINALIZED = Finalized()
FINALIZER = weakref.finalize(FINALIZED, id, secrets(1123))
REFERENCE = weakref.ref(FINALIZED, functools.partial(dict.fromkeys, secrets(1124)))
HERE = __name__

KINDS = [
    Kind("global", "list", 1101, (("module", HERE), ("attribute", "GLOBAL"))),
    Kind("dict", "dict", 1102, (("module", HERE), ("attribute", "KEYED"))),
    Kind("nested", "list", 1103, (("attribute", "NESTED"), ("item", None))),
    Kind("deque", "collections.deque", 1104, (("attribute", "DEQUE"),), 1104),
    Kind("set", "set", 1105, (("attribute", "A_SET"),)),
    Kind("ordered", "collections.OrderedDict", 1106, (("attribute", "ORDERED"),)),
    Kind("array", "array.array", 1107, (("attribute", "BYTES"),)),
    Kind("class", "list", 1108, (("class", "Service"), ("attribute", "registry"))),
    Kind("instance", "list", 1109, (("attribute", "INSTANCE"), ("attribute", "items"))),
    Kind(
        "instance that was asked for its dict",
        "list",
        1126,
        (("attribute", "ASKED"), ("attribute", "items")),
    ),
    Kind("cached property", "list", 1127, (("attribute", "CACHED"), ("attribute", "kept"))),
    Kind(
        "instance with another's dict",
        "list",
        1128,
        (("attribute", "REPLACED"), ("attribute", "items")),
    ),
    Kind("slot", "list", 1110, (("attribute", "SLOTTED"), ("attribute", "items"))),
    Kind(
        "bound method",
        "list",
        1111,
        (
            ("attribute", "METHODS"),
            ("item", None),
            ("attribute", "__self__"),
            ("attribute", "items"),
        ),
    ),
    Kind("lru_cache", "functools._lru_cache_wrapper", 1112, (("attribute", "cached"),)),
    Kind("bounded", "functools._lru_cache_wrapper", 1113, (("attribute", "bounded"),), 1113),
    Kind("closure", "list", 1114, (("attribute", "CLOSURE"), ("closure", "kept"))),
    Kind("default", "list", 1115, (("attribute", "default"), ("default", "kept"))),
    Kind("keyword", "list", 1116, (("attribute", "keyword"), ("default", "kept"))),
    Kind("generator", "list", 1117, (("local", "waiting"),)),
    Kind("coroutine", "list", 1118, (("local", "awaiting"),)),
    Kind("thread", "list", 1119, (("attribute", "LOCAL"), ("attribute", "items"))),
    Kind("context", "list", 1120, (("context", "request"),)),
    Kind("exception", "list", 1121, (("local", "failing"),)),
    Kind(
        "partial", "list", 1122, (("attribute", "PARTIAL"), ("attribute", "args"), ("item", None))
    ),
    Kind("finalizer", "list", 1123, (("attribute", "args"), ("item", None))),
    Kind(
        "callback",
        "list",
        1124,
        (("callback", "__callback__"), ("attribute", "args"), ("item", None)),
    ),
    Kind("thread's local", "list", 1125, (("local", "running"),)),
]


@contextlib.contextmanager
def held() -> Iterator[None]:
    """What has to be running meanwhile."""
    next(GENERATOR)
    COROUTINE.send(None)
    LOCAL.items = secrets(1119)
    token = VARIABLE.set(secrets(1120))
    for number in range(1112):
        cached(f"{SECRET} {number}")
    for number in range(2000):
        bounded(f"{SECRET} {number}")
    for number in range(300):
        setattr(BAG, f"a{number}_{SECRET.partition('@')[0].replace('.', '_')}", number)
    begun, done = threading.Event(), threading.Event()

    def work() -> None:
        running = secrets(1125)
        begun.set()
        done.wait(60)
        assert running

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait(60)
    try:
        yield
    finally:
        done.set()
        thread.join()
        VARIABLE.reset(token)
        COROUTINE.close()
