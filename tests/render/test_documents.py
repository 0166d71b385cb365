"""Parts of documents: the same keys wherever they stand."""

from __future__ import annotations

from leakhunt.advice.rule import Advice
from leakhunt.model.snapshot import Frame, Tally
from leakhunt.render.documents import advice_of, frame_of, live, meta_of, snapshot_of
from leakhunt.report.labels import Labels
from tests.support.builders import snap

ADVICE = Advice(
    "unbounded list", "it is never emptied", "bound it", "https://example.org", "looks like"
)


def test_advice_has_every_field_of_its_value() -> None:
    assert advice_of(ADVICE) == ADVICE.__dict__
    assert advice_of(None) is None


def test_a_snapshot_is_what_its_facts_say_and_null_what_they_do_not() -> None:
    made = snap("/srv/shop/a.py:3 4KiB x10", pid=7, rss=1 << 20, nframe=5)
    document = snapshot_of(made)
    assert (document["path"], document["pid"], document["rss"]) == ("a.bin", 7, 1 << 20)
    assert document["nframe"] == 5
    assert document["traced_peak"] is None
    assert {*meta_of("a.bin", made.meta)} == {*document}


def test_a_frame_without_function_or_code_says_null() -> None:
    frame = Frame("/srv/shop/a.py", 3)
    bare = frame_of(frame, Labels(snap("/srv/shop/a.py:3 4KiB x10")))
    assert bare == {"file": "/srv/shop/a.py", "line": 3, "function": None, "code": None}


def test_an_amount_is_whole_bytes_and_blocks() -> None:
    assert live(Tally(4096, 10)) == {"size": 4096, "count": 10}
