"""Versions of installed distributions: whether a rule speaks of the one that is there."""

from __future__ import annotations

import re
from collections.abc import Mapping

from leakhunt.advice.rule import Versions


def installed_names(versions: Mapping[str, str]) -> dict[str, str]:
    """The versions by name as PEP 503 spells it: names may be in any spelling."""
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in versions.items()}


def between(installed: str, versions: Versions) -> bool:
    """Whether a rule speaks of that version; of one that is no version it does not."""
    version = _version(installed)
    if not version:
        return False
    return (not versions.since or version >= _version(versions.since)) and (
        not versions.before or version < _version(versions.before)
    )


def _version(text: str) -> tuple[int, ...]:
    """Numbers that compare; ``5.6.0rc1`` comes before ``5.6``."""
    match = re.match(r"v?(\d+(?:\.\d+){0,4})(.?(?:a|b|rc|dev))?", text)
    if not match:
        return ()
    numbers = [int(number) for number in match[1].split(".")]
    return (*numbers, *[0] * (5 - len(numbers)), -1 if match[2] else 0)
