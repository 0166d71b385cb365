"""Every report in every format that it has: the only dispatch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from leakhunt.render.screen import CSV, FORMATS, GITHUB, JSON, MARKDOWN, SARIF, TABLE, Screen

#: The function that makes the text, by the report's type and the format. By name, because each is
#: imported when it is used: JSON needs no rich, and top no rule base. Each takes the report; those of
#: a table also a Screen.
RENDERERS: Mapping[tuple[str, str], str] = {
    ("TopReport", TABLE): "terminal.tables:top",
    ("TopReport", JSON): "json.tables:top",
    ("TopReport", CSV): "csv:rows",
    ("TopReport", MARKDOWN): "markdown:rows",
    ("DiffReport", TABLE): "terminal.tables:diff",
    ("DiffReport", JSON): "json.tables:diff",
    ("DiffReport", CSV): "csv:rows",
    ("DiffReport", MARKDOWN): "markdown:rows",
    ("TrendReport", TABLE): "terminal.trend:trend",
    ("TrendReport", JSON): "json.trend:trend",
    ("TrendReport", CSV): "csv:findings",
    ("TrendReport", MARKDOWN): "markdown:findings",
    ("TypesReport", TABLE): "terminal.types:types",
    ("TypesReport", JSON): "json.types:types",
    ("TypesReport", CSV): "csv:types",
    ("TypesReport", MARKDOWN): "markdown:types",
    ("AccountReport", TABLE): "terminal.account:account",
    ("AccountReport", JSON): "json.account:account",
    ("FlameReport", TABLE): "terminal.flame:flame",
    ("CompareReport", TABLE): "terminal.compared:compare",
    ("CompareReport", JSON): "json.compared:compare",
    ("CompareReport", MARKDOWN): "markdown:compared",
    ("CheckReport", TABLE): "terminal.check:check",
    ("CheckReport", JSON): "json.check:check",
    ("CheckReport", GITHUB): "github:check",
    ("CheckReport", SARIF): "sarif:check",
    ("ListReport", TABLE): "terminal.listing:listing",
    ("ListReport", JSON): "json.listing:listing",
    ("PsReport", TABLE): "terminal.ps:ps",
    ("PsReport", JSON): "json.ps:ps",
    ("FleetReport", TABLE): "terminal.fleet:fleet",
    ("FleetReport", JSON): "json.fleet:fleet",
    ("TasksReport", TABLE): "terminal.tasks:tasks",
    ("TasksReport", JSON): "json.tasks:tasks",
    ("WatchReport", TABLE): "terminal.watch:watch",
    ("WatchReport", JSON): "json.watch:watch",
    ("DoctorReport", TABLE): "terminal.doctor:doctor",
    ("DoctorReport", JSON): "json.doctor:doctor",
    ("PlaceReport", TABLE): "terminal.place:place",
    ("PlaceReport", JSON): "json.place:place",
    ("WhyReport", TABLE): "terminal.why:why",
    ("WhyReport", JSON): "json.why:why",
    ("StatusReport", TABLE): "terminal.status:status",
    ("PruneReport", TABLE): "terminal.pruned:pruned",
    ("PruneReport", JSON): "json.pruned:pruned",
}


def formats(report: str) -> tuple[str, ...]:
    """The formats that a type of report has, in the order of FORMATS, then those of a check alone."""
    return tuple(form for form in (*FORMATS, GITHUB, SARIF) if (report, form) in RENDERERS)


def text(report: object, form: str, screen: Screen) -> str:
    """The report as text. Raises KeyError for a format that it does not have."""
    made = renderer(type(report).__name__, form)
    drawn: str = made(report, screen) if form == TABLE else made(report)
    return drawn


def renderer(report: str, form: str) -> Callable[..., str]:
    """The function that makes the text."""
    module, _, name = RENDERERS[report, form].partition(":")
    function: Callable[..., str] = getattr(import_module(f"leakhunt.render.{module}"), name)
    return function
