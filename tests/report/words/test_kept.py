"""What keeps objects, in words."""

from __future__ import annotations

import pytest

from leakhunt.model.retention import Retention, Step
from leakhunt.report.words import kept

MODULE = Step("module", "shop.tasks", "module")
WAY = (MODULE, Step("attribute", "KEPT", "list", 10_000), Step("item", None, "dict"))


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (MODULE, "module shop.tasks"),
        (Step("attribute", "KEPT", "list", 10_000), "KEPT: list[10,000]"),
        (Step("class", "Shop", "type"), "Shop: type"),
        (Step("item", None, "dict"), "item: dict"),
        (Step("local", "body", None), "local body: object"),
        (Step("attribute", "Q", "collections.deque", 5, 9), "Q: collections.deque[5] of at most 9"),
        (Step("item", None, "collections.deque", None, 9), "item: collections.deque of at most 9 each"),
        (Step("attribute", "next", "Node", None, None, True), "next: Node, and so on"),
        (Step("attribute", "EMPTY", "list", 0), "EMPTY: list[0]"),
    ],
)  # fmt: skip
def test_a_step_is_its_name_and_what_it_leads_to(step: Step, said: str) -> None:
    assert kept.step(step) == said


def test_a_way_is_its_steps_and_what_it_keeps_is_of_the_container() -> None:
    assert kept.way(WAY) == "module shop.tasks > KEPT: list[10,000] > item: dict"
    held = Retention(WAY, 1, 2048, "list", 10_000, None, 7, None, WAY[:2])
    text = "kept by module shop.tasks > KEPT: list[10,000] (1 object, 2.0 KiB)"
    assert kept.by(held) == kept.by(held, 0) == kept.by(held, -4) == text
    assert kept.by(held, 1) == f"{text}, which grew by 1 item"
    assert kept.by(held, 1996) == f"{text}, which grew by 1,996 items"


def test_of_what_is_no_object_itself_only_the_size_is_told() -> None:
    """Such as the data of arrays, whose headers another line made."""
    held = Retention(WAY, 0, 2048, "ndarray", 83, None, 7, None, WAY[:2])
    assert kept.by(held) == "kept by module shop.tasks > KEPT: list[10,000] (2.0 KiB)"


def test_ways_that_are_left_out_are_counted() -> None:
    assert kept.more(1) == "1 way more (-n 0 shows all)"
    assert kept.more(12) == "12 ways more (-n 0 shows all)"
