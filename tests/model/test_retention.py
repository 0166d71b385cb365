"""What holds objects, as values: everything that need not be known has a default that says so."""

from __future__ import annotations

from leakhunt.model.retention import Rest, Retention, Step, TypeCount, by_container, by_way


def test_a_step_says_only_what_it_must() -> None:
    step = Step("attribute", "KEPT", "list")
    assert (step.length, step.bound, step.again) == (None, None, False)


def test_what_is_held_need_have_no_container() -> None:
    held = Retention((), 3, 100, None, None, None, 0)
    assert (held.retained, held.container_path) == (None, ())


def test_what_several_stacks_keep_in_one_container_adds_up() -> None:
    """By container whatever the way from it, by way apart; the most bytes first."""
    module = Step("module", "shop", "module")
    cache, rows = ((module, Step("attribute", name, "dict")) for name in ("CACHE", "ROWS"))
    deeper = (*cache, Step("value", None, "Order"))
    ways = [
        Retention(rows, 9, 250, "dict", 9, None, 2, None, rows),
        Retention(cache, 1, 100, "dict", 9, None, 1, None, cache),
        Retention(deeper, 2, 200, "dict", 9, None, 1, None, cache),
    ]
    together = [(way.mark, way.objects, way.size) for way in by_container(ways)]
    assert together == [(1, 3, 300), (2, 9, 250)]
    apart = by_way([*ways, *ways[1:]])
    assert {key: (way.objects, way.size) for key, way in apart.items()} == {
        (2, rows): (9, 250), (1, cache): (2, 200), (1, deeper): (4, 400),
    }  # fmt: skip


def test_counts_are_fields_and_no_methods() -> None:
    """``tuple.count`` is hidden on purpose: nobody counts a name in one of these."""
    assert TypeCount("dict", 3, 400).count == 3
    assert Rest(2, 5, 100).count == 5
