"""Why a growth is called what it is called, in words."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from leakhunt import units
from leakhunt.judge import enough
from leakhunt.judge.enough import Wanted
from leakhunt.judge.history import History
from leakhunt.judge.owners import Growth
from leakhunt.judge.series import shape, stats
from leakhunt.judge.series.shape import LEAK, SAWTOOTH, STEP, WARM_UP
from leakhunt.model.paths import prefixes
from leakhunt.snapshots.objects import MAY_BE, Kinds

#: What others have made is told from this part on.
TOLD = 0.1


def reason(history: History, growth: Growth, missing: Wanted | None, held: Kinds | None) -> str:
    """The reason, with what must be said of where the memory is booked."""
    said = growth.why or _reason(history, growth, missing)
    if held is None:
        return said
    if held.holders:
        kept = sum(holder.size for holder in held.holders)
        if kept >= TOLD * held.size:
            holder = held.holders[0].said(prefixes(history.last.facts))
            said += f"; {units.share(kept / held.size)} made by others and kept by {holder}"
    return said + (f"; {MAY_BE}" if held.is_recycled else "")


def _reason(history: History, growth: Growth, missing: Wanted | None) -> str:
    judged, sizes, total = growth.shape, growth.sizes, len(growth.sizes)
    if missing is not None:
        return enough.said(missing, history.unit)
    if judged.verdict == LEAK and judged.valleys:
        return f"a sawtooth whose valleys rise since snapshot {judged.since + 1} of {total}"
    if judged.verdict == LEAK:
        if judged.since == 0:
            return "since the first snapshot"
        return f"steady since snapshot {judged.since + 1} of {total}"
    if judged.verdict == STEP:
        jumps = [b - a for a, b in zip(sizes, sizes[1:])]
        at = max(range(len(jumps)), key=jumps.__getitem__) + 1
        after = ", the last one" if at == total - 1 else ", flat since"
        return f"one jump of {units.size(max(jumps))} at snapshot {at + 1}{after}"
    if judged.verdict == SAWTOOTH:
        return _falls_back(history, sizes)
    if judged.verdict == WARM_UP:
        if 0 < judged.since < total - 1:
            return f"levels off since snapshot {judged.since + 1}"
        early, late = stats.halves(history.times, sizes)
        slow = (
            f": the second half at {units.share(max(0.0, late / early))} of the first"
            if early > 0
            else ""
        )
        return f"slows down{slow}"
    if judged.samples is not None and judged.samples < enough.SUSPICIOUS:
        return f"too few samples to tell: {judged.samples}"
    if judged.open:
        return "rises, but not surely: more snapshots would tell"
    return "no steady direction"


def _falls_back(history: History, sizes: Sequence[float]) -> str:
    falls = shape.falls(sizes)
    text = (
        f"falls back to {units.size(min(sizes[index] for index in falls) if falls else min(sizes))}"
    )
    if len(falls) >= 3:
        apart = median(history.times[b] - history.times[a] for a, b in zip(falls, falls[1:]))
        text += f", seen about every {_amount(apart, history.unit)}"
    return text


def _amount(number: float, unit: str) -> str:
    if unit == "second":
        return units.duration(number)
    whole = round(number)
    return f"{units.count(whole)} {unit}{'' if whole == 1 else 's'}"
