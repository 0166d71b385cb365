"""What every reading command prints of the recorded snapshots, to the letter.

A change of output is a change of ``fixtures/outputs``, to be seen in the commit that makes it:
``pytest tests/test_outputs.py --update`` writes down what is printed now.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leakhunt.cli import COMMANDS
from leakhunt.render.screen import FORMATS
from tests.support.places import FIXTURES, SNAPSHOTS
from tests.support.transcripts import Block, again, blocks, printed, text_of

OUTPUTS = sorted((FIXTURES / "outputs").glob("*.txt"))
#: They start, signal or watch processes, or write a page that no eye compares.
NOT_READING = {"demo", "run", "dump", "arm", "ps", "watch", "doctor", "check", "report"}
#: Bytes that all of them may take: what nobody reads through is no help in a review.
MOST = 400_000


@pytest.mark.parametrize("path", OUTPUTS, ids=lambda path: path.stem)
def test_a_command_prints_what_it_printed(path: Path, request: pytest.FixtureRequest) -> None:
    stored = path.read_text(encoding="utf-8")
    now = again(stored)
    if request.config.getoption("--update"):
        path.write_text(now, encoding="utf-8")
    else:
        assert now == stored


def test_every_reading_command_and_every_format_is_among_them() -> None:
    asked = [block.command.split() for path in OUTPUTS for block in blocks(path.read_text())]
    assert {words[0] for words in asked} >= set(COMMANDS) - NOT_READING
    formats = {
        word for words in asked for flag, word in zip(words, words[1:]) if flag == "--format"
    }
    assert formats >= {*FORMATS, "collapsed", "speedscope"} - {"table", "json"}
    assert any("--json" in words for words in asked)
    names = {word.rpartition("/")[2] for words in asked for word in words}
    assert names >= {path.name for path in SNAPSHOTS.glob("*.bin")}


def test_they_are_few() -> None:
    assert sum(path.stat().st_size for path in OUTPUTS) < MOST


def test_a_transcript_is_what_it_was_read_from() -> None:
    text = "$ leakhunt top a.bin\nrows\n$ leakhunt diff a.bin\n[exit 2]\n"
    assert blocks(text) == [Block("top a.bin", "rows\n"), Block("diff a.bin", "[exit 2]\n")]
    assert text_of(blocks(text)) == text


def test_a_transcript_knows_nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAKHUNT_DIR", "/nowhere/at/all")
    monkeypatch.setenv("COLUMNS", "60")
    command = "ls --dir series"
    here = Path.cwd()
    assert printed(command) == printed(command)
    assert "nowhere" not in printed(command)
    assert Path.cwd() == here
    assert os.environ["COLUMNS"] == "60"


def test_what_fails_says_with_which_status() -> None:
    assert printed("top nosuch.bin").endswith("[exit 2]\n")
