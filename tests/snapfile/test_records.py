"""Records of single stacks: written as plain tuples, read as what they are."""

from __future__ import annotations

from typing import Any

import pytest

from leakhunt.snapfile import records
from leakhunt.snapfile.records import Estimate, Held

FRAMES = (("a.py", 1),)
KINDS = [Estimate, records.Types, records.Recycled, Held, records.Handed]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_read_and_what_a_later_version_adds_is_not(kind: Any) -> None:
    record = kind(FRAMES, *range(len(kind._fields) - 1))
    (written,) = records.plain([record])
    assert type(written) is tuple
    for longer in (written, (*written, "new"), [*written, None, 3]):
        assert list(records.read(kind, [longer])) == [record]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("said", [None, 3, "abc", {}, [3, "abc", None, (), (FRAMES,), {1: 2}]])
def test_what_is_no_record_is_not_read(kind: Any, said: Any) -> None:
    assert list(records.read(kind, said)) == []
