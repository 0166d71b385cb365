"""The house: a name says what a thing is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.places import ROOT

PACKAGE = ROOT / "leakhunt"
MODULES = sorted(PACKAGE.rglob("*.py"))

#: They say that something was found, and not what it is. (``info`` is what Celery calls a method of a bootstep.)
NAMELESS = frozenset(
    {"found", "known", "data", "manager", "helper", "helpers", "util", "utils", "common"}
)


def bound(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that a module, a class or a function gives, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            yield (node.id if isinstance(node, ast.Name) else node.attr), node.lineno


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_name_says_what_the_thing_is(path: Path) -> None:
    nameless = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for name, line in bound(ast.parse(path.read_text()))
        if name.lower() in NAMELESS or path.stem in NAMELESS
    ]
    assert nameless == []
