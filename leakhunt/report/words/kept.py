"""What keeps objects, in words: a way from a root, and what it amounts to."""

from __future__ import annotations

from leakhunt import units
from leakhunt.model.retention import CRASHED, FULL, LATE, Path, Retention, Step, Undone
from leakhunt.retention.ways import Way, Why

HELD_BY = "held by"
NOBODY_WALKED = (
    "this snapshot does not tell what holds its objects: it was taken without a fork (a light one, or in the "
    "process itself), with LEAKHUNT_WALK=off, without the C part, or by an earlier version"
)
NOTHING_TIED = "nothing is known of what holds the objects of this place"


def way(path: Path) -> str:
    """``module shop.tasks > KEPT: list[10,000] > item: dict``."""
    return " > ".join(map(step, path))


def step(one: Step) -> str:
    """One step of a way."""
    name = one.name or one.kind
    name = f"{one.kind} {name}" if one.name and one.kind not in ("attribute", "class") else name
    if one.kind == "module":
        return name
    held = one.type or "object"
    if one.length is not None:
        held += f"[{units.count(one.length)}]"
    if one.bound is not None:
        held += f" of at most {units.count(one.bound)}{' each' if one.length is None else ''}"
    return f"{name}: {held}{', and so on' if one.again else ''}"


def much(held: Retention) -> str:
    """``10,000 objects, 1.9 MiB``; of what objects have beside themselves (a list's table, an array's data) the size."""
    size = units.size(held.size)
    return f"{units.counted(held.objects, 'object')}, {size}" if held.objects else size


def by(held: Retention, grew: int | None = None) -> str:
    """``kept by module shop.tasks > KEPT: list[10,000] (10,000 objects, 1.9 MiB), which grew by 1,996``."""
    text = f"kept by {way(held.container_path)} ({much(held)})"
    return text + (
        f", which grew by {units.counted(grew, 'item')}" if grew is not None and grew > 0 else ""
    )


def amount(one: Way) -> str:
    """How much is held so, how the container grew, and what it keeps in all."""
    held = one.held
    parts = [much(held)]
    if one.grew is not None and one.grew[0] != one.grew[1]:
        first, last = map(units.count, one.grew)
        parts.append(f"{held.container_type}: {first} to {last} items")
    if held.retained is not None:
        parts.append(f"{units.size(held.retained)} freed without the {held.container_type}")
    return "; ".join(parts)


def container(one: Way) -> str:
    """Of the container that a way leads through: how it grew, and what would be freed without it."""
    parts = []
    if one.grew is not None and one.grew[0] != one.grew[1]:
        parts.append(f"{units.count(one.grew[0])} → {units.count(one.grew[1])} items")
    if one.held.retained is not None:
        parts.append(f"{units.size(one.held.retained)} freed without it")
    return ", ".join(parts)


def row(rank: int) -> str:
    """A place that was named by its row."""
    return f"row {rank} of leakhunt top"


def finding(rank: int, verdict: str) -> str:
    """A place that was named by its finding."""
    return f"finding {rank} of leakhunt trend, {verdict}"


def more(number: int) -> str:
    """Ways that are left out."""
    return f"{units.counted(number, 'way')} more (-n 0 shows all)"


def summary(answer: Why) -> str:
    """What was learnt, in a sentence."""
    if answer.whole is None:
        said = NOBODY_WALKED
    elif not answer.ways:
        said = NOTHING_TIED
    else:
        said = f"the holders of {units.size(answer.tied)} of {units.size(answer.size)} are known"
        said = said if answer.whole else f"{said}; the walk is a part: {undone(answer.undone)}"
    waits = waiting(answer)
    return f"{said}; {waits}" if waits else said


def undone(walk: Undone | None) -> str:
    """Why a walk did not come to its end."""
    if walk is None:
        return "not known"
    if walk.code == CRASHED:
        return f"the traversal of {walk.type} crashed"
    return {LATE: "its time was over", FULL: "its memory was full"}.get(walk.code, "not known")


def waiting(answer: Why) -> str:
    """What nothing keeps any more, and what keeps it from being collected; empty where all is kept."""
    number, collector = answer.waiting, answer.collector
    if not number:
        return ""
    only = f"{units.counted(number, 'object')} only {units.plural(number, 'waits', 'wait')} for the garbage collector"
    if collector.enabled is False:
        return f"{only}, which is off (gc.disable()): nobody collects {units.plural(number, 'it', 'them')}"
    if collector.frozen:
        aside = units.counted(collector.frozen, "object")
        return f"{only}, which never looks at the {aside} that gc.freeze() has put aside"
    return f"{only}: the next full collection frees {units.plural(number, 'it', 'them')}"
