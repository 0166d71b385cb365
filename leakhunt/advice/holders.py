"""What the holder itself says of a leak: the rules whose sign is what keeps it, not what was called.

For a finding whose lines fit no rule: the walk of the capture's child has found the container, and a
cache without a bound or a list in a module is what its type says it is, whatever the line looks like that
allocates its entries. Pure, as :mod:`leakhunt.advice.match`, whose rules it cites.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from leakhunt.advice.rule import Advice, Rule
from leakhunt.advice.rules import RULES
from leakhunt.model.retention import Path, Retention

CACHE = "functools._lru_cache_wrapper"
LISTS = frozenset({"list", "set", "collections.deque"})
DICTS = frozenset(
    {"dict", "collections.defaultdict", "collections.OrderedDict", "collections.Counter"}
)


def held(holder: Retention) -> Advice | None:
    """What fits the holder; None: nothing does, or it has a bound."""
    if holder.bound is not None:
        return None
    for pattern, fits in SIGNS:
        if fits(holder):
            rule = _rule(pattern)
            seen = f"looks like {rule.title}, by what keeps it"
            return Advice(rule.pattern, rule.why, rule.fix, rule.source, seen)
    return None


def _rule(pattern: str) -> Rule:
    return next(rule for rule in RULES if rule.pattern == pattern)


def _kinds(path: Path) -> list[str]:
    return [step.kind for step in path]


def _is_cache_of_class(holder: Retention) -> bool:
    return holder.container_type == CACHE and "class" in _kinds(holder.container_path)


def _is_cache(holder: Retention) -> bool:
    return holder.container_type == CACHE


def _is_default(holder: Retention) -> bool:
    return "default" in _kinds(holder.container_path)


def _is_of_class(holder: Retention) -> bool:
    kinds = _kinds(holder.container_path)
    return kinds[-2:] == ["class", "attribute"] and holder.container_type in LISTS | DICTS


def _is_global(holder: Retention) -> bool:
    """Named in a module, and not an object's own somewhere below it."""
    kinds = _kinds(holder.container_path)
    return kinds == ["module", "attribute"] and holder.container_type in LISTS


def _is_table(holder: Retention) -> bool:
    kinds = _kinds(holder.container_path)
    return kinds == ["module", "attribute"] and holder.container_type in DICTS


#: Patterns with what their holders look like; the first that fits is said.
SIGNS: Sequence[tuple[str, Callable[[Retention], bool]]] = (
    ("lru-cache-on-method", _is_cache_of_class),
    ("lru-cache-unbounded", _is_cache),
    ("mutable-default-argument", _is_default),
    ("class-attribute", _is_of_class),
    ("unbounded-dict-cache", _is_table),
    ("global-container", _is_global),
)
