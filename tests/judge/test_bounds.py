"""Which containers end by themselves."""

from __future__ import annotations

import pytest

from leakhunt.judge.bounds import ends
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
        ((), None, False),
    ],
)  # fmt: skip
def test_a_bound_ends_it_unless_nobody_ever_comes_to_it(path: tuple[Step, ...], bound: int | None, does: bool) -> None:  # fmt: skip
    assert ends(path, bound) is does
