"""Parts of CPython's own test suite under the sampled engine, at two KiB and 32 frames.

With a sample every few dozen blocks, thousands of tests that torture dicts, lists, frames,
generators, threads and the collector run over the engine's hooks.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from leakhunt.engine.choice import choose
from tests.support.places import ROOT

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        choose("sampled").name != "sampled", reason=f"no sampled engine: {choose('sampled').why}"
    ),
    pytest.mark.skipif(
        importlib.util.find_spec("test.libregrtest") is None,
        reason="this Python comes without its test suite (Debian: libpython3-testsuite)",
    ),
]

#: Without those that start subinterpreters, which turn the engine off. A name that this
#: version does not have is left out. What the engine does differently from version to version is how it reads frames
#: and code, the collector and the interpreter's state (leakhunt/cpython/*.h): each Python is asked for what tortures those.
GROUPS = {
    "containers": "test_dict test_list test_deque test_set test_tuple test_ordered_dict test_weakset test_dictviews",
    "frames": "test_generators test_frame test_exceptions test_code test_sys_settrace"
    " test_coroutines test_raise test_asyncgen test_contextlib test_with test_traceback",
    "memory": "test_gc test_weakref test_tracemalloc test_fork1 test_thread test_iter",
    "language": "test_descr test_class test_compile test_functools test_scope"
    " test_grammar test_builtin test_context test_call test_super test_property",
    "processes": "test_wait3 test_wait4 test_posix",
}

#: And one Python for what computes: these allocate through the same hooks, which know no version, from plain frames.
ONE_PYTHON = {
    "text": "test_unicode test_str test_re test_string test_float test_long test_complex"
    " test_fstring test_sort test_bytes test_range test_slice test_zlib",
    "libraries": "test_json test_heapq test_array test_memoryview test_userdict test_copy test_pickle test_itertools"
    " test_enum test_dataclasses test_typing",
}

#: Cases that take as long as all the others of their files, to compute, or to do one thing a hundred thousand times:
#: asked on one Python, in a group of their own.
DEAR = {
    "test_tuple": "test_bug7466",
    "test_set": "test_hash_effectiveness",
    "test_bytes": "test_find_periodic_pattern",
    "test_zlib": "test_big_compress_buffer",
    "test_json": "test_unicode_decode",
    "test_compile": "test_stack_overflow test_big_dict_literal test_compiler_recursion_limit"
    " test_compiles_to_extended_op_arg",
    "test_itertools": "test_long_chain_of_empty_iterables test_combinatorics test_tee_del_backward",
    "test_pickle": "test_framing_many_objects test_framed_write_sizes_with_delayed_writer",
    # Threads that copy, beside the same threads that look, set and remove.
    "test_weakref": "test_threaded_weak_key_dict_copy test_threaded_weak_value_dict_copy"
    " test_threaded_weak_key_dict_deepcopy test_threaded_weak_value_dict_deepcopy",
}

PROGRAM = """
    import os, runpy, signal, sys, unittest
    if __name__ == "__main__":
        pid = os.getpid()
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored below nohup
        engine = sys.argv.pop(1)
        if engine != "none":
            from leakhunt.engine import _sampler
            from test.support import script_helper

            def skip(*args, **keywords):
                raise unittest.SkipTest("another interpreter has no engine")

            if engine != "whole":
                # Before the tests import it: to start Pythons takes a tenth of the time, and finds nothing.
                script_helper.run_python_until_end = script_helper._assert_python = skip
                script_helper.assert_python_ok = script_helper.assert_python_failure = skip
                script_helper.spawn_python = skip
            _sampler.start(32, 2048.0, 0.0)
        status = 0
        try:
            runpy.run_module("test", run_name="__main__")
        except SystemExit as error:
            status = error.code or 0
        if os.getpid() != pid:
            os._exit(status)
        if "leakhunt.engine._sampler" in sys.modules:
            print("ENGINE", _sampler.check(), _sampler.problem(), _sampler.stats(), flush=True)
            if _sampler.check() or _sampler.problem() or _sampler.stats()["unrouted"]:
                status = 99
        sys.exit(status)
"""


@pytest.mark.parametrize(
    "group",
    [*GROUPS, *(pytest.param(group, marks=pytest.mark.once) for group in (*ONE_PYTHON, "dear"))],
)
def test_cpython_passes_its_own_tests(group: str, tmp_path: Path) -> None:
    program = tmp_path / "suite.py"
    program.write_text(textwrap.dedent(PROGRAM))

    def run(engine: str, names: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(program), engine, "--timeout", "500", *chosen, *names],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=tmp_path, capture_output=True, text=True, timeout=580,
        )  # fmt: skip

    files = " ".join(DEAR) if group == "dear" else {**GROUPS, **ONE_PYTHON}[group]
    cases = [f"test.{name}.*.{case}" for name, told in DEAR.items() for case in told.split()]
    chosen = [word for case in cases for word in ("-m" if group == "dear" else "-i", case)]
    found = [name for name in files.split() if importlib.util.find_spec(f"test.{name}")]
    if not found:  # without names it would run whatever there is, and call that a success
        pytest.skip("this Python comes without its tests (Debian: libpython3.x-testsuite)")
    done = run("sampled", found)
    assert "ENGINE None None" in done.stdout, f"{done.stdout[-3000:]}{done.stderr[-3000:]}"
    if done.returncode == 0:
        return
    failed = re.findall(r"(test_\w+) (?:failed|crashed)\b", done.stdout + done.stderr)
    assert done.returncode != 99, done.stdout[-3000:]
    assert failed, f"exit {done.returncode}\n{done.stdout[-6000:]}{done.stderr[-3000:]}"
    for name in dict.fromkeys(failed):
        # One may miss what its Python should have made: asked again with all of them.
        if (whole := run("whole", [name])).returncode == 0:
            assert "ENGINE None None" in whole.stdout, whole.stdout[-3000:]
            continue
        # Tests that this machine fails anyway are no news of the engine's.
        without = run("none", [name])
        assert without.returncode != 0, f"{name} fails under the engine\n{done.stdout[-6000:]}"
