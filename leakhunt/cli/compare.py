"""``leakhunt compare``: two series, before and after a fix."""

from __future__ import annotations

import sys

import click

from leakhunt.cli import completion, judging, reading
from leakhunt.cli.options import folder_option, show, strict_option, unread
from leakhunt.errors import SnapshotError
from leakhunt.judge.history import History
from leakhunt.render.formats import formats
from leakhunt.render.screen import JSON, TABLE
from leakhunt.report.compared import compare
from leakhunt.report.words import choices
from leakhunt.snapfile import folders as places
from leakhunt.snapshots.named import expand
from leakhunt.snapshots.series import lines_of


@click.command(name="compare")
@click.argument("before", shell_complete=completion.snapshots)
@click.argument("after", shell_complete=completion.snapshots)
@click.option("--fail-on-worse", is_flag=True, help="Exit 3 when a place is new or worse.")
@click.option("--format", "form", type=click.Choice(formats("CompareReport")), default=TABLE, show_default=True,
              help="How to print it.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
@strict_option
@folder_option
def command(
    before: str,
    after: str,
    fail_on_worse: bool,
    form: str,
    as_json: bool,
    strict: bool,
    folder: str | None,
) -> None:
    """Compare two series of snapshots, place by place: is it fixed?

    BEFORE and AFTER are what `leakhunt ls` prints or folders: a process before the fix and one after
    it. Each place that leaks in either is fixed, better, same, worse or new, with its rate and
    interval in both; open where the series are too short to tell.

    \b
    Examples:
      leakhunt compare snapshots/monday snapshots/tuesday
      leakhunt compare 4242 5151 --json
      leakhunt compare before/ after/ --fail-on-worse       # exit 3: for CI
    """
    problems: list[str] = []
    notes: list[str] = []
    sides = [_history(word, folder, problems, notes) for word in (before, after)]
    report = compare(sides[0], sides[1], (*notes, *unread(problems, strict)))
    show(report, JSON if as_json else form)
    if fail_on_worse and report.result.is_worse:
        sys.stdout.flush()
        click.get_current_context().exit(3)


def _history(word: str, folder: str | None, problems: list[str], notes: list[str]) -> History:
    """The series that a word means: of several processes that with the most snapshots, of these the one
    that grew most. Raises SnapshotError.
    """
    lines = lines_of(expand([word], problems, places.state_dir(folder), reading.runs), problems)
    if not lines:
        raise SnapshotError(problems[0] if problems else f"{word}: there are no snapshots")
    line = max(
        lines,
        key=lambda line: (
            len(line) >= 3, line[-1].meta.tasks_done or 0, len(line), line[-1].meta.traced or 0,
        ),
    )  # fmt: skip
    if len(lines) > 1:
        notes.append(choices.one_of(word, line[-1].meta.pid, len(lines)))
    with reading.progress([entry.path for entry in line]):
        history = judging.gather(line, problems)
    if history is None:
        raise SnapshotError(problems[0])
    return history
