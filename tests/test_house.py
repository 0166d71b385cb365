"""The house: a name says what a thing is, and a module has a test where one looks for it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutants.faults import FAULTS
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


def test_a_module_has_a_test_of_its_own() -> None:
    """At the mirrored place."""
    missing = [
        str(path.relative_to(ROOT))
        for path in MODULES
        if not path.name.startswith("__")
        and not (ROOT / "tests" / path.relative_to(PACKAGE)).with_name(f"test_{path.name}").exists()
    ]
    assert missing == []


SCRIPTS = sorted((ROOT / "tests" / "benchmarks").glob("*_*.py"))
#: Runs a file as far as its functions, as ``python FILE`` would.
LOOKS = "import runpy, sys; sys.path[0] = sys.argv.pop(1); runpy.run_path(sys.argv.pop(1), run_name='looked_at')"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_benchmark_runs_as_it_says(script: Path, tmp_path: Path) -> None:
    """From any folder, without the tree on the path."""
    words = [sys.executable, "-c", LOOKS, str(script.parent), str(script)]
    done = subprocess.run(
        words, cwd=tmp_path, env={}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


SOURCES_IN_C = sorted(path for kind in ("*.c", "*.h", "*.inc") for path in PACKAGE.rglob(kind))


ASKS = ("PY_VERSION_HEX", "PY_MINOR_VERSION", "version_info", "hexversion")


def test_only_one_room_asks_for_a_version_of_python() -> None:
    """Elsewhere code says what it needs, by a name that ``cpython/`` gives it."""
    asking = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (*SOURCES_IN_C, *MODULES)
        if path.parent != PACKAGE / "cpython"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if any(word in line for word in ASKS)
    ]
    assert asking == []


def test_each_fault_of_the_mutants_has_its_text_once() -> None:
    """Where code moves, the list moves with it: a fault that is put nowhere tests nothing."""
    elsewhere = [
        f"{fault.file}: {fault.old!r}"
        for fault in FAULTS
        if not (ROOT / fault.file).exists() or (ROOT / fault.file).read_text().count(fault.old) != 1
    ]
    assert elsewhere == []
