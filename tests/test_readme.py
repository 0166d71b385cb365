"""The README says what is true: every command, option and variable is in it."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from leakhunt.cli import COMMANDS, group
from leakhunt.hook.config import VARIABLES

README = (Path(__file__).parent.parent / "README.md").read_text()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_told_and_has_help_with_an_example(name: str) -> None:
    assert f"`leakhunt {name}" in README
    command = group.get_command(click.Context(group), name)
    assert command is not None
    assert command.help is not None
    assert f"leakhunt {name}" in command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.name}"


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_variable_is_told(variable: str) -> None:
    assert re.search(rf"^\| `{variable}` \| `{variable[9:].lower()}` \|", README, re.MULTILINE)


def test_no_variable_is_invented() -> None:
    assert set(re.findall(r"LEAKHUNT_[A-Z_]+[A-Z]", README)) <= {*VARIABLES, "LEAKHUNT_COMPLETE"}


@pytest.mark.parametrize("name", ["top", "diff"])
def test_every_option_of_a_report_is_told(name: str) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert any(f"{option}" in README for option in parameter.opts), parameter.opts


def test_the_two_commands_for_a_fresh_machine() -> None:
    assert "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/leakhunt demo" in README
    assert (
        "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest" in README
    )
