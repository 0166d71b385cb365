"""What goes into a snapshot: all but leakhunt's own part, the largest first, and old files go."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from leakhunt.engine.interface import Harvest, Life
from leakhunt.engine.off import Off
from leakhunt.engine.retention import Walked
from leakhunt.hook.capture import content, fork
from leakhunt.hook.capture.order import Order
from leakhunt.snapfile import SCHEMA, folders
from leakhunt.snapfile.read import begin
from leakhunt.snapfile.records import (
    Birth,
    Births,
    Calendar,
    Estimate,
    Gone,
    Handed,
    Held,
    Recycled,
    Types,
)
from leakhunt.snapfile.write import RawFrames

USERS: RawFrames = (("/srv/shop.py", 3),)
OTHERS: RawFrames = (("/srv/shop.py", 9),)
OWN: RawFrames = (("/leakhunt/hook.py", 7),)


def kept_of(frames: RawFrames) -> RawFrames | None:
    return None if frames == OWN else frames


def held(frames: RawFrames, grower: RawFrames | None, size: int) -> Held:
    """``size`` bytes, in blocks of one."""
    values: dict[str, Any] = dict.fromkeys(Held._fields)
    return Held(**{**values, "frames": frames, "grower": grower, "blocks": ((1, size - 1), (1, 1))})


def test_the_first_and_the_newest_are_kept(tmp_path: Path) -> None:
    for number in range(1, 21):
        (tmp_path / folders.snapshot_name(number, 1e9, "signal")).write_text("")
    (tmp_path / f".{folders.snapshot_name(9, 1e9, 'signal')[:-4]}.tmp").write_text("")
    content.prune(tmp_path, 0)
    assert len(list(tmp_path.glob("*.bin"))) == 20
    content.prune(tmp_path, 8)
    kept = [int(path.name[:6]) for path in sorted(tmp_path.iterdir())]
    assert kept == [1, 2, 15, 16, 17, 18, 19, 20]
    content.prune(tmp_path, 2)
    assert [int(path.name[:6]) for path in sorted(tmp_path.iterdir())] == [1, 20]


def test_the_largest_holders_are_told_and_none_of_leakhunts(monkeypatch: Any) -> None:
    monkeypatch.setattr(content, "HOLDERS", 3)
    all_of_them = [
        held(USERS, None, 5), held(OTHERS, USERS, 50), held(OWN, USERS, 70), held(USERS, OWN, 60), held(OTHERS, None, 1),
    ]  # fmt: skip
    assert [each[:2] for each in content._held(all_of_them, kept_of)] == [(OTHERS, USERS)]
    monkeypatch.setattr(content, "HOLDERS", 9)
    assert [each[:2] for each in content._held(all_of_them, kept_of)] == [
        (OTHERS, USERS), (USERS, None), (OTHERS, None),
    ]  # fmt: skip


def test_a_grower_of_leakhunts_is_left_out_and_what_it_keeps_is_told() -> None:
    values: dict[str, Any] = dict.fromkeys(Handed._fields)
    told = [
        Handed(**{**values, "frames": frames, "grower": grower})
        for frames, grower in ((USERS, OWN), (USERS, OTHERS), (USERS, None), (OWN, USERS))
    ]
    assert [(each.frames, each.grower) for each in content._handed(told, kept_of)] == [
        (USERS, None), (USERS, OTHERS), (USERS, None),
    ]  # fmt: skip


def test_garbage_is_told_by_its_largest_tracebacks_and_by_samples_where_there_are(
    monkeypatch: Any,
) -> None:
    monkeypatch.setattr(content, "GARBAGE_STACKS", 2)
    forked: Any = fork.Forked(1, None, (9, {"a": 1, "b": 5, "c": 3}), None)
    exact: Any = SimpleNamespace(marked=lambda raw, among: None)
    assert content._garbage(exact, None, forked) == {"objects": 9, "stacks": [("b", 5), ("c", 3)]}
    sampled: Any = SimpleNamespace(marked=lambda raw, among: {"d": 2})
    assert content._garbage(sampled, None, forked) == {"objects": 9, "stacks": [("d", 2)]}
    assert content._garbage(exact, None, forked._replace(garbage=None)) is None


def test_what_was_left_out_is_said_with_its_reason() -> None:
    walks = fork.Walks(None)
    walks.problems["types"] = "it took too long"
    order: Any = SimpleNamespace(walks=True)
    assert content._left_out(order, walks) == {"types": "it took too long"}
    order.walks = False
    left_out = content._left_out(order, walks)
    assert left_out == {"all": "left out: the last capture ended in them"}
    said = content.said_without(left_out)
    assert said == "all looks at the objects (the last capture ended in them)", "it is said once"
    both = {"holders": "took too long", "types": "left out: they have gone"}
    assert content.said_without(both) == "holders (took too long); types (they have gone)"
    assert content.said_without({}) == ""


class Telling(Off):
    """An engine that says what it is told to."""

    def __init__(self, harvest: Harvest) -> None:
        super().__init__("of a test")
        self.told = harvest

    def harvest(self, raw: Any, life: Any = None, walked: Walked | None = None) -> Harvest:
        return self.told


CALENDAR = Calendar("task", (0, 10), (None, None), (None,), 0, ("shop.pay",))
BORN = Births(USERS, (Birth(0, 1, 1, 1, 64, 64, 1),))


def told(folder: Path, harvest: Harvest, walked: Walked | None = None) -> dict[str, Any]:
    """The facts of the file that is made of a harvest."""
    order = Order(
        path=folder / "p" / folders.snapshot_name(1, 1e9, "signal"), series=folder / "p", engine=Telling(harvest),
        signum=10, keep=4, source="off", walk="off", notify=False,
        facts={"schema": SCHEMA, "pid": os.getpid(), "rss": 1, "gc": {}, "started_at": None}, late_facts=dict, life=Life((), ()),
        limits=fork.Limits(1, 2, 3, 4, 5),
    )  # fmt: skip
    said = content.written(order, fork.Forked(-1, [], None, None), 0.0, {}, walked=walked)
    return dict(begin(said["path"], False)().facts)


def test_what_an_engine_tells_is_in_the_file(tmp_path: Path) -> None:
    harvest = Harvest(
        runs=[((0, 64, USERS, 1), 1)],
        estimates=[Estimate(USERS, 3, 1.5)],
        types=[Types(USERS, (("dict", 64),))],
        recycled=[Recycled(USERS, 8)],
        births=[BORN],
        calendar=CALENDAR,
        gone=[Gone(USERS, (), ())],
    )
    facts = told(tmp_path, harvest, Walked({"whole": False, "crashed": "out of memory"}))
    assert (facts["samples"], facts["live"]) == (3, 64)
    assert [tuple(each) for each in facts["types"]] == [(USERS, (("dict", 64),))]
    assert facts["calendar"]["unit"] == "task"
    assert [each[0] for each in facts["births"]] == [USERS]
    assert {len(facts[name]) for name in ("estimates", "recycled", "gone")} == {1}
    assert facts["heap"]["crashed"] == "out of memory"
    assert facts["retention"] == []


@pytest.mark.parametrize("half", [{}, {"births": [BORN]}, {"calendar": CALENDAR}])
def test_what_an_engine_does_not_know_is_not_in_the_file(
    half: dict[str, Any], tmp_path: Path
) -> None:
    """Births without their periods are none, nor are periods without births."""
    facts = told(tmp_path, Harvest(runs=[((0, 64, USERS, 1), 1)], **half))
    assert facts["samples"] is None
    unknown = {
        "estimates", "types", "recycled", "births", "calendar", "gone", "heap", "retention", "handed", "counted", "holders",
    }  # fmt: skip
    assert not unknown & set(facts)
