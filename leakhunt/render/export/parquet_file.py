"""Parquet, for DuckDB, Polars, Spark: a table of records, and beside it one of the stacks.

``stack_id`` joins the two. It is a hash of the frames, so files of many hosts and days can be
read together; ``host``, ``node`` and ``taken_at`` are columns to part them by.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

from leakhunt.model.paths import visible
from leakhunt.model.snapshot import Frame, Snapshot, Stack
from leakhunt.render.export.formats import PARQUET, missing
from leakhunt.render.export.names import frames
from leakhunt.render.export.records import Record, records, roots_of
from leakhunt.report.labels import Labels

#: Records that are in memory at a time.
BATCH = 50_000


def write(out: IO[bytes], snapshots: Iterator[Snapshot], beside: IO[bytes] | None) -> None:
    """Records into ``out``, each stack's frames once into ``beside``. Raises ExportError without pyarrow."""
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise missing("pyarrow", PARQUET, "parquet") from error
    text = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    moment = pyarrow.timestamp("us", tz="UTC")
    whole, plain = pyarrow.int64(), pyarrow.string()
    schema = pyarrow.schema(
        [
            ("snapshot", text), ("host", text), ("node", text), ("pid", whole), ("role", text),
            ("pool", text), ("started_at", moment), ("taken_at", moment), ("tasks_done", whole),
            ("engine", text), ("python", text), ("package", text), ("function", text),
            ("file", text), ("line", whole), ("size", whole), ("stderr", pyarrow.float64()),
            ("count", whole), ("stack_id", plain),
        ]
    )  # fmt: skip
    # Position 0 is the outermost frame: the most recent call comes last.
    of_stacks = pyarrow.schema(
        [
            ("stack_id", plain), ("position", whole), ("package", text), ("function", text),
            ("file", text), ("line", whole), ("code", text),
        ]
    )  # fmt: skip
    seen: set[str] = set()
    stacks = parquet.ParquetWriter(beside, of_stacks) if beside is not None else None
    with parquet.ParquetWriter(out, schema) as table:
        for snapshot in snapshots:
            rows = records(snapshot)
            while True:
                batch = list(islice(rows, BATCH))
                if not batch:
                    break
                table.write_table(_table(pyarrow, schema, [_told(record) for _, record in batch]))
                if stacks is not None:
                    new = [(s, r.stack_id) for s, r in batch if r.stack_id not in seen]
                    seen.update(identity for _, identity in new)
                    stacks.write_table(_table(pyarrow, of_stacks, list(_frames(snapshot, new))))
    if stacks is not None:
        stacks.close()


def _table(pyarrow: Any, schema: Any, rows: list[tuple[Any, ...]]) -> Any:
    columns = list(zip(*rows)) if rows else [()] * len(schema)
    arrays = [pyarrow.array(column, type=field.type) for column, field in zip(columns, schema)]
    return pyarrow.Table.from_arrays(arrays, schema=schema)


def _told(record: Record) -> tuple[Any, ...]:
    """With moments in microseconds, and text that is UTF-8."""
    changed = record._replace(
        started_at=_micro(record.started_at),
        taken_at=_micro(record.taken_at),
    )
    return tuple(visible(each, longest=0) if isinstance(each, str) else each for each in changed)


def _micro(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e6)


def _frames(snapshot: Snapshot, stacks: list[tuple[Stack, str]]) -> Iterator[tuple[Any, ...]]:
    labels, roots = Labels(snapshot), roots_of(snapshot)
    seen: dict[Frame, tuple[Any, ...]] = {}
    for stack, identity in stacks:
        for position, frame in enumerate(frames(stack)):
            if frame not in seen:
                spot = labels.spot(frame)
                told = (roots.package(frame.file), spot.function, frame.file, frame.line, spot.code)
                seen[frame] = tuple(
                    visible(each, longest=0) if isinstance(each, str) else each for each in told
                )
            yield (identity, position, *seen[frame])
