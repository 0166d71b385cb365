"""``leakhunt account``: where the resident memory is, or where its growth went."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from leakhunt.cli import completion, reading
from leakhunt.cli.options import folder_option, show, strict_option, unread
from leakhunt.errors import SnapshotError
from leakhunt.report.account import account
from leakhunt.report.words import choices
from leakhunt.snapfile import folders
from leakhunt.snapshots.chosen import Chosen
from leakhunt.snapshots.named import expand


@click.command(name="account")
@click.argument("files", nargs=-1, metavar="[SNAPSHOT...]", shell_complete=completion.snapshots)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@strict_option
@folder_option
def command(files: tuple[str, ...], as_json: bool, strict: bool, folder: str | None) -> None:
    """Tell where the resident memory (RSS) of a process is, or where its growth went.

    Live Python blocks, what the allocators hold free, native code, stacks, mapped files, shared memory,
    and pages that were unshared after the fork: the parts add up to RSS, what cannot be known is
    called unknown, and one sentence says what it means and what to do next.

    Of one snapshot: where its memory is. Of several, of a process or a folder: where the growth
    from the first to the last one went. Without arguments: of the process that grew most.

    \b
    Examples:
      leakhunt account
      leakhunt account 4242                  # that process, first and newest snapshot
      leakhunt account after.bin
      leakhunt account before.bin after.bin --json
    """
    problems: list[str] = []
    paths, choice = _chosen(files, folder, problems)
    notes = unread(problems, strict)
    loaded = reading.snapshots(paths, detail=True)
    why = choices.chosen(choice) if choice else None
    before = loaded[0] if len(loaded) > 1 else None
    show(account(before, loaded[-1], why, notes), "json" if as_json else "table")


def _chosen(
    files: Sequence[str], folder: str | None, problems: list[str]
) -> tuple[list[Path], Chosen | None]:
    """One snapshot, or the two at the ends of those that are meant. Raises SnapshotError."""
    if len(files) > 2:
        paths = expand(files, problems, folders.state_dir(folder), reading.runs)
        return [paths[0], paths[-1]], None
    if len(files) == 1 and _is_one(files[0], folder):
        path, choice = reading.one(files[0], folder, problems)
        return [path], choice
    with suppress(SnapshotError):
        older, newer, choice = reading.two(files, folder, problems)
        return [older, newer], choice
    path, choice = reading.one(files[0] if files else None, folder, problems)
    return [path], choice


def _is_one(word: str, folder: str | None) -> bool:
    """Whether a word means one snapshot alone."""
    return len(expand([word], [], folders.state_dir(folder), reading.runs)) == 1
