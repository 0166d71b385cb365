"""What stands beside a container in an installed library's instance is its bound; what an application says is not."""

from __future__ import annotations

import collections
import importlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from tests.hook.capture.walk.test_walk import container, names, walked
from tests.support.places import ROOT

pytestmark = pytest.mark.usefixtures("collector_off")

#: As libraries write it: an attribute of the instance, private to its class, in a slot, or of the dict itself.
CODE = """
import collections

class Plain:
    def __init__(self, bound, entries, **more):
        self.__dict__.update(more)
        self.maxsize, self.entries = bound, entries

class Private:
    def __init__(self, bound, entries, sum=None):
        self.__maxsize, self.__data = bound, entries
        if sum is not None:
            self.__currsize = sum

class Itself(collections.OrderedDict):
    def __init__(self, bound, entries):
        super().__init__(entries)
        self._capacity = bound

class Slotted:
    __slots__ = ("_max_size", "entries")
    def __init__(self, bound, entries):
        self._max_size, self.entries = bound, entries

class Filled:
    def __init__(self, bound, entries):
        self.queue = collections.deque(entries)
        self.max_entries = bound
"""
LENGTH = 1733


def module_in(folder: Path, name: str) -> ModuleType:
    folder.mkdir(parents=True)
    (folder / f"{name}.py").write_text(CODE)
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    yield module_in(tmp_path_factory.mktemp("env") / "site-packages", "a_cache_library")
    del sys.modules["a_cache_library"]


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    yield module_in(tmp_path_factory.mktemp("src") / "shop", "an_application")
    del sys.modules["an_application"]


def entries(number: int = LENGTH) -> dict[str, str]:
    return {f"key {each}": f"value {each}" for each in range(number)}


class Asked(NamedTuple):
    """What is made, with that many entries, and the bound that the walk should tell of it."""

    make: Callable[[int], Any]
    bound: int | None


def all_of(asked: Mapping[Any, Asked]) -> dict[Any, tuple[int | None, int | None]]:
    """(the bound that a walk tells, the right one) of each, in one walk: they differ in length, from LENGTH on."""
    for length, each in enumerate(asked.values(), LENGTH):
        holders.append(each.make(length))
    try:
        found = walked()
    finally:
        holders.clear()
    ours = [
        each
        for each in found["containers"]
        if any(name == "holders" for _, name in names(found, each[0]))
    ]
    return {
        name: (container({"containers": ours}, length)[3], each.bound)
        for length, (name, each) in enumerate(asked.items(), LENGTH)
    }


def bound_of(make: Callable[[], Any]) -> int | None:
    """What a walk says while that is kept, and nothing that it was made of."""
    holders.append(make())
    try:
        bound: int | None = container(walked(), LENGTH)[3]
        return bound
    finally:
        holders.clear()


holders: list[Any] = []


def test_a_library_may_be_installed_in_a_folder_of_any_name(tmp_path: Path) -> None:
    made = module_in(tmp_path / "Zoë 漢" / "site-packages", "another_library")
    assert bound_of(lambda: made.Plain(5000, entries())) == 5000
    del sys.modules["another_library"]


#: What an instance of a library says, by what of it is told. `OWN`: as many as it has.
OWN = -7
SAID: list[tuple[Any, int | None]] = [
    (OWN, OWN),
    (1200, 1200),  # cut back when it is half too long
    (800, None),  # it does not keep to that
    (0, None),
    (-1, None),
    (None, None),
    (float("inf"), None),
    (5000.0, None),
    (True, None),
    (1 << 40, 1 << 40),
    (1 << 70, None),
]


def said_of(library: ModuleType) -> dict[Any, Asked]:
    def plain(said: Any) -> Callable[[int], Any]:
        return lambda n: library.Plain(n if said == OWN else said, entries(n))

    found: dict[Any, Asked] = {}
    for said, told in SAID:
        # The first of them has LENGTH entries.
        found["said", repr(said)] = Asked(plain(said), LENGTH if told == OWN else told)
    return found


def of_kinds(module: ModuleType, told: int | None) -> dict[Any, Asked]:
    def made(kind: str) -> Callable[[int], Any]:
        return lambda n: getattr(module, kind)(5000, entries(n))

    kinds = ("Plain", "Private", "Itself", "Slotted", "Filled")
    return {(module.__name__, kind): Asked(made(kind), told) for kind in kinds}


def of_sizes(library: ModuleType) -> dict[Any, Asked]:
    """A bound of sizes is none of entries: by what it says that all its sizes are."""
    return {
        "no sizes": Asked(lambda n: library.Private(5000, entries(n), None), 5000),
        "sizes that are entries": Asked(lambda n: library.Private(5000, entries(n), n), 5000),
        "sizes": Asked(lambda n: library.Private(5000, entries(n), 70_000), None),
    }


def of_another(library: ModuleType) -> dict[Any, Asked]:
    def with_its_own(n: int) -> Any:
        made = library.Filled(5000, ())
        made.queue = collections.deque(entries(n), maxlen=2000)
        return made

    return {
        "a container inside": Asked(lambda n: library.Plain(5000, {"inner": entries(n)}), None),
        "a bound of its own": Asked(with_its_own, 2000),
    }


def test_a_librarys_bound_is_told_wherever_it_stands_and_an_applications_intention_is_none(
    library: ModuleType, application: ModuleType
) -> None:
    """Each in the same walk: to walk over the heap of all tests takes a second."""
    found = all_of(
        {
            **said_of(library),
            **of_kinds(library, 5000),
            **of_kinds(application, None),
            **of_sizes(library),
            **of_another(library),
        }
    )
    assert {name: told for name, (told, _) in found.items()} == {
        name: right for name, (_, right) in found.items()
    }


#: Fills a cache of an installed library (its module and the call that makes it are told), and prints the bounds that a
#: walk tells of containers with so many entries. In an interpreter of its own: what a library imports would lie in the
#: way of all other walks.
REAL = """
import gc, importlib, sys
from leakhunt.hook.capture.walk import _walk
module, made, length = sys.argv[1], sys.argv[2], int(sys.argv[3])
cache = eval(made, vars(importlib.import_module(module)))
for number in range(length):
    cache[f"key {number}"] = f"value {number}"
gc.disable()
found = _walk.walk(b"", 60.0, 1 << 30, "/nowhere", 0)
print({one[3] for one in found["containers"] if one[2] == length})
"""


@pytest.mark.parametrize(
    ("module", "made"),
    [
        ("cachetools", "TTLCache(maxsize=4000, ttl=3600)"),
        ("sqlalchemy.util", "LRUCache(4000)"),
        ("jinja2.utils", "LRUCache(4000)"),
        ("urllib3._collections", "RecentlyUsedContainer(4000)"),
    ],
    ids=["cachetools", "sqlalchemy", "jinja", "urllib3"],
)
def test_real_caches_tell_their_bound(module: str, made: str) -> None:
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        pytest.skip(f"{module} is not installed")
    done = subprocess.run(
        [sys.executable, "-c", REAL, module, made, str(LENGTH)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "{4000}\n"
