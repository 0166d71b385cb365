"""Engines by name."""

from __future__ import annotations

from leakhunt.engine.choice import choose


def test_an_engine_is_chosen_by_name() -> None:
    assert choose("exact").name == "exact"
    assert choose(None).name == choose("sampled").name
    assert (choose(None).name == "sampled") == (choose(None).why is None)
    assert choose("off").name == "off"
