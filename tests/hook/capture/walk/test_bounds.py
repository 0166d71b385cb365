"""What stands beside a container in an installed library's instance is its bound; what an application says is not."""

from __future__ import annotations

import collections
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.hook.capture.walk.test_walk import container, walked

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


@pytest.mark.parametrize("kind", ["Private", "Itself", "Slotted", "Filled"])
def test_a_library_may_have_its_bound_anywhere(library: ModuleType, kind: str) -> None:
    assert bound_of(lambda: getattr(library, kind)(5000, entries())) == 5000


@pytest.mark.parametrize(
    ("bound", "told"),
    [
        (LENGTH, LENGTH),
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
    ],
)
def test_a_librarys_bound_is_told(library: ModuleType, bound: Any, told: int | None) -> None:
    assert bound_of(lambda: library.Plain(bound, entries())) == told


@pytest.mark.parametrize("kind", ["Plain", "Private", "Itself", "Slotted", "Filled"])
def test_an_applications_intention_is_none(application: ModuleType, kind: str) -> None:
    assert bound_of(lambda: getattr(application, kind)(5000, entries())) is None


@pytest.mark.parametrize(("total", "told"), [(LENGTH, 5000), (None, 5000), (70_000, None)])
def test_a_bound_of_sizes_is_none_of_entries(
    library: ModuleType, total: int | None, told: int | None
) -> None:
    assert bound_of(lambda: library.Private(5000, entries(), total)) == told


def test_a_bound_is_of_the_instance_that_has_the_container(library: ModuleType) -> None:
    assert bound_of(lambda: library.Plain(5000, {"inner": entries()})) is None


def test_a_container_with_a_bound_of_its_own_keeps_it(library: ModuleType) -> None:
    def make() -> Any:
        made = library.Filled(5000, ())
        made.queue = collections.deque(entries(), maxlen=2000)
        return made

    assert bound_of(make) == 2000


def filled(cache: Any) -> Any:
    for number in range(LENGTH):
        cache[f"key {number}"] = f"value {number}"
    return cache


def a_cachetools_cache() -> Any:
    cachetools = pytest.importorskip("cachetools")
    return filled(cachetools.TTLCache(maxsize=4000, ttl=3600))


def a_sqlalchemy_cache() -> Any:
    return filled(pytest.importorskip("sqlalchemy.util").LRUCache(4000))


def a_jinja_cache() -> Any:
    return filled(pytest.importorskip("jinja2.utils").LRUCache(4000))


def a_urllib3_container() -> Any:
    return filled(pytest.importorskip("urllib3._collections").RecentlyUsedContainer(4000))


@pytest.mark.parametrize(
    "make", [a_cachetools_cache, a_sqlalchemy_cache, a_jinja_cache, a_urllib3_container]
)
def test_real_caches_tell_their_bound(make: Callable[[], Any]) -> None:
    holders.append(make())
    try:
        told = {one[3] for one in walked()["containers"] if one[2] == LENGTH}
    finally:
        holders.clear()
    assert told == {4000}
