"""Every sentence of a report is made in report/words, and nowhere else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from leakhunt.judge import codes
from leakhunt.report.words import growths, notes
from tests.support.places import ROOT

#: Rooms that say nothing themselves.
SILENT = ("report", "judge", "sites", "render", "snapshots", "retention", "model", "api.py")
#: What these say is raised: which word meant no snapshots.
RAISED = frozenset({"leakhunt/snapshots/named.py", "leakhunt/snapshots/chosen.py"})
WORD = re.compile(r"(?<![\w.-])[A-Za-z][a-z']+(?![\w-])")
#: Policies and regular expressions are no language, nor is a command in backticks, or a tag.
CODE = re.compile(r"\(\?|'none'|initial-scale")
QUOTED = re.compile(r"`[^`]*`|<[^<>]*>")
#: So many words in a row are a sentence; a value among them is a word, but two must be written there.
SENTENCE, WRITTEN = 4, 2
VALUE = "\0"


def modules() -> list[Path]:
    rooms = [ROOT / "leakhunt" / room for room in SILENT]
    every = [
        path
        for room in rooms
        for path in ([room] if room.is_file() else sorted(room.rglob("*.py")))
    ]
    return [
        path
        for path in every
        if "words" not in path.relative_to(ROOT).parts and named(path) not in RAISED
    ]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def joined(node: ast.AST) -> str:
    """A text as a whole, whether it is one constant, has values in it or is put together."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(map(joined, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mod)):
        return re.sub("%[a-z]", VALUE, joined(node.left)) + joined(node.right)
    return VALUE


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Text that is neither a docstring nor the message of an error that is raised."""
    told: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Raise, ast.Assert)) or (
            isinstance(node, ast.Call) and getattr(node.func, "id", "").endswith("Error")
        ):
            told |= {id(inner) for inner in ast.walk(node)}
        if isinstance(node, ast.FunctionDef) and (
            node.name == "__repr__" or ast.unparse(node.returns or node).endswith("Error")
        ):
            told |= {id(inner) for inner in ast.walk(node)}
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            told.add(id(node.value))
    for node in ast.walk(tree):
        if id(node) not in told and isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp)):
            yield getattr(node, "lineno", 0), joined(node)


def is_sentence(text: str) -> bool:
    said = QUOTED.sub(" ", text)
    written = len(WORD.findall(said.replace(VALUE, " ")))
    return (
        written >= WRITTEN
        and written + said.count(VALUE) >= SENTENCE
        and " " in said.strip()
        and not CODE.search(said)
    )


def sentences(source: str) -> list[tuple[int, str]]:
    return [(line, text) for line, text in texts(ast.parse(source)) if is_sentence(text)]


@pytest.mark.parametrize("path", modules(), ids=named)
def test_no_other_module_makes_a_sentence(path: Path) -> None:
    assert sentences(path.read_text()) == []


@pytest.mark.parametrize(
    "smuggled",
    [
        'said = "nothing grows here any more"',
        'said = f"{where} grew by {size} since {then}"',
        'said = "the list " + name + " keeps " + size',
        'said = "%s grew by %s" % (where, size)',
        'LEGEND = {"a": "1 = the whole of it"}',
        'said = f"<b>{name}</b> is no leak"',
    ],
)
def test_a_sentence_that_is_smuggled_in_is_seen(smuggled: str) -> None:
    assert sentences(smuggled) != []


@pytest.mark.parametrize(
    "code",
    [
        '"""What this module says of itself, at length."""',
        'raise SnapshotError(f"{name}: there is no such file here")',
        'TITLES = ("kept", "per run", "per run takes")',
        'row = f"| {a} | {b} | {c} | {d} |"',
        'LINE = "`leakhunt top` and `leakhunt diff -g type`"',
        'style = f"part-{a} shade-{b}"',
    ],
)
def test_what_is_no_sentence_is_left_alone(code: str) -> None:
    assert sentences(code) == []


def test_every_code_has_its_words() -> None:
    known = {
        value for name, value in vars(codes).items() if name.isupper() and isinstance(value, str)
    }
    assert known == {*growths.SAID, *notes._LEFT_OUT}


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (codes.because(codes.ONE_JUMP, size=1 << 20, at=8, of=8), "one jump of 1.0 MiB at snapshot 8, the last one"),
        (codes.because(codes.ONE_JUMP, size=1 << 20, at=2, of=8), "one jump of 1.0 MiB at snapshot 2, flat since"),
        (codes.because(codes.FALLS_BACK, size=100, apart=1), "falls back to 100 B, seen about every task"),
        (codes.because(codes.FALLS_BACK, size=100, apart=0.3), "falls back to 100 B, several in each task"),
        (codes.because(codes.FALLS_BACK, size=100), "falls back to 100 B"),
        (codes.because(codes.HARDLY_SAMPLED, samples=1), "1 sample more than at first: too few to tell"),
        (codes.because(codes.HARDLY_SAMPLED, samples=-3), "no more samples than at first: too few to tell"),
        (codes.because(codes.SLOWS_DOWN, late=0.2), "slows down: the second half at 20 % of the first"),
        (codes.because(codes.SLOWS_DOWN), "slows down"),
        (codes.because(codes.TRIFLE, rate=0.4), "rises by 0.4 B per task only"),
        (codes.because(codes.TOO_FEW_SAMPLES, samples=4, size=2048, units=0.4),
         "too few samples yet: 4; at this interval about 2.0 KiB (or less than 1 task) more are needed"),
    ],
)  # fmt: skip
def test_a_reason_in_words(reason: codes.Reason, said: str) -> None:
    assert growths.because(reason, "task") == said


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (codes.because(codes.IDLE, left=1, of=9), "1 snapshot of 9 left out: no task was done until the next"),
        (codes.because(codes.OTHER_STRETCH, left=2, of=5),
         "tracing was stopped and begun again: 2 of 5 snapshots are of another stretch and left out"),
        (codes.because(codes.READ_IN_PART, left=30, of=130), "of 130 snapshots 30 are read without traces"),
    ],
)  # fmt: skip
def test_what_was_left_out_in_words(reason: codes.Reason, said: str) -> None:
    assert notes.left_out([reason, reason]) == (said,)
