"""A part that was compiled for another release of this Python: refused where structs have moved."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support.native import compiled
from tests.support.unbuilt import needs_parts

PARTS = Path(__file__).parents[2] / "leakhunt" / "hook" / "capture"
ANOTHER = "void *of_another_release;"
LOAD = """
import importlib.machinery, importlib.util, sys
loader = importlib.machinery.ExtensionFileLoader("_garbage", sys.argv[1])
part = importlib.util.module_from_spec(importlib.util.spec_from_loader("_garbage", loader))
kept = [[at] for at in range(5_000)]
print(part.tracked())
"""


def told(part: Path, program: str = LOAD) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, str(part)], capture_output=True, text=True, check=False
    )


def changed(header: str, folder: Path, *changes: tuple[str, str]) -> tuple[str, ...]:
    """Options by which a header of CPython's is found as another release might have it."""
    internal = Path(sysconfig.get_paths()["include"], "internal")
    text = (internal / header).read_text(encoding="utf-8")
    for pattern, replacement in changes:
        text, number = re.subn(pattern, replacement, text, count=1)
        assert number == 1, f"{header} has no {pattern}"
    shutil.copytree(internal, folder / "internal")  # headers find each other beside themselves
    (folder / "internal" / header).write_text(text, encoding="utf-8")
    return "-iquote", str(folder), f"-I{folder / 'internal'}"


@needs_parts
def test_one_for_this_release_finds_what_the_collector_knows(tmp_path: Path) -> None:
    done = told(compiled("_garbage", tmp_path, PARTS / "_garbage.c", "-w"))
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 4_000


@pytest.mark.parametrize(
    ("before", "field"),
    [
        pytest.param(r"struct _is \{", "", id="the-first"),
        pytest.param("", r"struct _gc_runtime_state gc;", id="the-collector"),
        pytest.param("", r"PyObject \*dict;", id="the-dict"),
    ],
)
@needs_parts
def test_one_for_a_release_with_other_structs_is_refused(
    before: str, field: str, tmp_path: Path
) -> None:
    header = "pycore_interp_structs.h" if sys.version_info >= (3, 14) else "pycore_interp.h"
    options = changed(header, tmp_path, (f"({before})({field})", rf"\1 {ANOTHER} \2"))
    done = told(compiled("_garbage", tmp_path, PARTS / "_garbage.c", "-w", *options))
    assert done.returncode == 1, done.stdout
    assert "this release lays its structs out otherwise" in done.stderr
    assert "install leakhunt anew with a compiler" in done.stderr


@pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="since then each release says where its lists are"
)
def test_lists_of_the_collector_that_have_moved_are_found(tmp_path: Path) -> None:
    """3.13 moved them by four bytes between two patch levels, and nothing else with them."""
    options = changed(
        "pycore_gc.h",
        tmp_path,
        (r"int debug;", ""),
        (r"PyGC_Head \*generation0;", f"{ANOTHER} PyGC_Head *generation0;"),
    )
    done = told(compiled("_garbage", tmp_path, PARTS / "_garbage.c", "-w", *options))
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 4_000


FORKS = """
import importlib.machinery, importlib.util, mmap, os, sys, tracemalloc, _tracemalloc
loader = importlib.machinery.ExtensionFileLoader("_fork", sys.argv[1])
part = importlib.util.module_from_spec(importlib.util.spec_from_loader("_fork", loader))
tracemalloc.start(7)
page = mmap.mmap(-1, 4096)
pid, raw, _, _ = part.fork_and_read(
    _tracemalloc._get_traces, None, None, None, 5.0, 10**6, 10, 20, 60, 1 << 28, page)
if pid == 0:
    part.end_tracemalloc()
    os._exit(3 if tracemalloc.is_tracing() else 0 if raw else 4)
print(os.waitpid(pid, 0)[1] >> 8, tracemalloc.is_tracing())
"""


@pytest.mark.parametrize("off", [0, 24])
@pytest.mark.skipif(sys.version_info < (3, 12), reason="a symbol of its own until 3.12")
@pytest.mark.skipif(sys.version_info >= (3, 14), reason="its place is told since 3.14")
def test_tracemalloc_is_found_where_the_runtime_has_grown(off: int, tmp_path: Path) -> None:
    field = r"struct _tracemalloc_runtime_state tracemalloc;"
    between = f"char of_another_release[{off}]; " if off else ""
    options = changed("pycore_runtime.h", tmp_path, (f"({field})", rf"{between}\1"))
    part = compiled("_fork", tmp_path, PARTS / "_fork.c", "-w", *options)
    done = told(part, FORKS)
    assert (done.stdout.split(), done.stderr) == (["0", "True"], "")
