"""Files that a command writes: whole or not at all, and never over another one unasked."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import click

from leakhunt.model.paths import visible

#: Standard output.
PIPE = "-"

output_option = click.option(
    "-o", "--output", "output", required=True, metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True), help="The file to write; - is standard output.",
)  # fmt: skip
force_option = click.option("--force", is_flag=True, help="Write over a file that exists.")


def refuse(output: str, force: bool) -> None:
    """Raise UsageError where the file exists and may not be written over, or its folder is not there."""
    if output != PIPE and not force and _is_file(output):
        raise click.UsageError(f"{visible(output)} exists; --force writes over it")
    folder = Path(output).parent
    if output != PIPE and not folder.is_dir():
        raise click.UsageError(f"{visible(output)}: there is no folder {visible(str(folder))}")


def _is_file(output: str) -> bool:
    """A pipe or a device is written to, and never replaced."""
    try:
        return stat.S_ISREG(os.stat(output).st_mode)  # noqa: PTH116 - whatever it is
    except OSError:
        return Path(output).is_symlink()  # one that leads nowhere: somebody wants that name


@contextmanager
def writing(output: str, force: bool) -> Iterator[IO[bytes]]:
    """The file to write to. It gets its name when all is written: an error leaves what was there.

    Raises UsageError where it exists and ``force`` is not said, OSError, with its name, where it cannot be written.
    """
    if output == PIPE:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    refuse(output, force)
    if Path(output).exists() and not _is_file(output):
        with Path(output).open("wb") as device:
            yield device
        return
    target = Path(os.path.realpath(output)) if force else Path(output)
    partial = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        file = partial.open("xb")
    except OSError as error:  # of the name that was asked for, and not of one that nobody knows
        raise type(error)(error.errno, error.strerror, output) from None
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if force:
            os.replace(partial, target)  # noqa: PTH105 - as link below
        else:
            _linked(partial, target)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()


def _linked(partial: Path, target: Path) -> None:
    """Name the file, unless that name was taken while it was written."""
    try:
        os.link(partial, target)
    except FileExistsError:
        raise click.UsageError(f"{visible(str(target))} exists; --force writes over it") from None
    except OSError:  # a file system without hard links
        refuse(str(target), False)
        os.replace(partial, target)  # noqa: PTH105 - the same


def wrote(output: str, what: str) -> None:
    """Tell it on stderr, which a pipe does not carry."""
    if output != PIPE:
        click.echo(f"leakhunt: wrote {visible(output)}: {what}", err=True)
