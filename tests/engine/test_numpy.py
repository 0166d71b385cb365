"""numpy's data under the sampled engine: what tracemalloc is told of, without it."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from tests.support.sampled_programs import run

pytest.importorskip("numpy")

#: Bytes alive of the stacks that go through a function of the program.
THROUGH = """
import numpy

def through(engine, function):
    told = harvest(engine)
    return sum(trace[1] * n for trace, n in told.runs
               if any(told.functions.get(frame, "").split(".")[-1] == function for frame in trace[2]))
"""


def program(text: str) -> dict[str, Any]:
    return run(THROUGH + textwrap.dedent(text))


def test_arrays_are_seen_with_their_data_and_forgotten_with_them() -> None:
    """Each block is far larger than the interval, and so a sample of its own: nothing is estimated."""
    said = program("""
        kept = []
        def make():
            kept.append(numpy.zeros((100, 1000)))
            kept.append(numpy.full((100, 1000), 7, dtype=numpy.uint8))
            kept.append(numpy.concatenate((kept[0], kept[0])))
            temporary = kept[0] + 1
        engine = begin(64)
        for _ in range(5): make()
        fine()
        before = through(engine, "make")
        data = sum(array.nbytes for array in kept)
        del kept[3:]
        after, left = through(engine, "make"), sum(array.nbytes for array in kept)
        fine()
        say(before=before, data=data, after=after, left=left)
    """)
    # Headers, shapes and the list are a little more.
    assert said["data"] <= said["before"] < said["data"] + 20_000
    assert said["left"] <= said["after"] < said["left"] + 20_000


def test_an_array_that_is_resized_is_one_block() -> None:
    said = program("""
        def make(): return numpy.zeros(1000)
        def grow(array, size): array.resize(size, refcheck=False)
        engine = begin(64)
        array = make()
        grow(array, 50_000)
        fine()
        say(made=through(engine, "make"), grown=through(engine, "grow"))
    """)
    assert said["made"] < 2000
    assert 400_000 <= said["grown"] < 402_000


def test_numpy_that_is_imported_later_is_seen_from_the_next_task_on() -> None:
    said = run("""
        engine = begin(64)
        import numpy
        kept = [numpy.zeros(20_000)]
        _sampler.end_task(0, 1, None)
        kept.append(numpy.zeros(30_000))
        fine()
        sizes = [trace[1] for trace, n in harvest(engine).runs if trace[2][0][0] == "<string>" and trace[1] > 100_000]
        fine()
        say(sizes=sizes)
    """)
    assert said["sizes"] == [240_000]


#: The functions of numpy's default handler: PyDataMem_Handler, of which the name and the version are 128 bytes.
HANDLER = """
import ctypes, importlib
def functions():
    package = "numpy._core" if "numpy._core" in sys.modules else "numpy.core"
    module = importlib.import_module(package + "._multiarray_umath")
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = (ctypes.c_void_p * 307).from_address(get(module._ARRAY_API, None))
    capsule = ctypes.cast(table[306], ctypes.POINTER(ctypes.py_object))[0]
    return list((ctypes.c_void_p * 5).from_address(get(capsule, b"mem_handler") + 128))
"""


def test_numpy_has_its_own_functions_back_when_the_engine_stops() -> None:
    said = run(
        HANDLER
        + THROUGH
        + """
kept = []
def make(): kept.append(numpy.zeros(20_000))
own = functions()
engine = begin(64)
make()
engine.stop()
say(own=own, after=functions())
"""
    )
    assert all(said["own"][1:])
    assert said["after"] == said["own"]


def test_the_engine_can_begin_again() -> None:
    said = program("""
        kept = []
        def make(): kept.append(numpy.zeros(20_000))
        engine = begin(64)
        make()
        engine.stop()
        make()
        kept.clear()
        engine = begin(64)
        make()
        fine()
        first = through(engine, "make")
        engine.stop()
        engine = begin(64)
        make(); make()
        fine()
        say(first=first, second=through(engine, "make"))
    """)
    assert 160_000 <= said["first"] < 165_000
    assert 320_000 <= said["second"] < 325_000


def test_threads_that_compute_beside_each_other_and_children_that_are_forked() -> None:
    said = program("""
        kept = {}
        def make(name):
            for n in range(300):
                a = numpy.arange(5000 + n, dtype=float)
                b = (a[::2] * 2).cumsum()
                if n % 100 == 0: kept[name, n] = numpy.sort(b)
        engine = begin(512)
        threads = [threading.Thread(target=make, args=(name,)) for name in range(4)]
        for thread in threads: thread.start()
        children = 0
        while any(thread.is_alive() for thread in threads):
            child = os.fork()
            if child == 0:
                numpy.zeros(1000).sum()
                os._exit(0)
            children += os.waitpid(child, 0)[1] == 0
        for thread in threads: thread.join()
        fine()
        seen = sorted(trace[1] for trace, n in harvest(engine).runs if trace[1] > 5000 for _ in range(n))
        say(children=children, seen=seen, data=sorted(a.nbytes for a in kept.values()))
    """)
    assert said["children"] > 0
    assert said["seen"] == said["data"]
