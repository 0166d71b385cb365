"""What of a walk is written: names by number, and nothing of leakhunt's own."""

from __future__ import annotations

from typing import Any

from leakhunt.engine.retention import Walked
from leakhunt.hook.capture import walk
from leakhunt.snapfile.records import Arrivals, Birth, Handed, Retention

#: (parent, kind, name, type, length, bound, again)
SHAPES: list[tuple[Any, ...]] = [
    (0, "", None, None, None, None, False),
    (0, "module", "shop.tasks", "module", None, None, False),
    (1, "attribute", "KEPT", "list", 5000, None, False),
    (0, "module", "celery.signals", "module", None, None, False),
    (3, "attribute", "hook", "leakhunt.hook.hook.Hook", None, None, False),
    (4, "attribute", "tables", "list", 9000, None, False),
    (0, "module", "leakhunt.worker", "module", None, None, False),
    (6, "attribute", "things", "list", 7000, None, False),
    (0, "frame", None, "shop.leakhunt.Case", None, None, False),
]


def found(**others: Any) -> dict[str, Any]:
    return {
        "whole": True, "late": False, "full": False, "crashed": None, "shapes": SHAPES, "objects": 1,
        "tracked": 1, "memory": 1, "seconds": 0.1, "types": ((), ()), "garbage": ((), ()),
        "containers": [(2, "list", 5000, None, 1, 1, 1), (5, "list", 9000, None, 2, 1, 1),
                       (7, "list", 7000, None, 3, 1, 1), (8, "shop.leakhunt.Case", 3000, None, 4, 1, 1)],
        "points": [], "holders": [(2, "list", 5000, None, 1, 1, 1), (5, "list", 9000, None, 2, 1, 1)],
        **others,
    }  # fmt: skip


def test_what_is_told_of_entries_has_the_numbers_of_the_file() -> None:
    told, _, _ = walk.heap(
        Walked(found()), [], (), [
            Arrivals(5, 2, 9, 90, ((1, 1), (2, 2))),
            Arrivals(2, 1, 7, 70, ((3, 1), (4, 5))),
            Arrivals(2, 2, 9, 90, ((1, 1), (2, 2))),
        ],
    )  # fmt: skip
    ((path, holder, *rest),) = told["arrivals"]
    assert rest == [7, 70, ((3, 1), (4, 5)), ()]
    assert (told["paths"][path][2], told["holders"][holder - 1][2]) == ("KEPT", 5000)
    assert len(told["holders"]) == 1


def test_what_leakhunt_holds_itself_is_not_written() -> None:
    record = Retention((), ((2, 2, 200, 1), (5, 1, 100, 2), (7, 1, 100, 0)))
    birth = Birth(0, 1, 1, 1, 50, 50, 1, 50)
    parts = [Handed((), None, holder, (birth,)) for holder in (1, 2, 1)]
    told, records, handed = walk.heap(Walked(found()), [record], parts)
    assert [one[2] for one in told["containers"]] == [5000, 3000]
    assert [way[1:3] for way in records[0].ways] == [(2, 200)]
    names = {name for _, _, name, *_ in told["paths"]}
    assert names == {None, "shop.tasks", "KEPT"}
    assert len(told["holders"]) == 1
    assert [part.holder for part in handed] == [1, 1]
