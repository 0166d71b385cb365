"""Options that commands share: sizes, durations, what the screen can show."""

from __future__ import annotations

import sys

import click
import pytest
from click.testing import CliRunner

from leakhunt.cli import options
from leakhunt.cli.options import PIPED_HEIGHT, PIPED_WIDTH, Duration, Size, screen, unread
from leakhunt.errors import SnapshotError


def test_sizes_and_durations_are_read_as_they_are_written() -> None:
    assert Size().convert("1MiB", None, None) == 1 << 20
    assert Size().convert(7, None, None) == 7
    assert Duration().convert("2h", None, None) == 7200.0
    assert Duration().convert(1.5, None, None) == 1.5
    for kind in (Size(), Duration()):
        with pytest.raises(click.BadParameter, match="not a"):
            kind.convert("lots", None, None)


def test_bad_files_are_warned_of_or_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert unread(["x.bin: torn"], strict=False) == ("not read: x.bin: torn",)
    assert "warning: not read: x.bin: torn" in capsys.readouterr().err
    with pytest.raises(SnapshotError, match="torn"):
        unread(["x.bin: torn"], strict=True)
    assert unread([], strict=True) == ()


@pytest.mark.parametrize(
    ("environment", "width", "color"),
    [
        ({}, PIPED_WIDTH, False),
        ({"LINES": "77"}, PIPED_WIDTH, False),
        ({"LINES": "many"}, PIPED_WIDTH, False),
        ({"COLUMNS": "63"}, 63, False),
        ({"COLUMNS": "1"}, 40, False),
        ({"COLUMNS": "wide"}, PIPED_WIDTH, False),
        ({"FORCE_COLOR": "1"}, PIPED_WIDTH, True),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, PIPED_WIDTH, False),
        ({"CLICOLOR_FORCE": "0"}, PIPED_WIDTH, False),
    ],
)
def test_a_pipe_is_as_wide_as_it_is_said_to_be_and_grey_unless_forced(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], environment: dict[str, str],
    width: int, color: bool,
) -> None:  # fmt: skip
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    made = screen()
    assert (made.width, made.color) == (width, color)
    assert made.height == (77 if environment.get("LINES") == "77" else PIPED_HEIGHT)


@pytest.mark.parametrize(("kind", "color"), [("xterm", True), ("dumb", False)])
def test_a_terminal_has_colour_unless_it_is_a_dumb_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str, color: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", kind)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert screen().color is color


def test_workers_are_asked_by_name_only_where_an_app_is_named() -> None:
    @click.command()
    @options.reaching
    def command(reach: options.Reach) -> None:
        click.echo(f"{reach.app} {reach.nodes} {reach.wait:g}")

    def said(*arguments: str) -> str:
        return CliRunner().invoke(command, arguments).output

    assert said() == "None () 2\n"
    assert (
        said("-A", "proj", "--destination", "a@h, b@h", "--wait", "3s") == "proj ('a@h', 'b@h') 3\n"
    )
    assert "--destination needs -A" in said("--destination", "a@h")
