"""Which objects CPython serves from freelists, by version: the sampled engine's blind spot.

An object of these types that dies may leave its block on a freelist instead of giving it
back, and the next object of the type takes it from there. No allocator hook sees that
change of hands: the block stays booked to the line that asked the allocator for it, and a line
that leaks such objects may never ask. So bytes in these objects *may* belong to somebody else.

Only exact types: subclasses are made without the freelist. Sources: ``MAXFREELIST`` in
``Objects/`` of CPython 3.9 to 3.12, ``Include/internal/pycore_freelist.h`` (3.13),
``pycore_freelist_state.h`` (3.14, 3.15).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

#: Bytes of the garbage collector's head in front of an object.
_GC_HEAD = 16
#: ``PyTuple_MAXSAVESIZE``
_LONGEST_TUPLE = 20

_ALL = (
    "dict list tuple float slice Context _contextvars.Context "
    "async_generator_asend async_generator_wrapped_value"
)
_BEFORE_3_11 = "frame"
_FROM_3_14 = (
    "int range range_iterator list_iterator tuple_iterator method "
    "builtin_function_or_method _asyncio.FutureIter"
)
_FROM_3_15 = "complex"


def _sizes(version: tuple[int, int]) -> dict[str, int]:
    names = _ALL.split()
    if version < (3, 11):
        names += _BEFORE_3_11.split()
    if version >= (3, 14):
        names += _FROM_3_14.split()
    if version >= (3, 15):
        names += _FROM_3_15.split()
    sizes = dict.fromkeys(names, sys.maxsize)
    sizes["tuple"] = _GC_HEAD + tuple.__basicsize__ + 8 * _LONGEST_TUPLE
    if "int" in sizes:
        sizes["int"] = int.__basicsize__ + int.__itemsize__  # one digit
    return sizes


#: {type name: bytes of the largest block that goes to a freelist}; names as ``types()`` has them.
SERVED = _sizes(sys.version_info[:2])

#: A dict's table of keys with room for five (``PyDict_MINSIZE``) is recycled as well, and is no
#: object: bytes of its block, and what its second word begins with, under a mask. From 3.11 on
#: that is the table's log2 size, the log2 size of its indices, and "all keys are str".
KEYS_SIZE, _KEYS_MARK, _KEYS_MASK = (
    (120, 0x010303, 0xFFFFFF) if sys.version_info >= (3, 11) else (168, 8, 2**64 - 1)
)


#: Of a head (``_sampler.heads()``): nothing refers to the object, if it is one.
DEAD = 1 << 63


def is_free(named: Mapping[int, str], size: int, words: Sequence[int]) -> bool:
    """Whether a block of ``size`` bytes without an object that lives lies in a freelist, by what stands in it.

    What dies there keeps its type: but for floats, whose freelist is linked through it up to 3.13. ``words``: its heads.
    """
    dead = [word & ~DEAD if word & DEAD else 0 for word in words]
    kind = next(filter(None, map(named.get, dead)), None)
    return may_be_recycled(kind, size, dead[0])


def may_be_recycled(kind: str | None, size: int, second_word: int) -> bool:
    """Whether a block of ``size`` bytes with an object of type ``kind`` (None: no known type)
    at its start is one that freelists serve; ``second_word``: its bytes 8 to 16."""
    if kind is None:
        return size == KEYS_SIZE and second_word & _KEYS_MASK == _KEYS_MARK
    return size <= SERVED.get(kind, -1)
