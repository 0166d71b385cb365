"""Options that commands share: they arrive as one frozen Query."""

from __future__ import annotations

import functools
import math
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click
from click.core import ParameterSource

from leakhunt import units
from leakhunt.cli import completion, together
from leakhunt.errors import SnapshotError
from leakhunt.model.query import BLAMES, GROUPED, GROUPS, SORTS, Query
from leakhunt.render.screen import FORMATS, TABLE, Screen

if TYPE_CHECKING:
    from leakhunt.report.tables import DiffReport, TopReport

Function = TypeVar("Function", bound=Callable[..., Any])

#: Columns of a table that is piped and was not told how wide to be.
PIPED_WIDTH = 120
#: Lines of a picture that is piped.
PIPED_HEIGHT = 40
#: What a box of a picture may stand for.
DRAWN = ("lineno", *GROUPED)


innermost_option = click.option(
    "--innermost", is_flag=True, help="-f looks at the innermost frame only."
)
exclude_option = click.option(
    "-x", "--exclude", "excludes", multiple=True, metavar="P", help="Drop stacks whose innermost frame is in P."
)  # fmt: skip
all_option = click.option(
    "--all", "show_all", is_flag=True, help="Also what is hidden: tracing and import machinery."
)


def querying(function: Function) -> Function:
    """The ranking, filtering and output options; passes ``query`` and ``form``."""

    @click.option("-g", "--group-by", type=click.Choice(GROUPS), default="lineno", show_default=True,
                  help="What a row stands for.")  # fmt: skip
    @click.option("-f", "--filter", "filters", multiple=True, metavar="P",
                  help="Keep stacks with any frame in P (package, module, path or glob), ranked there.")  # fmt: skip
    @innermost_option
    @exclude_option
    @click.option("--blame", type=click.Choice(BLAMES), default="innermost", show_default=True,
                  help="app: rank library memory at the application's line.")  # fmt: skip
    @all_option
    @click.option("-n", "--limit", type=click.IntRange(min=0), default=20, show_default=True,
                  metavar="N", help="Rows; 0 shows all.")  # fmt: skip
    @click.option("--sort", type=click.Choice(SORTS), default="size", show_default=True,
                  help="Rank by bytes or by blocks.")  # fmt: skip
    @click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True,
                  help="How to print it.")  # fmt: skip
    @click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
    @functools.wraps(function)
    def wrapper(
        group_by: str,
        filters: tuple[str, ...],
        innermost: bool,
        excludes: tuple[str, ...],
        blame: str,
        show_all: bool,
        limit: int,
        sort: str,
        form: str,
        as_json: bool,
        **others: Any,
    ) -> Any:
        together.needs("--filter", "--innermost")
        query = Query(group_by, filters, excludes, innermost, show_all, blame, limit, sort)
        return function(query=query, form="json" if as_json else form, **others)

    return wrapper  # type: ignore[return-value]


class Reach(NamedTuple):
    """Which workers are asked through a broker: none without an app."""

    app: str | None
    nodes: tuple[str, ...]
    """All without."""
    wait: float
    """Seconds after the last reply."""


