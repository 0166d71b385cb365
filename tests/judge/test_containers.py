"""Which containers end by themselves."""

from __future__ import annotations

import gc
import importlib
import re
import sqlite3
import time

import pytest

from leakhunt.judge.containers import EMPTIED, SWEPT, ends
from leakhunt.model.retention import Step

MODULE = Step("module", "shop", "module")
DJANGO = Step("item", None, "django.db.backends.sqlite3.base.DatabaseWrapper")


@pytest.mark.parametrize(
    ("path", "bound", "does"),
    [
        ((MODULE, Step("attribute", "KEPT", "list", 80)), None, False),
        ((MODULE, Step("attribute", "KEPT", "collections.deque", 80, 90)), 90, True),
        ((MODULE, Step("attribute", "revoked", "celery.utils.collections.LimitedSet")), None, True),
        ((MODULE, Step("attribute", "x", "kombu.utils.functional.LRUCache"), Step("attribute", "data", "dict", 5)), None, True),
        ((MODULE, DJANGO, Step("attribute", "queries_log", "collections.deque", 80, 9000)), 9000, False),
        ((MODULE, DJANGO, Step("attribute", "other", "collections.deque", 80, 9000)), 9000, True),
        ((Step("module", "re", "module"), Step("attribute", "_cache", "dict", 80)), None, True),
        ((Step("module", "re", "module"), Step("attribute", "other", "dict", 80)), None, False),
        ((MODULE, Step("attribute", "_cache", "dict", 80)), None, False),
        ((MODULE, Step("item", None, "sqlite3.Connection"), Step("attribute", None, "list", 77)), None, True),
        ((MODULE, Step("item", None, "sqlite3.Connection"), Step("attribute", None, "dict", 77)), None, False),
        ((MODULE, Step("item", None, "pandas._libs.internals.BlockValuesRefs"), Step("attribute", None, "list", 291)), None, True),
        ((), None, False),
    ],
)  # fmt: skip
def test_a_bound_ends_it_unless_nobody_ever_comes_to_it(path: tuple[Step, ...], bound: int | None, does: bool) -> None:  # fmt: skip
    assert ends(path, bound) is does


@pytest.mark.parametrize("where", EMPTIED, ids=".".join)
def test_the_standard_librarys_own_tables_are_emptied_at_their_bound(
    where: tuple[str, str],
) -> None:
    """Asked of this Python: filled beyond the bound, none has more entries than that."""
    module, name = where
    table = getattr(importlib.import_module(module), name, None)
    if table is None:
        pytest.skip(f"no {module}.{name} here")
    most = 0
    for number in range(2 * EMPTIED[where]):
        if module == "re":
            re.compile(f"pattern {number}")
        else:
            time.strptime("-" * number + "2026", "-" * number + "%Y")
        most = max(most, len(table))
    assert most == EMPTIED[where]


def test_a_connection_drops_the_references_to_its_dead_cursors() -> None:
    """Of 1,000 cursors no more than 200 references are held at any time, by the list that it has for them."""
    connection = sqlite3.connect(":memory:")
    most = 0
    for _ in range(1000):
        connection.cursor().close()
        lists = [each for each in gc.get_referents(connection) if isinstance(each, list)]
        if not lists:
            pytest.skip("this Python does not tell what a connection refers to")
        most = max(most, *map(len, lists))
    connection.close()
    assert 0 < most <= SWEPT["sqlite3.Connection", "list"] + 1


def test_pandas_drops_dead_references_to_blocks_itself() -> None:
    pandas = pytest.importorskip("pandas")
    index = pandas.Index(range(10))
    references = index._references
    most = 0
    for _ in range(2000):
        index.view()
        most = max(most, len(references.referenced_blocks))
    assert (
        type(references).__module__ + "." + type(references).__qualname__
        == "pandas._libs.internals.BlockValuesRefs"
    )
    assert 100 < most <= SWEPT["pandas._libs.internals.BlockValuesRefs", "list"] + 1
