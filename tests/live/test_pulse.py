"""The pulse of a process, as the console reads it."""

from __future__ import annotations

import os
import sys

import pytest

from leakhunt.hook.celery import pulse as worker
from leakhunt.live import descriptors
from leakhunt.live.pulse import pulse
from leakhunt.model.process import Pulse

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memfd_create")


def test_it_is_read_from_what_has_just_been_seen_open_and_not_looked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = worker.Pulse()
    own.begins("a", "proj.task")
    me = os.getpid()
    seen = descriptors.held(me)

    def again(pid: int) -> None:
        raise AssertionError("descriptors are read once a look")

    monkeypatch.setattr(descriptors, "held", again)
    told = pulse(me, me, seen)
    assert isinstance(told, Pulse)
    assert (told.running, told.task) == (1, "proj.task")
    assert pulse(me, me, descriptors.Opened(0, 0, 0, {})) is None


def test_without_one_or_with_anothers_there_is_none() -> None:
    me = os.getpid()
    own = worker.Pulse()
    assert pulse(me, me + 1) is None  # it is not of the process that says so
    assert pulse(2**22 + 1, 1) is None
    del own
