"""``leakhunt export``: snapshots as files that other tools open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from leakhunt import units
from leakhunt.cli import completion, reading
from leakhunt.cli.options import folder_option, strict_option, unread
from leakhunt.cli.output import PIPE, force_option, output_option, refuse, writing, wrote
from leakhunt.model.snapshot import Snapshot
from leakhunt.render.export.formats import (
    BY_NAME,
    FORMATS,
    PARQUET,
    Format,
    by_ending,
    watched,
    write,
    write_diff,
)
from leakhunt.report.words import exported
from leakhunt.snapfile import folders
from leakhunt.snapshots.chosen import most_telling, some
from leakhunt.snapshots.load import each
from leakhunt.snapshots.named import expand


@click.command(name="export")
@click.argument("words", nargs=-1, metavar="[SNAPSHOT... | FOLDER]",
                shell_complete=completion.snapshots)  # fmt: skip
@click.option("--format", "form", type=click.Choice(FORMATS),
              help="What to write; without: as FILE ends.")  # fmt: skip
@output_option
@force_option
@click.option("--diff", "compare", is_flag=True,
              help="What changed between two snapshots (pprof, speedscope, collapsed, otlp).")  # fmt: skip
@strict_option
@folder_option
def command(
    words: tuple[str, ...],
    form: str | None,
    output: str,
    force: bool,
    compare: bool,
    strict: bool,
    folder: str | None,
) -> None:
    """Write snapshots in a format that other tools open.

    pprof (go tool pprof, Pyroscope, Parca), speedscope, collapsed (FlameGraph), csv, json, parquet (DuckDB,
    Polars), otlp (OpenTelemetry), tracemalloc (a plain dump for Snapshot.load). In each, the bytes add up to
    the total of `leakhunt top --all`. Without SNAPSHOT: the process that grew most. pprof, collapsed and
    tracemalloc hold one snapshot, the newest of a process or folder; the others hold all of them. What a
    format has no place for is told on stderr.

    \b
    Examples:
      leakhunt export -o heap.pb.gz    # then: go tool pprof -top heap.pb.gz
      leakhunt export 4242 --diff -o grown.pb.gz
      leakhunt export celery@web1 -o pool.parquet
      leakhunt export a.bin --format collapsed -o - | flamegraph.pl > a.svg
    """
    chosen = _format(form, output)
    if compare and not chosen.compares:
        able = exported.listed([each.name for each in BY_NAME.values() if each.compares])
        raise click.UsageError(f"{chosen.name} holds snapshots as they are; --diff is for {able}")
    beside = _stacks_of(output) if chosen.name == PARQUET else None
    refuse(output, force)
    if beside is not None:
        refuse(beside, force)
    problems: list[str] = []
    paths = _paths(words, chosen, compare, folder, problems)
    unread(problems, strict)
    seen = exported.Seen()
    told = len(problems)
    with ExitStack() as stack:
        out = stack.enter_context(writing(output, force))
        if compare:
            before, after = watched(reading.snapshots(paths), seen.add)
            write_diff(chosen.name, out, before, after)
        else:
            lenient = None if strict or len(paths) == 1 else problems
            snapshots = watched(_each(paths, chosen, lenient), seen.add)
            stacks = stack.enter_context(writing(beside, force)) if beside is not None else None
            write(chosen.name, out, snapshots, stacks)
    unread(problems[told:], strict)
    wrote(output, exported.wrote(seen, compare))
    carries = chosen.carries
    if beside is not None:
        wrote(beside, exported.BESIDE)
    elif chosen.name == PARQUET:
        carries -= {exported.STACKS, exported.CODE}
    for line in exported.left_behind(chosen.name, carries, seen):
        click.echo(f"leakhunt: note: {line}", err=True)


def _format(form: str | None, output: str) -> Format:
    name = form or by_ending(output)
    if name is None:
        raise click.UsageError(f"say which --format: {', '.join(FORMATS)}")
    return BY_NAME[name]


def _stacks_of(output: str) -> str | None:
    """Where parquet's table of stacks goes; a pipe holds one table only."""
    if output == PIPE or Path(output).is_char_device() or Path(output).is_fifo():
        return None
    path = Path(output)
    return str(path.with_name(f"{path.stem}.stacks{path.suffix}"))


def _paths(
    words: Sequence[str], chosen: Format, compare: bool, folder: str | None, problems: list[str]
) -> list[Path]:
    """The files that are meant, in order. Raises SnapshotError, UsageError."""
    if compare:
        return list(reading.two(words, folder, problems)[:2])
    home = folders.state_dir(folder)
    if not chosen.several:
        if len(words) > 1:
            raise click.UsageError(
                f"{chosen.name} holds one snapshot and {units.count(len(words))} were named"
                + ("; --diff writes what changed between two" if chosen.compares else "")
            )
        return [reading.one(words[0] if words else None, folder, problems)[0]]
    if words:
        return expand(words, problems, home, reading.runs)
    choice = most_telling(some(home, problems, reading.runs))
    return list(choice.paths)


def _each(paths: Sequence[Path], chosen: Format, problems: list[str] | None) -> Iterator[Snapshot]:
    """The snapshots one after the other, with a bar where that takes long."""
    with reading.progress(paths):
        yield from each(paths, problems, lambda index: chosen.needs_blocks)
