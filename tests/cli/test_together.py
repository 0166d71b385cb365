"""Options that say something only beside another one: given alone they are refused, and never ignored."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from leakhunt.cli import together
from tests.support.console import inside


@click.command()
@click.option("-l", "--leader", is_flag=True)
@click.option("--time", default="5s")
@click.option("-y", "--yes", is_flag=True)
def needing(**_: object) -> None:
    together.needs("--leader", "--time", "--yes")


@click.command()
@click.option("-l", "--leader", is_flag=True)
@click.option("--time", default="5s")
@click.option("-y", "--yes", is_flag=True)
def parted(**_: object) -> None:
    together.apart("-l", "--time", "-y")


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        (needing, [], None),
        (needing, ["-l"], None),
        (needing, ["-l", "-y", "--time", "3s"], None),
        (needing, ["-y"], "--yes needs --leader"),
        (needing, ["--time", "3s", "-y"], "--time and --yes need --leader"),
        (needing, ["--time", "5s"], "--time needs --leader"),
        (parted, [], None),
        (parted, ["-l"], None),
        (parted, ["--time", "3s", "-y"], None),
        (parted, ["-l", "-y"], "-l goes without -y"),
        (parted, ["--leader", "--time", "3s", "-y"], "-l goes without --time and -y"),
    ],
)
def test_it_is_said_where_they_are_ignored(
    command: click.Command, arguments: list[str], said: str | None
) -> None:
    done = CliRunner().invoke(command, arguments)
    if said is None:
        assert (done.exit_code, done.output) == (0, "")
    else:
        assert done.exit_code == 2
        assert f"Error: {said}\n" in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ps", "--yes"], "--yes needs --reap"),
        (["ps", "--patience", "3s", "-y"], "--patience and --yes need --reap"),
        (["ps", "--wait", "3s"], "--wait needs -A"),
        (["ps", "--destination", "celery@web1"], "--destination needs -A"),
        (["watch", "--destination", "celery@web1", "--wait", "1s"], "--destination and --wait need -A"),
        (["watch", "--once", "--for", "10s"], "--once goes without --for"),
        (["watch", "--once", "--for", "1s"], "--once goes without --for"),
        (["watch", "--once", "--snapshot-every", "1h"], "--once goes without --snapshot-every"),
        (["dump", "7", "--into", "x"], "--into needs -A"),
        (["dump", "7", "--at-most", "1MiB"], "--at-most needs -A"),
        (["dump", "-A", "proj", "--yes"], "-A goes without --yes"),
        (["ls", "--dry-run"], "--dry-run needs --prune"),
        (["ls", "--keep", "3", "--older-than", "1d"], "--keep and --older-than need --prune"),
        (["check", "a:b", "--update-baseline"], "--update-baseline needs --baseline"),
        (["top", "--innermost"], "--innermost needs --filter"),
        (["diff", "--innermost"], "--innermost needs --filter"),
        (["show", "1", "--innermost"], "--innermost needs --filter"),
    ],
)  # fmt: skip
def test_of_every_command(arguments: list[str], said: str) -> None:
    status, out, err = inside(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith(f"Usage: leakhunt {arguments[0]}")
    assert err.endswith(f"Error: {said}\n")
