"""Known leaks: data, one entry per pattern. What is read here is judged in :mod:`leakhunt.advice.match`.

An entry belongs here when public material describes it and frames, source lines or
facts recognise it soundly; a pattern that would have to be guessed does not. The
order matters only between rules that fit equally well: the first one is said.
"""

from __future__ import annotations

from leakhunt.advice.rule import Rule
from leakhunt.advice.rules import (
    clients,
    containers,
    documents,
    observing,
    processes,
    queues,
    standard,
    storage,
    web,
)

#: Every rule; pattern names are unique.
RULES: tuple[Rule, ...] = (
    *containers.CACHES,
    *queues.RULES,
    *storage.RULES,
    *web.RULES,
    *observing.RULES,
    *clients.RULES,
    *documents.RULES,
    *processes.RULES,
    *standard.RULES,
    *containers.RULES,
)
