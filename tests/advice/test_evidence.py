"""What a snapshot tells of the functions that frames are in."""

from __future__ import annotations

from leakhunt.advice.evidence import Evidence, scoped
from leakhunt.model.snapshot import Frame, Spot


def test_scopes_are_read_as_they_were_written_and_what_is_malformed_is_left_out() -> None:
    frame, other = Frame("/srv/shop/a.py", 3), Frame("/srv/shop/b.py", 4)
    spots = {frame: Spot("take", "x = 1"), other: Spot("put", "y = 2")}
    scopes = {
        "/srv/shop/a.py": {"take": ("def take():", ("KEPT", 7))},
        "/srv/shop/b.py": {"put": "?"},
    }
    heads, shared = scoped({"scopes": scopes}, spots)
    assert (heads, shared) == ({frame: "def take():"}, {frame: ("KEPT",)})


def test_evidence_may_be_nothing_at_all() -> None:
    assert Evidence().facts == ({}, {})
