"""The files that other tools open: what each is called, and which function writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import IO, Any

from leakhunt.errors import ExportError
from leakhunt.model.snapshot import Snapshot
from leakhunt.report.words.exported import CODE, COUNTS, ERRORS, PROCESS, STACKS, TYPES

PPROF, SPEEDSCOPE, COLLAPSED, CSV, JSON, PARQUET, OTLP, TRACEMALLOC = FORMATS = (
    "pprof", "speedscope", "collapsed", "csv", "json", "parquet", "otlp", "tracemalloc",
)  # fmt: skip


@dataclass(frozen=True)
class Format:
    """One format."""

    name: str
    ending: str
    """What its files are called by others."""
    several: bool
    """Whether one file holds more than one snapshot."""
    compares: bool
    """Whether it can hold the difference of two."""
    carries: frozenset[str]
    """What it holds beyond stacks with their bytes."""
    needs_blocks: bool = False
    """Whether it wants each block's size, and not only their sum."""


BY_NAME = {
    each.name: each
    for each in (
        Format(PPROF, ".pb.gz", False, True, frozenset({COUNTS, PROCESS, STACKS})),
        Format(SPEEDSCOPE, ".speedscope.json", True, True, frozenset({COUNTS, STACKS})),
        Format(COLLAPSED, ".folded", False, True, frozenset({STACKS})),
        Format(CSV, ".csv", True, False, frozenset({ERRORS, COUNTS, PROCESS, STACKS})),
        Format(
            JSON, ".json", True, False,
            frozenset({ERRORS, COUNTS, TYPES, CODE, PROCESS, STACKS}),
        ),
        Format(PARQUET, ".parquet", True, False, frozenset({ERRORS, COUNTS, CODE, PROCESS, STACKS})),
        Format(OTLP, ".otlp.pb", True, True, frozenset({COUNTS, PROCESS, STACKS})),
        Format(TRACEMALLOC, ".bin", False, False, frozenset({COUNTS, STACKS}), True),
    )
}  # fmt: skip


def by_ending(name: str) -> str | None:
    """The format that a file of that name usually has; None: any may be meant."""
    endings = sorted(BY_NAME.values(), key=lambda each: -len(each.ending))
    return next((each.name for each in endings if name.endswith(each.ending)), None)


def write(form: str, out: IO[bytes], snapshots: Iterable[Snapshot], beside: IO[bytes] | None = None) -> None:  # fmt: skip
    """Write snapshots one after the other; each is forgotten before the next is asked for.

    ``beside``: where parquet's table of stacks goes; None: nowhere. Raises ExportError where a
    library is missing.
    """
    module = _module(form)
    if form == PARQUET:
        module.write(out, iter(snapshots), beside)
    else:
        module.write(out, iter(snapshots))


def write_diff(form: str, out: IO[bytes], before: Snapshot, after: Snapshot) -> None:
    """Write what changed, for a format that compares."""
    _module(form).write_diff(out, before, after)


def _module(form: str) -> Any:
    return import_module(f"leakhunt.render.export.{form}_file")


def missing(library: str, form: str, extra: str) -> ExportError:
    """What to raise where an optional library is not installed."""
    return ExportError(
        f"{form} needs {library}, which is not installed: pip install 'leakhunt[{extra}]'"
    )


Watch = Callable[[Snapshot], None]


def watched(snapshots: Iterable[Snapshot], watch: Watch) -> Iterator[Snapshot]:
    """The same snapshots, each shown to ``watch`` as it passes."""
    for snapshot in snapshots:
        watch(snapshot)
        yield snapshot