class Size(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A size such as 1MiB, as bytes."""

    name = "size"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        if isinstance(value, int):
            return value
        try:
            return units.parse_size(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Duration(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A duration such as 7d, as seconds."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        if isinstance(value, float):
            return value
        try:
            return units.parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Seconds(click.FloatRange):
    """A number of seconds: none below zero, and ``nan`` is none, which no time ever exceeds."""

    name = "number of seconds"

    def __init__(self) -> None:
        super().__init__(min=0)

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value!r} is not a valid {self.name}.", param, ctx)
        return seconds


def timeout_option(what: str, default: float = 60.0) -> Callable[[Function], Function]:
    """``--timeout`` of who asks processes for snapshots; ``what`` is waited for."""
    return click.option(
        "--timeout",
        type=Seconds(),
        default=default,
        metavar="SECONDS",
        show_default=True,
        help=what,
    )


strict_option = click.option(
    "--strict", is_flag=True, help="A file that cannot be read is an error, not a warning."
)


def unread(problems: Sequence[str], strict: bool) -> tuple[str, ...]:
    """What to note in a report of files that were left out; they are told on stderr as well.

    Raises SnapshotError where the user wants none to be left out.
    """
    for problem in problems:
        if strict:
            raise SnapshotError(problem)
        click.echo(f"leakhunt: warning: not read: {problem}", err=True)
    return tuple(f"not read: {problem}" for problem in problems)


flame_option = click.option(
    "--flame", is_flag=True, help="Stacks as boxes of text, as wide as their bytes, that fit the window."
)  # fmt: skip


def show_table(report: TopReport | DiffReport, form: str, flame: bool) -> None:
    """Print a table, or with ``flame`` its stacks as boxes. Raises UsageError for what no picture can follow."""
    if not flame:
        asked = click.get_current_context().get_parameter_source("limit")
        show(report, form, fits=asked is ParameterSource.DEFAULT)
        return
    if form != TABLE:
        raise click.UsageError(
            f"--flame is a picture for the terminal, and --format {form} is none"
        )
    together.apart("--flame", "--blame", "--limit", "--sort")
    if report.query.group_by not in DRAWN:
        raise click.UsageError(
            f"--flame draws {', '.join(DRAWN[:-1])} or {DRAWN[-1]} as boxes, and "
            f"--group-by {report.query.group_by} is none of them"
        )
    from leakhunt.report.flame import drawing

    show(drawing(report), TABLE)


verbose_option = click.option("-v", "--verbose", is_flag=True, help="Also the evidence.")

folder_option = click.option(
    "--dir", "folder", metavar="DIR", shell_complete=completion.folders, help="Folder with the snapshots [LEAKHUNT_DIR, else a private one]."
)  # fmt: skip


def reaching(function: Function) -> Function:
    """The options of a command that can ask an app's workers through its broker."""

    @click.option(
        "-A",
        "--app",
        metavar="APP",
        help="Ask all workers at the app's broker, on whatever host: other apps' there answer, too.",
    )
    @click.option("--destination", "destinations", multiple=True, metavar="NODE",
                  help="With -A: these workers only (a name, or several with commas).")  # fmt: skip
    @click.option("--wait", type=Duration(), default="2s", metavar="TIME", show_default=True,
                  help="With -A: for the next worker to answer.")  # fmt: skip
    @functools.wraps(function)
    def wrapper(app: str | None, destinations: tuple[str, ...], wait: float, **others: Any) -> Any:
        nodes = tuple(
            node for given in destinations for node in map(str.strip, given.split(",")) if node
        )
        together.needs("-A", "--destination", "--wait")
        return function(reach=Reach(app, nodes, wait), **others)

    return wrapper  # type: ignore[return-value]


def show(report: object, form: str, verbose: bool = False, fits: bool = False) -> None:
    """Print a report in one of its formats; ``fits``: in a terminal, no table longer than the window."""
    from leakhunt.render import formats

    drawn_for = screen(verbose)._replace(fits=fits and sys.stdout.isatty())
    # Click would strip the colours that somebody forced into a pipe.
    click.echo(formats.text(report, form, drawn_for), nl=False, color=drawn_for.color)


def screen(verbose: bool = False) -> Screen:
    """What standard output can show.

    ``NO_COLOR`` (no-color.org) and ``TERM=dumb`` turn colour off, ``CLICOLOR_FORCE`` and
    ``FORCE_COLOR`` turn it on where output is piped; ``COLUMNS`` and ``LINES`` set the size.
    """
    terminal = sys.stdout.isatty()
    columns, rows = os.environ.get("COLUMNS", ""), os.environ.get("LINES", "")
    width, height = PIPED_WIDTH, PIPED_HEIGHT
    if terminal:
        height = 24
        with suppress(OSError):
            window = os.get_terminal_size(sys.stdout.fileno())
            width, height = window.columns or 80, window.lines or 24
    if columns.isdigit() and int(columns) > 0:
        width = int(columns)
    if rows.isdigit() and int(rows) > 0:
        height = int(rows)
    forced = any(
        os.environ.get(name, "") not in ("", "0") for name in ("CLICOLOR_FORCE", "FORCE_COLOR")
    )
    color = not os.environ.get("NO_COLOR") and (
        forced or (terminal and os.environ.get("TERM") != "dumb")
    )
    return Screen(max(width, 40), color, _draws_lines(), verbose, height)


def _draws_lines() -> bool:
    """Whether standard output can carry the lines and bars that pages are drawn with."""
    try:
        "├└│…▁█".encode(sys.stdout.encoding or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True
