"""Where the threads of this process stand: files, lines and functions, and nothing of their contents."""

from __future__ import annotations

import os
import sys
import threading
from types import FrameType

#: Frames of a thread, threads, and characters in all that are told: the innermost, the first, the first.
FRAMES, THREADS, LONGEST = 60, 20, 6000

_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep


def text() -> str:
    """A paragraph for each thread, the main one first, the most recent call last.

    Called in a signal's handler it tells of what the signal has interrupted.
    """
    main = threading.main_thread().ident
    frames = sorted(sys._current_frames().items(), key=lambda each: (each[0] != main, each[0]))
    told = []
    for number, (thread, frame) in enumerate(frames[:THREADS], 1):
        name = "main thread" if thread == main else f"thread {number}"
        told.append("\n".join([f"{name}:", *_lines(frame)]))
    if len(frames) > THREADS:
        told.append(f"and {len(frames) - THREADS} threads more")
    return "\n".join(told)[:LONGEST]


def _lines(frame: FrameType | None) -> list[str]:
    while frame is not None and frame.f_code.co_filename.startswith(_OWN):
        frame = frame.f_back  # the handler that asks
    lines: list[str] = []
    while frame is not None and len(lines) < FRAMES:
        code = frame.f_code
        lines.append(f"  {code.co_filename}:{frame.f_lineno} in {code.co_name}")
        frame = frame.f_back
    if frame is not None:
        lines.append("  ...")
    return lines[::-1]
