"""What a holder is says what the leak looks like, where its lines say nothing."""

from __future__ import annotations

import pytest

from leakhunt.advice.holders import CACHE, SIGNS, held
from leakhunt.advice.rules import RULES
from leakhunt.model.retention import Retention, Step

MODULE = Step("module", "shop.tasks", "module")
CLASS = Step("class", "Cart", "type")


def holder(*path: Step, bound: int | None = None) -> Retention:
    last = path[-1]
    return Retention(path, 10, 1000, last.type, 400, bound, 1, 1000, path)


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ((MODULE, CLASS, Step("attribute", "total", CACHE)), "lru-cache-on-method"),
        ((MODULE, Step("attribute", "lookup", CACHE)), "lru-cache-unbounded"),
        ((MODULE, Step("attribute", "take", "function"), Step("default", "seen", "list")),
         "mutable-default-argument"),
        ((MODULE, CLASS, Step("attribute", "ALL", "list")), "class-attribute"),
        ((MODULE, Step("attribute", "ORDERS", "dict")), "unbounded-dict-cache"),
        ((MODULE, Step("attribute", "ORDERS", "list")), "global-container"),
        ((MODULE, Step("attribute", "app", "shop.App"), Step("attribute", "seen", "list")), None),
        ((Step("thread", None, "dict"), Step("item", None, "list")), None),
    ],
)  # fmt: skip
def test_a_holder_is_advised_by_what_it_is(path: tuple[Step, ...], pattern: str | None) -> None:
    advice = held(holder(*path))
    assert (advice and advice.pattern) == pattern
    if advice is not None:
        assert advice.because.endswith(", by what keeps it")


def test_a_bound_is_no_leak() -> None:
    assert held(holder(MODULE, Step("attribute", "lookup", CACHE), bound=128)) is None


def test_every_sign_has_its_rule() -> None:
    assert {pattern for pattern, _ in SIGNS} <= {rule.pattern for rule in RULES}
