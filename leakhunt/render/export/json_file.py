"""JSON: the rows of ``top --all -g traceback -n 0``, of one snapshot or many.

``{"schema", "rows": [{"snapshot", "rank", "site", "stack", "stack_id", "size", "count", …}], "snapshots":
[{…, "totals"}], "totals"}``: rows as they are read, so what they are of comes last.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from leakhunt.model.snapshot import NOTHING, Snapshot, Stack, Tally
from leakhunt.render.documents import frame_of, live, snapshot_of
from leakhunt.render.export.names import frames
from leakhunt.render.export.records import stack_id
from leakhunt.report.labels import Labels

#: Bytes of what the snapshots are that stay in memory; more goes to a temporary file.
SPOOLED = 1 << 16


def write(out: IO[bytes], snapshots: Iterator[Snapshot]) -> None:
    """Rows of each snapshot, the heaviest stack first."""
    out.write(b'{"schema": "leakhunt/export@1", "group_by": "traceback", "rows": [')
    totals = NOTHING
    between = ""
    one: dict[str, Any] | None = None
    # What the rows are of is known with the last of them, and a thousand snapshots' figures are megabytes.
    with tempfile.SpooledTemporaryFile(SPOOLED) as told:
        for number, snapshot in enumerate(snapshots):
            labels = Labels(snapshot)
            ordered = sorted(snapshot.tallies.items(), key=_heaviest)
            for rank, (stack, tally) in enumerate(ordered, 1):
                row = {"snapshot": number, "rank": rank, **_row(snapshot, stack, tally, labels)}
                out.write(f"{between}\n{json.dumps(row)}".encode())
                between = ","
            of = {**snapshot_of(snapshot), "totals": live(snapshot.totals)}
            one = None if number else of
            told.write(f"{', ' if number else ''}{json.dumps(of)}".encode())
            totals = totals.plus(snapshot.totals)
        out.write(b'\n], "snapshots": [')
        told.seek(0)
        shutil.copyfileobj(told, out)
    ending = {
        "snapshot": one,
        "totals": live(totals),
        "dropped": live(NOTHING),
        "remainder": {**live(NOTHING), "sites": 0},
    }
    out.write(f"], {json.dumps(ending)[1:]}\n".encode())


def _heaviest(item: tuple[Stack, Tally]) -> tuple[int, int, Stack]:
    stack, tally = item
    return -tally.size, -tally.count, stack


def _row(snapshot: Snapshot, stack: Stack, tally: Tally, labels: Labels) -> dict[str, Any]:
    told = snapshot.told(stack)
    site = frames(stack)[-1]
    row = {
        "site": {"file": site.file, "line": site.line, "function": labels.spot(site).function},
        "stack": [frame_of(frame, labels) for frame in stack],
        "stack_id": stack_id(stack),
        **live(tally),
    }
    if told.stderr is not None:
        row["stderr"], row["samples"] = told.stderr, told.samples
    if told.types:
        row["types"] = [{"type": name, "size": size} for name, size in told.types.items()]
        row["recycled"] = told.recycled
    return row
