"""The README says what is true: every command, option and variable is in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from leakhunt.cli import COMMANDS, group
from leakhunt.hook.config import VARIABLES
from leakhunt.snapfile.write import write
from tests.support.places import ROOT

README = (ROOT / "README.md").read_text()
#: What the READMEs tell together: the face, and those of the packages.
DOCS = {
    path: path.read_text() for path in [ROOT / "README.md", *ROOT.glob("leakhunt/**/README.md")]
}
ALL = "\n".join(DOCS.values())


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
    assert re.search(rf"^\| `{variable}` \| \S", README, re.MULTILINE)


def test_no_variable_is_invented() -> None:
    assert set(re.findall(r"LEAKHUNT_[A-Z_]+[A-Z]", ALL)) <= {*VARIABLES, "LEAKHUNT_COMPLETE"}


@pytest.mark.parametrize("name", ["top", "diff", "trend", "show", "ls"])
def test_every_option_of_a_report_is_told(name: str) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert any(f"{option}" in ALL for option in parameter.opts), parameter.opts


def test_the_two_commands_for_a_fresh_machine() -> None:
    assert "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/leakhunt demo" in README
    assert (
        "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest" in README
    )


def test_the_python_example_runs(tmp_path: Path) -> None:
    for name, growth in (("before", 1), ("after", 9)):
        frames = (("/srv/myapp/tasks.py", 40),)
        write(tmp_path / f"{name}.bin", [((0, 100, frames, 1), growth)], 1, {"schema": 1})
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout == "/srv/myapp/tasks.py 40 800\n"


def test_the_face_is_short() -> None:
    """As ``wc -w`` counts, the bars of tables too."""
    assert len(README.split()) <= 1560


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", DOCS[path]):
        name, _, heading = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked.exists(), target
        if heading:
            heads = re.findall(r"^#+ (.*)$", linked.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
            assert heading in anchors, target


def test_where_to_change_what_names_files_that_are_there() -> None:
    text = DOCS[ROOT / "leakhunt" / "README.md"]
    rows = text.partition("## To change X, open Y")[2].partition("## How to test")[0]
    named = re.findall(r"`([\w/]+(?:\.py|/))`", rows)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / "leakhunt" / name).exists()] == []
