"""Parquet, for DuckDB, Polars, Spark: a table of records, and beside it one of the stacks.

``stack_id`` joins the two. It is a hash of the frames, so files of many hosts and days can be
read together; ``host``, ``node`` and ``taken_at`` are columns to part them by.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from leakhunt.model.paths import visible
from leakhunt.model.snapshot import Frame, Snapshot, Stack
from leakhunt.render.export.formats import PARQUET, missing
from leakhunt.render.export.names import frames
from leakhunt.render.export.records import Record, records, roots_of
from leakhunt.report.labels import Labels

#: Records of a row group: of many snapshots, or of a part of one. So many are in memory at a time. Small ones would
#: be read slowly, and what the file says of each stays in memory until it is closed.
BATCH = 20_000


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
        of_rows = _Batch(pyarrow, table, schema)
        of_frames = _Batch(pyarrow, stacks, of_stacks)
        for snapshot in snapshots:
            places = _Places(snapshot)
            for stack, record in records(snapshot):
                of_rows.add(_told(record))
                if stacks is not None and record.stack_id not in seen:
                    seen.add(record.stack_id)
                    for row in places.of(stack, record.stack_id):
                        of_frames.add(row)
        of_rows.flush()
        of_frames.flush()
    if stacks is not None:
        stacks.close()


class _Batch:
    """Rows until they are a row group."""

    def __init__(self, pyarrow: Any, writer: Any, schema: Any) -> None:
        self._pyarrow, self._writer, self._schema = pyarrow, writer, schema
        self._rows: list[tuple[Any, ...]] = []

    def add(self, row: tuple[Any, ...]) -> None:
        self._rows.append(row)
        if len(self._rows) >= BATCH:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self._writer.write_table(_table(self._pyarrow, self._schema, self._rows))
            self._rows = []


def _table(pyarrow: Any, schema: Any, rows: list[tuple[Any, ...]]) -> Any:
    columns = list(zip(*rows))
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


class _Places:
    """The frames of one snapshot's stacks as rows; each is looked up once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._labels, self._roots = Labels(snapshot), roots_of(snapshot)
        self._seen: dict[Frame, tuple[Any, ...]] = {}

    def of(self, stack: Stack, identity: str) -> Iterator[tuple[Any, ...]]:
        for position, frame in enumerate(frames(stack)):
            told = self._seen.get(frame)
            if told is None:
                spot = self._labels.spot(frame)
                plain = (
                    self._roots.package(frame.file),
                    spot.function,
                    frame.file,
                    frame.line,
                    spot.code,
                )
                told = self._seen[frame] = tuple(
                    visible(each, longest=0) if isinstance(each, str) else each for each in plain
                )
            yield (identity, position, *told)
