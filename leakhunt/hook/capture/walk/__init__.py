"""Walks the heap in a capture's child: what there is, what holds it, what would be freed without it.

The C part (``_walk.c``) does it in one call that allocates nothing where the worker's allocators
could be in the middle of something, runs no code of the user's and changes no object. What comes back
are names of code and numbers. Here it gets its budget, and becomes plain values for the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from leakhunt.cpython import parts
from leakhunt.engine.interface import Engine
from leakhunt.engine.retention import Walked
from leakhunt.hook.capture import fork
from leakhunt.hook.process import vitals
from leakhunt.snapfile import records
from leakhunt.snapfile.records import Arrivals, Handed, Retention

_walk = parts.load("leakhunt.hook.capture.walk._walk")

#: What ``LEAKHUNT_WALK`` may say.
WAYS = ("auto", "off", "full")


class Budget(NamedTuple):
    """What a walk may take."""

    seconds: float
    """Of the child's CPU time."""
    memory: int
    """Bytes, and never more than half of what is left."""
    blocks: int
    """So many traced blocks, about, are tied to their holders."""


BUDGETS = {"auto": Budget(2.0, 512 << 20, 40_000), "full": Budget(60.0, 4 << 30, 1_000_000)}

#: Beyond so many no way is told: those of the largest stacks and of what is pointed out come first.
PATHS = 4000


def look(engine: Engine, raw: Any, how: str, own: str) -> Walked | None:
    """Walk; None where that is off or cannot be done here.

    Before the engine is stopped, and before anything else makes objects. ``own``: leakhunt's folder.
    """
    budget = BUDGETS.get(how)
    if budget is None or _walk is None:
        return None
    left = vitals.memory_left(vitals.cgroups())
    memory = budget.memory if left is None else min(budget.memory, left // 2)
    blocks = engine.blocks(raw)
    traced = budget.blocks if blocks is None else 0
    try:
        answer = _walk.walk(blocks or b"", budget.seconds, memory, own, traced, fork.others())
    except MemoryError:
        return Walked({"whole": False, "full": True, "late": False, "crashed": None})
    except RuntimeError as error:
        return Walked({"whole": False, "full": False, "late": False, "crashed": str(error)})
    return Walked(answer)


def heap(
    walked: Walked,
    retention: Iterable[Retention],
    handed: Iterable[Handed] = (),
    arrivals: Iterable[Arrivals] = (),
) -> tuple[dict[str, Any], list[Retention], list[Handed]]:
    """What the file says of the heap, and the records with paths and holders as it numbers them."""
    answer = walked.answer
    told = {name: answer.get(name) for name in ("whole", "late", "full", "crashed")}
    if "shapes" not in answer:
        return {**told, "paths": []}, [], []
    paths = _Paths(answer["shapes"])
    for name in ("containers", "points"):
        told[name] = [
            (paths.number(one[0]), *one[1:])
            for one in answer[name] or ()
            if not walked.is_own(one[0])
        ]
    holders = answer["holders"]
    kept = []
    used: dict[int, int] = {}
    for record in retention:
        if len(paths.told) > PATHS:
            break
        ways = tuple(
            (paths.number(path), objects, size, _number(used, holder), *counted)
            for path, objects, size, holder, *counted in record.ways
            if not walked.is_own(path)
        )
        kept.append(record._replace(ways=ways))
    parts = [
        part._replace(holder=_number(used, part.holder))
        for part in handed
        if not walked.is_own(holders[part.holder - 1][0])
    ]
    told["arrivals"] = records.plain(
        one._replace(path=paths.number(one.path), holder=_number(used, one.holder))
        for one in arrivals
        if not walked.is_own(one.path) and not walked.is_own(holders[one.holder - 1][0])
    )
    told["holders"] = [(paths.number(holders[at - 1][0]), *holders[at - 1][1:]) for at in used]
    garbage, rest = answer["garbage"]
    return (
        {
            **told,
            "objects": answer["objects"],
            "tracked": answer["tracked"],
            "memory": answer["memory"],
            "seconds": answer["seconds"],
            "types": answer["types"][0],
            "types_rest": answer["types"][1],
            "garbage": garbage if answer["whole"] else None,
            "garbage_rest": rest,
            "tied": walked.tied,
            "wanted": walked.wanted,
            "paths": paths.told,
        },
        kept,
        parts,
    )


def _number(used: dict[int, int], holder: int) -> int:
    """A holder's place among those that are told, from 1; 0: none."""
    return used.setdefault(holder, len(used) + 1) if holder else 0


class _Paths:
    """The steps that are told: each has its parent's number, which is lower than its own."""

    def __init__(self, shapes: list[tuple[Any, ...]]) -> None:
        self.shapes = shapes
        self.told: list[tuple[Any, ...]] = [(0, "", None, None, None, None, False)]
        self._numbers: dict[int, int] = {0: 0}

    def number(self, shape: int) -> int:
        """The place of a path's last step; 0: nothing is known of a way."""
        chain = []
        while shape not in self._numbers:
            chain.append(shape)
            shape = self.shapes[shape][0]
        for at in reversed(chain):
            parent, *step = self.shapes[at]
            self.told.append((self._numbers[parent], *step))
            self._numbers[at] = len(self.told) - 1
        return self._numbers[chain[0] if chain else shape]
