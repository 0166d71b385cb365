"""The index of a snapshot: its sums per stack, behind the pickle, so that nothing is unpickled.

A leakhunt snapshot of 10^5 stacks takes seconds to unpickle and sum up, on every reading; its sums
are a few columns of numbers. They stand between the pickle and the trailer of the facts, where
unpicklers do not look, little endian::

    8 numbers of 4 bytes   strings, bytes of text, frames, steps, stacks, spots, nframe, bytes of facts
    8 bytes each           bytes per stack; blocks per stack
    4 bytes each           lengths of the strings; frames: files; frames: lines; steps (indexes of
                           frames, most recent call last); depths of the stacks;
                           spots: files; lines; functions; source lines (string + 1; 0: None)
    text                   the strings, one after the other, in UTF-8
    facts                  those that grow with the snapshot, other than ``frames``, in JSON, with
                           "t" or "l" as the first item of an array: it is a tuple, or a list;
                           ["s", n]: the frames of stack n (earlier versions spelled them out)
    END                    length of all that, length of the pickle, CRC-32 of the pickle and all that, magic

Written by the capturing child, so: the standard library, and no import at call time. Read where
the console runs, so: numbers are checked before they are used, and whatever is odd, damaged or
larger than any process needs makes the index as good as missing: then the pickle is read, under limits.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import zlib
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate, chain, count
from typing import Any, NamedTuple

MAGIC = b"LKINDEX\x01"
END = struct.Struct("<QQL8s")
_HEAD = struct.Struct("<8L")
#: More than any process has of anything; the rest of the console takes some 100 bytes for each.
LARGEST = 1 << 21
LARGEST_STEPS = 1 << 25
LARGEST_BYTES = 1 << 28
#: What the console takes for each of them, bytes, measured from above; a file whose parts are worth
#: more than :func:`affordable` is none that a process wrote.
WORTH_STACK, WORTH_FRAME, WORTH_SPOT, WORTH_STRING, WORTH_STEP = 400, 400, 700, 150, 16
#: No process has more memory than this.
IMPOSSIBLE = 1 << 62
#: How it works elsewhere is not worth the code.
USABLE = sys.byteorder == "little" and array("I").itemsize == 4 and array("Q").itemsize == 8


class Index(NamedTuple):
    """What an index says, checked."""

    nframe: int
    frames: list[tuple[str, int]]
    steps: Sequence[int]
    depths: Sequence[int]
    ends: Sequence[int]
    """Where the steps of each stack end."""
    sizes: Sequence[int]
    counts: Sequence[int]
    spots: dict[str, dict[int, tuple[str | None, str | None]]]
    facts: bytes
    """JSON, not looked at."""

    def stack(self, number: Any) -> tuple[tuple[str, int], ...]:
        """The frames of a stack, most recent call first. Raises IndexError or TypeError."""
        if number < 0:
            raise IndexError(number)
        end = self.ends[number]
        steps = self.steps[end - self.depths[number] : end]
        return tuple(self.frames[step] for step in reversed(steps))


def affordable(length: int) -> int:
    """Memory in bytes that an index of that length may cost its reader."""
    return (64 << 20) + 24 * length


def packed(runs: Sequence[Any], nframe: int, long: Mapping[str, Any]) -> bytes:
    """The index of runs ``((domain, size, frames, total), n)``, without its end; b"": there is none.

    ``long`` are the facts that the trailer lacks. What does not fit goes without an index.
    """
    try:
        return _packed(runs, nframe, dict(long)) if USABLE else b""
    except (TypeError, ValueError, AttributeError, OverflowError, struct.error):
        return b""


def _packed(runs: Sequence[Any], nframe: int, long: dict[str, Any]) -> bytes:
    spots = long.pop("frames", None) or {}
    first = {id(trace[2]): trace[2] for trace, _ in runs}
    line_of = dict(zip(first, count()))
    sizes, counts = [0] * len(first), [0] * len(first)
    for trace, number in runs:
        line = line_of[id(trace[2])]
        sizes[line] += trace[1] * number
        counts[line] += number
    frame_of: defaultdict[Any, int] = defaultdict(count().__next__)
    steps = array(
        "I", map(frame_of.__getitem__, chain.from_iterable(map(reversed, first.values())))
    )
    string_of: defaultdict[str, int] = defaultdict(count().__next__)

    def optional(text: str | None) -> int:
        return 0 if text is None else string_of[text] + 1

    columns = [
        array("I", [string_of[file] for file, _ in frame_of]),
        array("I", [line for _, line in frame_of]),
        steps,
        array("I", map(len, first.values())),
    ]
    told = [
        (string_of[file], line, optional(function), optional(code))
        for file, lines in spots.items()
        for line, (function, code) in lines.items()
    ]
    columns += [array("I", column) for column in zip(*told)]
    texts = [text.encode("utf-8", "surrogatepass") for text in string_of]
    text = b"".join(texts)
    marked = {name: _marked(value, line_of) for name, value in long.items()}
    facts = json.dumps(marked, separators=(",", ":")).encode() if marked else b""
    head = (
        len(texts),
        len(text),
        len(frame_of),
        len(steps),
        len(first),
        len(told),
        nframe,
        len(facts),
    )
    return b"".join(
        (
            _HEAD.pack(*head),
            array("Q", sizes).tobytes(),
            array("Q", counts).tobytes(),
            array("I", map(len, texts)).tobytes(),
            *(column.tobytes() for column in columns),
            text,
            facts,
        )
    )


def _marked(value: Any, line_of: Mapping[int, int]) -> Any:
    """``line_of``: the stack of which a tuple with that ``id`` is the frames."""
    if isinstance(value, (tuple, list)):
        if id(value) in line_of:
            return ["s", line_of[id(value)]]
        kind = "t" if isinstance(value, tuple) else "l"
        return [kind, *(_marked(one, line_of) for one in value)]
    if isinstance(value, dict):
        return {name: _marked(one, line_of) for name, one in value.items()}
    return value


def unmarked(value: Any, stack: Callable[[Any], Any]) -> Any:
    """A fact from its JSON. Raises ValueError, LookupError or TypeError for what is none."""
    if type(value) is list:
        kind = value[0]
        if kind == "s":
            _, number = value
            return stack(number)
        items = [
            unmarked(one, stack) if type(one) is list or type(one) is dict else one
            for one in value[1:]
        ]
        return items if kind == "l" else _ROWS[kind](items)
    if type(value) is dict:
        return {name: unmarked(one, stack) for name, one in value.items()}
    return value


#: What the first item of a list stands for.
_ROWS = {"t": tuple, "l": list}


class Checked:
    """A file that is written, with the checksum of what went in."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.checksum = self.length = 0

    def write(self, content: Any) -> int:
        self.checksum = zlib.crc32(content, self.checksum)
        view = memoryview(content)
        self.length += view.nbytes
        self.file.write(content)
        return view.nbytes

    def end(self, pickled: int) -> bytes:
        """What closes an index behind a pickle of that length."""
        return END.pack(self.length - pickled, pickled, self.checksum, MAGIC)


