"""Kinds of things that are open, as values: two are one kind when all that tells them apart is the same."""

from __future__ import annotations

from leakhunt.model.resources import Open, Resource


def test_a_port_tells_connections_apart() -> None:
    kinds = {
        Resource("socket", "tcp", 5432),
        Resource("socket", "tcp", 6379),
        Resource("socket", "tcp", 5432),
    }
    assert len(kinds) == 2


def test_what_has_no_port_and_no_state_needs_none() -> None:
    assert Resource("file", "").port == 0
    assert Open(3).states == ()
