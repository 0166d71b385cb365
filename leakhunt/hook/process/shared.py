"""Pages that a process shares with others, mapped without a descriptor that goes with the mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakhunt.cpython import features, parts

if TYPE_CHECKING:
    import mmap

_fork = parts.load("leakhunt.hook.capture._fork")


def mapped(descriptor: int, size: int) -> mmap.mmap:
    """The first ``size`` bytes of a file, whole pages. Raises OSError, ValueError.

    Up to Python 3.12 ``mmap.mmap`` keeps a duplicate of the descriptor, and closes that number with the
    mapping: somebody else's file, where the program has closed all descriptors in between. So the file is
    laid over a mapping that has none; without the compiled part the duplicate stays.
    """
    page = features.mapped_without_descriptor(descriptor, size)
    if page is not None:
        return page
    import mmap  # a worker that never captures need not have it

    if _fork is None:
        return mmap.mmap(descriptor, size)
    page = mmap.mmap(-1, size)
    try:
        _fork.lay_over(page, descriptor)
    except BaseException:
        page.close()
        raise
    return page
