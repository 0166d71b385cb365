"""The tree: what it names exists, and what was compiled loads."""

from __future__ import annotations

import ast
import importlib
import importlib.machinery
import re
import sys
from pathlib import Path

import pytest

from leakhunt.engine.choice import choose
from tests.support.places import ROOT
from tests.support.unbuilt import needs_parts

SOURCES = [
    path
    for folder in ("leakhunt", "tests", "fixtures")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
TEXTS = [*SOURCES, *sorted(ROOT.glob("leakhunt/**/*.md")), ROOT / "README.md"]
PARTS = [
    path
    for suffix in importlib.machinery.EXTENSION_SUFFIXES
    for path in sorted((ROOT / "leakhunt").rglob(f"_*{suffix}"))
]


def exists(dotted: str) -> bool:
    """Whether a dotted name is a module, or stands in the module that it is said to be in."""
    path = ROOT.joinpath(*dotted.split("."))
    if path.is_dir() or path.with_suffix(".py").is_file() or path.with_suffix(".c").is_file():
        return True
    if path.name.startswith("_") and any(path.parent.rglob(f"{path.name}.c")):
        return True
    for module in (path.parent.with_suffix(".py"), path.parent / "__init__.py"):
        if module.is_file() and re.search(rf"\b{path.name}\b", module.read_text()):
            return True
    return False


def test_what_is_imported_exists() -> None:
    """In programs that are strings too: no checker looks into those, and a move forgets them."""
    missing = []
    for path in SOURCES:
        for line in path.read_text().splitlines():
            found = re.match(r"\s*[\"']?from (leakhunt[\w.]*) import ([\w, ]+)", line)
            for name in found[2].split(",") if found else ():
                if not exists(f"{found[1]}.{name.split()[0]}"):  # type: ignore[index]
                    missing.append(f"{path.relative_to(ROOT)}: {line.strip()}")
    assert missing == []


def test_the_files_that_a_text_names_are_there() -> None:
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in TEXTS
        for name in re.findall(
            r"`((?:leakhunt|tests|fixtures)/[\w/.-]*\w)(?!@)\b", path.read_text()
        )
        if not ((ROOT / name).exists() or (path.parent / name).exists())
    ]
    assert missing == []


#: What a docstring, a comment or a README names: by a role, or by a path from a room of the house.
ROLE = re.compile(r":(?:mod|func|class|meth|data|attr):`~?([\w.]+)`")
ROOMS = sorted(
    path.name for path in (ROOT / "leakhunt").iterdir() if (path / "__init__.py").exists()
)
PLACE = re.compile(rf"(?<![\w./-])((?:leakhunt|{'|'.join(ROOMS)})/[\w/.-]*\.(?:py|c|h|inc|md))\b")
IN_C = re.compile(r"/\*.*?\*/", re.DOTALL)
#: Of other projects, whose folders happen to be called as a room here.
OTHERS = frozenset({"celery/app/trace.py"})


def talk(path: Path) -> str:
    """What a file says to whoever reads it: docstrings and comments."""
    text = path.read_text()
    if path.suffix == ".md":
        return text
    if path.suffix != ".py":
        return "\n".join(IN_C.findall(text))
    said = re.findall(r"#[^\n]*", text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            said.append(str(node.value.value))
    return "\n".join(said)


def is_meant(name: str, path: Path) -> bool:
    """Whether a name of a role is there: a module, what stands in one, its member, or a neighbour in the same file."""
    if not name.startswith(("leakhunt.", "tests.")):
        return "." in name or re.search(rf"\b{name}\b(?!`)", path.read_text()) is not None
    if exists(name):
        return True
    owner, _, member = name.rpartition(".")
    module = ROOT.joinpath(*owner.rpartition(".")[0].split(".")).with_suffix(".py")
    return (
        exists(owner)
        and module.is_file()
        and re.search(rf"\b{member}\b", module.read_text()) is not None
    )


READ = [
    *TEXTS, *(path for kind in ("c", "h", "inc") for path in sorted((ROOT / "leakhunt").rglob(f"*.{kind}"))),
    ROOT / ".github" / "CONTRIBUTING.md",
]  # fmt: skip


def missing_names(path: Path, said: str) -> list[str]:
    places = [
        name
        for name in PLACE.findall(said)
        if name not in OTHERS
        and not (
            (ROOT / name).exists()
            or (ROOT / "leakhunt" / name).exists()
            or (path.parent / name).exists()
        )
    ]
    return [*places, *(name for name in ROLE.findall(said) if not is_meant(name, path))]


@pytest.mark.parametrize("path", READ, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_text_names_is_there(path: Path) -> None:
    assert missing_names(path, talk(path)) == []


@pytest.mark.parametrize(
    "said",
    [
        ":mod:`leakhunt.pooled`", ":func:`leakhunt.units.no_such_formatter`", "see judge/pooled.py",
        ":class:`leakhunt.judge.nowhere.Shape`", ":attr:`leakhunt.model.snapshot.Snapshot.no_such_field`",
        "as leakhunt/show.py does",
    ],
)  # fmt: skip
def test_what_a_text_names_and_is_not_there_is_seen(said: str) -> None:
    assert missing_names(ROOT / "leakhunt" / "units.py", said) != []


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.name)
@needs_parts
def test_a_compiled_part_loads(path: Path) -> None:
    """It is optional: leakhunt goes on without, and so would every test that needs it."""
    name = ".".join([*path.relative_to(ROOT).parent.parts, path.name.partition(".")[0]])
    assert importlib.import_module(name)


@pytest.mark.skipif(
    sys.platform != "linux" or not (3, 9) <= sys.version_info < (3, 16),
    reason="the sampled engine is for CPython 3.9 to 3.15",
)
@pytest.mark.skipif(not any(p.name.startswith("_sampler.") for p in PARTS), reason="not compiled")
@needs_parts
def test_the_default_engine_is_the_sampled_one_where_it_was_compiled() -> None:
    engine = choose(None)
    assert (engine.name, engine.why) == ("sampled", None)
