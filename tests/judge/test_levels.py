"""Every threshold of the judgement stands in one value, with its reason."""

from __future__ import annotations

import ast
from dataclasses import FrozenInstanceError, fields, is_dataclass
from pathlib import Path

import pytest

import leakhunt.judge
from leakhunt.judge import levels
from leakhunt.judge.levels import LEVELS

ROOT = Path(leakhunt.judge.__file__).parent
#: Numbers that decide nothing: what bounds the work, how exactly it is reckoned, sizes of CPython's own, equal beliefs, nothing known.
NO_THRESHOLDS = {
    "series/stats.py": {"MOST", "EXACT", "VAST", "ALMOST", "CLOSE", "STEPS"},
    "history.py": {"FULL"},
    "owners.py": {"TASKS"},
    "excuses/free_list.py": {"FREE_LIST", "FREE_LIST_SIZES", "KEYS_SIZES"},
    "births/ages.py": {"BEFORE"},
    "rss.py": {"UNKNOWN"},
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
    if name == "levels.py":
        return
    allowed = NO_THRESHOLDS.get(name, set())
    found = numbers(ast.parse(path.read_text()))
    assert found == allowed


def test_each_level_has_its_reason() -> None:
    tree = ast.parse(Path(levels.__file__).read_text())
    for part in (
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name != "Levels"
    ):
        body = part.body[1:]
        assert all(isinstance(node, ast.AnnAssign) for node in body[::2]), part.name
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


def test_beliefs_in_the_kinds_of_leak_add_up() -> None:
    lives = LEVELS.lives
    assert (
        lives.from_the_start + lives.after_warming_up + lives.beside_turnover + lives.later
    ) == pytest.approx(1.0)
    assert sum(queue + dying for _, queue, dying in lives.turnovers) == pytest.approx(1.0)
