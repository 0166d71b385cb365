"""The house: a name says what a thing is, and a module has a test where one looks for it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import conftest
from tests.mutants.faults import FAULTS
from tests.support.places import ROOT
from tests.support.unbuilt import needs_parts

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


#: A script that cannot even be read where there is no sampled engine.
SAMPLES = re.compile(
    r"^from (leakhunt\.engine import _sampler|leakhunt\.engine\.sampled|tests\.support\.sampled)",
    re.MULTILINE,
)
SCRIPTS = [
    pytest.param(
        script, id=script.stem, marks=needs_parts if SAMPLES.search(script.read_text()) else ()
    )
    for script in sorted((ROOT / "tests" / "benchmarks").glob("*_*.py"))
]
#: Runs a file as far as its functions, as ``python FILE`` would.
LOOKS = "import runpy, sys; sys.path[0] = sys.argv.pop(1); runpy.run_path(sys.argv.pop(1), run_name='looked_at')"


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_benchmark_runs_as_it_says(script: Path, tmp_path: Path) -> None:
    """From any folder, without the tree on the path."""
    words = [sys.executable, "-c", LOOKS, str(script.parent), str(script)]
    done = subprocess.run(
        words, cwd=tmp_path, env={}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


SOURCES_IN_C = sorted(path for kind in ("*.c", "*.h", "*.inc") for path in PACKAGE.rglob(kind))


#: Comments and texts of C, which may say that something was found.
TALK_IN_C = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)
#: Names that a source in C gives: not the members of a struct that is another's.
NAMES_IN_C = re.compile(r"(?<![.\w])(?<!->)[A-Za-z_]\w*")


@pytest.mark.parametrize("path", SOURCES_IN_C, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_name_in_c_says_what_the_thing_is(path: Path) -> None:
    code = TALK_IN_C.sub(lambda talk: "\n" * talk[0].count("\n"), path.read_text())
    nameless = [
        f"{path.relative_to(ROOT)}:{number} {name}"
        for number, line in enumerate(code.splitlines(), 1)
        if not line.startswith("#include")
        for name in NAMES_IN_C.findall(line)
        if name in {*NAMELESS, "handle"}
    ]
    assert nameless == []


#: More than a reader keeps in mind, and than a part of the house needs: it is two things.
LONGEST_FILE = 389


@pytest.mark.parametrize(
    "path", [*MODULES, *SOURCES_IN_C], ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_no_file_is_longer_than_a_reader_keeps_in_mind(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


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


#: Not for a reader's eye: coordinates of a drawing, names of files, layouts of structs; or as somebody would type it.
FIGURES_OF_THEIR_OWN = frozenset(
    {
        "cli/check.py", "hook/celery/pulse.py", "hook/config.py", "pytest_plugin.py", "render/html/memory.py",
        "report/words/checks.py", "snapfile/folders.py",
    }
)  # fmt: skip
#: A number is written out: with thousands, decimals, an exponent, a sign.
WRITTEN_OUT = re.compile(r"[,_%eEfFgGn+]|\.\d|d$")
#: Stands behind a number: its unit, or what is counted.
UNIT = re.compile(r" ?(?:[KMGT]i?B|B|%|ms|min|s|h)(?![\w/])")
COUNTED = re.compile(r" (?:of )?[a-z]")
COUNTS = ("len", "sum", "round", "max", "min", "int")


def figures(source: str) -> list[tuple[int, str]]:
    """Numbers that are made a text without :mod:`leakhunt.units`."""
    told = []
    for node in ast.walk(ast.parse(re.sub(r"def __repr__.*\n.*", "pass", source))):
        if isinstance(node, ast.JoinedStr):
            for part, after in zip(node.values, [*node.values[1:], None]):
                if not isinstance(part, ast.FormattedValue):
                    continue
                spec = "" if part.format_spec is None else ast.unparse(part.format_spec)
                behind = after.value if isinstance(after, ast.Constant) else ""
                value = part.value
                counts = (
                    isinstance(value, ast.Call)
                    and isinstance(value.func, ast.Name)
                    and value.func.id in COUNTS
                )
                has_unit = UNIT.match(str(behind))
                if (
                    WRITTEN_OUT.search(re.sub(r"^f|['\"]|\{[^}]*\}", "", spec))
                    or (has_unit and not isinstance(value, ast.Constant))
                    or (counts and COUNTED.match(str(behind)))
                ):
                    told.append((node.lineno, ast.unparse(node)))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            if isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
                told.append((node.lineno, ast.unparse(node)))
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "format"
        ):
            told.append((node.lineno, ast.unparse(node)))
    return told


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_number_has_one_formatter(path: Path) -> None:
    name = path.relative_to(PACKAGE).as_posix()
    if name != "units.py" and name not in FIGURES_OF_THEIR_OWN:
        assert figures(path.read_text()) == []


@pytest.mark.parametrize(
    "smuggled",
    [
        'said = f"{size / 1048576:.1f} MiB"',
        'said = f"{size >> 20} MiB"',
        'said = f"{number:,} blocks"',
        'said = f"in {len(tasks)} tasks"',
        'said = f"{round(share * 100)} %"',
        'said = "%.1f s" % seconds',
        'said = format(size, ".3g")',
    ],
)
def test_a_number_that_is_smuggled_in_is_seen(smuggled: str) -> None:
    assert figures(smuggled) != []


#: The one hook of a process, and whether its fork handler is registered, which nothing can undo.
GLOBALS = {("hook/current.py", "_hook"), ("hook/install.py", "_fork_followed")}


def test_no_function_sets_a_variable_of_its_module() -> None:
    """What one call leaves behind for another is a value with an owner."""
    told = {
        (path.relative_to(PACKAGE).as_posix(), name)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Global)
        for name in node.names
    }
    assert told == GLOBALS


#: Modules of others, whose functions the worker's side takes the place of, and gives back.
FOREIGN = ("billiard.", "_imp.", "sys.")


def callables_given(source: str) -> list[tuple[int, str]]:
    """Functions and methods that are put into another object once it is made."""
    tree = ast.parse(source)
    methods = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    told = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        value = node.value
        given = isinstance(value, ast.Lambda)
        given |= isinstance(value, ast.Name) and value.id in functions
        given |= isinstance(value, ast.Attribute) and value.attr in methods
        if given:
            told += [
                (node.lineno, ast.unparse(node))
                for target in node.targets
                if isinstance(target, ast.Attribute)
                and ast.unparse(target.value) not in ("self", "cls")
                and not ast.unparse(target).startswith(FOREIGN)
            ]
    return told


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_callable_is_put_into_an_object_from_outside(path: Path) -> None:
    """Whoever makes an object gives it what it calls."""
    assert callables_given(path.read_text()) == []


def test_a_callable_that_is_put_into_an_object_is_seen() -> None:
    assert callables_given("def f(): ...\nhook.on_dump = f")
    assert callables_given("hook.on_dump = lambda: None")


CLOCKS = ("monotonic", "perf_counter", "time", "monotonic_ns", "perf_counter_ns")


def is_clock(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in CLOCKS


def waited(source: str) -> list[tuple[int, str]]:
    """Assertions that something took less than so long, by the clock on the wall."""
    tree, told = ast.parse(source), []
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        spans = {
            ast.unparse(target)
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            and any(
                isinstance(part, ast.BinOp) and any(map(is_clock, ast.walk(part)))
                for part in [node.value]
            )
            and isinstance(node.value, ast.BinOp)
            and isinstance(node.value.op, ast.Sub)
            for target in node.targets
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare):
                first, sides = node.test.left, node.test.comparators
                less = [
                    side
                    for side, compared in zip([first, *sides], node.test.ops)
                    if isinstance(compared, (ast.Lt, ast.LtE))
                ]
                if any(
                    ast.unparse(side) in spans
                    or (
                        isinstance(side, ast.BinOp)
                        and isinstance(side.op, ast.Sub)
                        and any(map(is_clock, ast.walk(side)))
                    )
                    for side in less
                ):
                    told.append((node.lineno, ast.unparse(node)))
    return told


TESTS = sorted(path for path in (ROOT / "tests").rglob("*.py") if "benchmarks" not in path.parts)


def test_no_test_asserts_how_long_something_took() -> None:
    """A machine may be busy: CPU is what a cost is told by (`tests/support/costs.py`)."""
    told = {str(path.relative_to(ROOT)): waited(path.read_text()) for path in TESTS}
    assert {name: each for name, each in told.items() if each} == {}


@pytest.mark.parametrize(
    "asserted",
    [
        "assert time.monotonic() - began < 20",
        "took = time.perf_counter() - began\n    assert took <= 20",
    ],
)
def test_an_assertion_of_how_long_something_took_is_seen(asserted: str) -> None:
    assert waited(f"def test() -> None:\n    {asserted}\n") != []


#: What is asked or decided in one place: how it would be written, and where it stands.
ONCE = {
    r"\bkill\([^,()]+, 0\)|pid_exists|is_running\(": {
        "hook/process/alive.py"
    },  # whether a process lives
    r"def surplus\(": {"snapfile/folders.py"},  # which snapshots are kept
    r"entries: Iterable\[Entry\]\) -> list\[tuple\[Entry": {
        "snapshots/series.py"
    },  # the grouping by process
    r"\bFORMATS\b.* = \{|\(\"\w+Report\", (?:TABLE|JSON)\)": {
        "render/formats.py"
    },  # which renderer draws what
}


@pytest.mark.parametrize("written", ONCE)
def test_what_is_decided_once_is_decided_in_one_place(written: str) -> None:
    told = {
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES
        if re.search(written, path.read_text())
    }
    assert told == ONCE[written]


def test_halves_are_those_of_a_series() -> None:
    """The first and the second of its snapshots, and nothing else."""
    rooms = {
        path.parent.relative_to(PACKAGE).as_posix()
        for path in MODULES
        for name, _ in bound(ast.parse(path.read_text()))
        if "halves" in name.lower()
    }
    assert rooms == {"judge/series"}


def test_each_fault_of_the_mutants_has_its_text_once() -> None:
    """Where code moves, the list moves with it: a fault that is put nowhere tests nothing."""
    elsewhere = [
        f"{fault.file}: {fault.old!r}"
        for fault in FAULTS
        if not (ROOT / fault.file).exists() or (ROOT / fault.file).read_text().count(fault.old) != 1
    ]
    assert elsewhere == []


def test_the_lists_of_tests_name_tests() -> None:
    """Where a test moves, the list moves with it: else it is asked where it should not be, or is left out for ever."""
    nothing = []
    for entry in (*conftest.LONG, *conftest.ONCE, *conftest.THOROUGH):
        place, _, name = entry.partition("::")
        path = ROOT / "tests" / place
        start = f"def {name.partition('[')[0]}"
        if not path.exists() or (name and start not in path.read_text()):
            nothing.append(entry)
    assert nothing == []
