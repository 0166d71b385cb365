"""Would the tests notice? Puts small faults into a copy of the tree, one at a time.

    python tests/mutants/run.py [--only WORD] [--list]

Each fault of :data:`faults.FAULTS` is a file, a piece of its text that stands there once, and what
takes its place. The test files that mirror the module are run (``leakhunt/judge/rss.py``:
``tests/judge``), with the fault's own beside them; a fault that every one of them passes has survived.
The files are run without a fault first: where they fail already, nothing is said. A fault whose text
is not there any more is named: the list must move with the code. Exit 1 where one survived, 2
where the list is out of date.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.mutants.faults import FAULTS, Fault  # noqa: E402

PARTS = ("leakhunt", "tests", "fixtures", "README.md", "pyproject.toml", ".github", ".changes")


def mirrors(fault: Fault) -> list[str]:
    """The tests of the module, or of its room where it has none of its own; then the fault's own."""
    module = Path(fault.file).relative_to("leakhunt")
    own = Path("tests", *module.parent.parts, f"test_{module.stem}.py")
    room = (
        Path("tests", module.parts[0]) if len(module.parts) > 1 else Path("tests", "test_units.py")
    )
    place = own if (ROOT / own).exists() else room
    return [str(place), *fault.beside]


def passes(tree: Path, tests: list[str]) -> bool:
    """Whether those tests pass in that copy."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", *tests],
        cwd=tree, env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode == 0


def compiled(tree: Path) -> bool:
    """Build the C parts of a copy in place; False where the compiler refuses."""
    program = [
        sys.executable,
        "-c",
        "from setuptools import setup; setup()",
        "-q",
        "build_ext",
        "--inplace",
    ]
    return subprocess.run(program, cwd=tree, capture_output=True).returncode == 0


def survives(tree: Path, fault: Fault, tests: list[str]) -> bool:
    """Put the fault in, run the tests, take it out again."""
    path = tree / fault.file
    good = path.read_text()
    path.write_text(good.replace(fault.old, fault.new))
    in_c = path.suffix != ".py"
    try:
        return (not in_c or compiled(tree)) and passes(tree, tests)
    finally:
        path.write_text(good)
        if in_c:
            compiled(tree)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="WORD", help="faults whose file or reason has that word")
    parser.add_argument("--list", action="store_true", help="say which faults there are")
    options = parser.parse_args()
    chosen = [f for f in FAULTS if not options.only or options.only in f.file + f.why]
    stale = [f for f in chosen if (ROOT / f.file).read_text().count(f.old) != 1]
    for fault in stale:
        print(f"out of date  {fault.file}: {fault.why}")
    chosen = [fault for fault in chosen if fault not in stale]
    if options.list:
        for fault in chosen:
            print(f"{fault.file}: {fault.why}: {', '.join(mirrors(fault))}")
        return 2 if stale else 0
    survivors = 0
    sound: dict[tuple[str, ...], bool] = {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder)
        for name in PARTS:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, tree / name)
        for fault in chosen:
            tests = mirrors(fault)
            if tuple(tests) not in sound:
                sound[tuple(tests)] = passes(tree, tests)
            if not sound[tuple(tests)]:
                print(f"no answer    {fault.file}: its tests fail without the fault", flush=True)
            elif survives(tree, fault, tests):
                survivors += 1
                print(f"SURVIVED     {fault.file}: {fault.why}", flush=True)
            else:
                print(f"noticed      {fault.file}: {fault.why}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} were noticed")
    return 2 if stale else min(survivors, 1)


if __name__ == "__main__":
    sys.exit(main())
