"""Where a process stands: every thread, most recent call last, and nothing of what it holds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import takewhile
from typing import Any

from leakhunt.hook import letterbox, stacks


def deep(depth: int, then: Callable[[], Any], secret: str = "hunter2") -> Any:
    return then() if depth == 0 else deep(depth - 1, then)


def test_the_main_thread_comes_first_and_the_call_last() -> None:
    text = deep(3, stacks.text)
    first, *calls = text.splitlines()
    assert first == "main thread:"
    main = list(takewhile(lambda line: not line.startswith("thread "), calls))
    assert [line.endswith(" in deep") for line in main[-4:]] == [True] * 4
    assert "hunter2" not in text


def test_other_threads_and_bounds() -> None:
    go, ready = threading.Event(), threading.Semaphore(0)

    def wait() -> None:
        ready.release()
        go.wait()

    threads = [
        threading.Thread(target=deep, args=(200, wait), name="hunter2")
        for _ in range(stacks.THREADS + 2)
    ]
    try:
        for thread in threads:
            thread.start()
        for _ in threads:
            ready.acquire()
        told = stacks.text()
    finally:
        go.set()
        for thread in threads:
            thread.join()
    assert len(told) <= stacks.LONGEST
    assert told.startswith("main thread:\n")  # whatever the threads' numbers are
    assert "thread 2:" in told
    assert "  ..." in told
    assert "hunter2" not in told


def test_a_record_that_is_too_long_loses_its_stacks_first() -> None:
    facts = {
        "pid": 7, "signal": 10, "captures": 1, "series": "/s", "stacks": "x" * letterbox.RECORD,
        "answers": [("a" * 16, "f.bin", None, None)],
    }  # fmt: skip
    packed = letterbox.packed(facts)
    assert len(packed) == letterbox.RECORD + 1
    assert b"f.bin" in packed
    assert b'"stacks": null' in packed
    short = letterbox.packed({**facts, "stacks": "y" * 5000})
    assert b"y" * 5000 in short