def ending_at(
    descriptor: int, end: int, largest: Callable[[memoryview], int] = max
) -> Index | None:
    """The index that ends at that position of a file; None where there is none, or a damaged one.

    ``largest``: as ``max`` for numbers of 4 bytes; there are millions.
    """
    closing = os.pread(descriptor, END.size, end - END.size) if end >= END.size else b""
    if len(closing) < END.size or not USABLE:
        return None
    length, pickled, checksum, magic = END.unpack(closing)
    if magic != MAGIC or pickled + length + END.size != end or length > LARGEST_BYTES:
        return None
    if _checksum(descriptor, pickled + length) != checksum:
        return None
    try:
        return _unpacked(os.pread(descriptor, length, pickled), largest)
    except (ValueError, OverflowError, struct.error, IndexError):
        return None


def _checksum(descriptor: int, end: int) -> int:
    checksum = position = 0
    while position < end:
        part = os.pread(descriptor, min(1 << 20, end - position), position)
        if not part:
            return -1
        checksum = zlib.crc32(part, checksum)
        position += len(part)
    return checksum


def _unpacked(content: bytes, largest: Callable[[memoryview], int]) -> Index:
    strings, texts, frames, steps, stacks, told, nframe, long = _HEAD.unpack_from(content)
    wide = _HEAD.size + 16 * stacks
    narrow = strings + 2 * frames + steps + stacks + 4 * told
    if len(content) != wide + 4 * narrow + texts + long:
        raise ValueError("its parts do not add up")
    if max(strings, frames, stacks, told) > LARGEST or steps > LARGEST_STEPS or not nframe:
        raise ValueError("more than any process has")
    worth = stacks * WORTH_STACK + frames * WORTH_FRAME + told * WORTH_SPOT
    if worth + strings * WORTH_STRING + steps * WORTH_STEP > affordable(len(content)):
        raise ValueError("more than a file of that length is worth")
    view = memoryview(content)
    totals = view[_HEAD.size : wide].cast("Q")
    numbers = view[wide : wide + 4 * narrow].cast("I")
    ends = accumulate((strings, frames, frames, steps, stacks, told, told, told, told))
    edges = [0, *ends]
    lengths, files, lines, walk, deep, *spots = (
        numbers[start:end] for start, end in zip(edges, edges[1:])
    )
    sizes, counts = totals[:stacks].tolist(), totals[stacks:].tolist()
    depths = deep.tolist()
    if stacks and not min(counts):
        raise ValueError("a stack without blocks")
    if sum(depths) != steps or sum(lengths) != texts or max(sum(sizes), sum(counts)) >= IMPOSSIBLE:
        raise ValueError("its sums are wrong")
    if steps and largest(walk) >= frames:
        raise ValueError("it names a frame that is not there")
    stops = list(accumulate(lengths, initial=wide + 4 * narrow))
    words = [
        content[start:end].decode("utf-8", "surrogatepass") for start, end in zip(stops, stops[1:])
    ]
    return Index(
        nframe,
        list(zip(map(words.__getitem__, files), lines)),
        walk,
        depths,
        list(accumulate(depths)),
        sizes,
        counts,
        _spots([None, *words], zip(*spots)),
        content[len(content) - long :],
    )


def _spots(words: list[Any], told: Iterable[tuple[int, ...]]) -> dict[str, Any]:
    by_file: dict[str, Any] = {}
    for file, line, function, code in told:
        by_file.setdefault(words[file + 1], {})[line] = (words[function], words[code])
    return by_file
