"""Every threshold of the judgement stands in one value, with its reason."""

from __future__ import annotations

import ast
import inspect
from dataclasses import FrozenInstanceError, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

import leakhunt.judge
from leakhunt.judge import levels
from leakhunt.judge.levels import LEVELS

ROOT = Path(leakhunt.judge.__file__).parent
#: Numbers that decide nothing: what bounds the work, how exactly it is reckoned, sizes of CPython's own, equal beliefs, nothing known.
NO_THRESHOLDS = {
    "series/figure.py": {"PAGE"},
    "series/stats.py": {"MOST", "EXACT", "VAST", "ALMOST", "CLOSE", "STEPS"},
    "history.py": {"FULL"},
    "owners.py": {"TASKS"},
    "excuses/free_list.py": {"FREE_LIST", "FREE_LIST_SIZES", "KEYS_SIZES"},
    "births/ages.py": {"BEFORE"},
    "rss.py": {"UNKNOWN"},
    "blame/parts.py": {"DEQUE_BLOCKS", "DEQUE_ITEMS"},
}


def numbers(tree: ast.Module) -> set[str]:
    """Names in capitals that a module binds to a number."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.AnnAssign):
            targets: list[ast.expr] = [node.target]
        elif isinstance(node, ast.Assign):
            targets = node.targets
        else:
            continue
        if node.value is None or any(
            isinstance(each, ast.Constant) and isinstance(each.value, str)
            for each in ast.walk(node.value)
        ):
            continue
        if any(isinstance(each, ast.Constant) for each in ast.walk(node.value)):
            found |= {
                each.id
                for target in targets
                for each in ast.walk(target)
                if isinstance(each, ast.Name) and each.id.isupper() and each.id[0] != "_"
            }
    return found


@pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_other_module_has_thresholds(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    if path.is_relative_to(Path(levels.__file__).parent):
        return
    allowed = NO_THRESHOLDS.get(name, set())
    found = numbers(ast.parse(path.read_text()))
    assert found == allowed


#: Of rounding, of the grid on which curves are tried, of published approximations.
MATHEMATICS = {"series/stats.py": 2, "series/curves.py": 9, "series/errors.py": 1}


def part_of_something(tree: ast.Module) -> list[float]:
    """Numbers between 0 and 1, or above and no whole ones, that stand in the code itself: halves apart
    (exponents, means of two, ranks), and what is too small to be anything but a rounding.
    """
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, float)
        and node.value > 1e-5
        and node.value != 0.5
        and node.value != int(node.value)
    ]


def halves_that_decide(tree: ast.Module) -> list[str]:
    """Comparisons with a half of something."""
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and any(
            isinstance(each, ast.BinOp)
            and isinstance(each.op, ast.Mult)
            and any(
                isinstance(side, ast.Constant) and side.value == 0.5
                for side in (each.left, each.right)
            )
            for each in ast.walk(node)
        )
    ]


@pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_threshold_hides_in_the_code(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    if path.is_relative_to(Path(levels.__file__).parent):
        return
    tree = ast.parse(path.read_text())
    assert len(part_of_something(tree)) <= MATHEMATICS.get(name, 0), part_of_something(tree)
    assert not halves_that_decide(tree)


PARTS = [getattr(LEVELS, part.name) for part in fields(LEVELS)]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
def test_each_level_has_its_reason(part: Any) -> None:
    (tree,) = ast.parse(inspect.getsource(type(part))).body
    assert isinstance(tree, ast.ClassDef)
    body = tree.body[1:]
    assert len(body) == 2 * len(fields(part)), "a level, and its reason"
    for level, reason in zip(body[::2], body[1::2]):
        assert isinstance(level, ast.AnnAssign)
        assert isinstance(reason, ast.Expr), ast.unparse(level)
        assert isinstance(reason.value, ast.Constant), ast.unparse(level)
        assert len(str(reason.value.value)) > 15, ast.unparse(level)


def test_levels_are_frozen() -> None:
    for part in fields(LEVELS):
        value = getattr(LEVELS, part.name)
        assert is_dataclass(value)
        with pytest.raises(FrozenInstanceError):
            setattr(value, fields(value)[0].name, 0)
