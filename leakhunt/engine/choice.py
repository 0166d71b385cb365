"""Which engine tracks: by name, or the next best that works in this process."""

from __future__ import annotations

from leakhunt.engine.interface import Engine
from leakhunt.errors import EngineRefusedError

ENGINES = ("sampled", "exact", "off")

#: The engine where nothing is said.
DEFAULT = "sampled"


def choose(name: str | None, interval: int | None = None, budget: float | None = None) -> Engine:
    """The engine of that name (None: :data:`DEFAULT`), or the next best with the reason why.

    ``interval`` and ``budget`` are the sampled engine's. Engines are imported on demand: a
    process that uses none pays for none.
    """
    name = name or DEFAULT
    why = None
    if name == "sampled":
        try:
            from leakhunt.engine.sampled import Sampled

            return Sampled(interval, budget)
        except EngineRefusedError as error:
            why = f"the sampled engine does not work here: {error}"
    if name == "off":
        from leakhunt.engine.off import Off

        return Off("set to off")
    try:
        from leakhunt.engine.exact import Exact
    except ImportError as error:  # PyPy has no tracemalloc
        from leakhunt.engine.off import Off

        return Off(f"this interpreter has no tracemalloc ({error})")
    return Exact(why)
