"""What documents are made of, the same in each: a snapshot, a frame, an amount."""

from __future__ import annotations

from typing import Any

from leakhunt.advice.rule import Advice
from leakhunt.model.meta import Meta
from leakhunt.model.snapshot import Frame, Snapshot, Tally
from leakhunt.report.labels import Labels
from leakhunt.snapshots import facts


def snapshot_of(snapshot: Snapshot) -> dict[str, Any]:
    return {**meta_of(snapshot.path, snapshot.meta), "nframe": snapshot.nframe}


def meta_of(path: str, meta: Meta) -> dict[str, Any]:
    names = (
        "host", "pid", "started_at", "taken_at", "trigger", "tasks_done", "rss", "uss", "traced",
        "traced_peak", "python", "node", "pool", "engine", "role", "baseline", "sequence",
        "armed_at", "armed_rss", "monotonic", "light",
    )  # fmt: skip
    nframe = meta.facts.get("nframe")
    return {
        "path": path,
        **{name: getattr(meta, name) for name in names},
        "nframe": nframe if isinstance(nframe, int) else None,
        **facts.cost(meta)._asdict(),
    }


def advice_of(advice: Advice | None) -> dict[str, Any] | None:
    """A known pattern, its fix, where that is written, and what was seen of it."""
    if advice is None:
        return None
    return {
        "pattern": advice.pattern,
        "why": advice.why,
        "fix": advice.fix,
        "source": advice.source,
        "because": advice.because,
    }


def live(tally: Tally) -> dict[str, int]:
    return {"size": tally.size, "count": tally.count}


def frame_of(frame: Frame, labels: Labels) -> dict[str, Any]:
    spot = labels.spot(frame)
    return {"file": frame.file, "line": frame.line, "function": spot.function, "code": spot.code}
