"""What the one that runs and the one that judges say to each other: one JSON object a line, both ways.

They are two processes, so that the judgement leaves no trace in the memory that is judged: ``leakhunt check``
judges and starts the one that runs; under pytest the tests' process runs and starts the one that judges.
Standard library only: the process that runs imports this.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

RUN, STOP = "run", "stop"
RAN, FAILED, EXHAUSTED = "ran", "failed", "exhausted"

#: Where something failed.
IMPORT, ARGUMENTS, TARGET, LOOK, WORKER = "import", "arguments", "target", "look", "worker"


class Order(NamedTuple):
    """What to do next."""

    do: str
    """RUN or STOP."""
    runs: int = 0
    look: bool = False
    """Whether to take a snapshot after them."""
    full: bool = False
    """Whether that looks for what holds the objects as well."""


class Answer(NamedTuple):
    """What became of an order."""

    kind: str
    """RAN; EXHAUSTED: there are no more arguments; FAILED: it cannot go on."""
    runs: int = 0
    """All runs so far."""
    seconds: float = 0.0
    """Time that the runs of this order took."""
    path: str | None = None
    """The snapshot that was taken."""
    where: str | None = None
    """What failed: IMPORT, ARGUMENTS, TARGET, LOOK or WORKER."""
    message: str | None = None
    traceback: str | None = None
    """The target's, as Python prints it."""
    at: tuple[str, int] | None = None
    """File and line where the target is defined: told once, when it is ready."""
    looked: float = 0.0
    """Time that the snapshot took."""


def line(said: Order | Answer) -> bytes:
    """As it goes over a pipe."""
    return json.dumps(said._asdict()).encode() + b"\n"


def order(text: bytes) -> Order:
    return Order(**_known(text, Order._fields))


def answer(text: bytes) -> Answer:
    said = Answer(**_known(text, Answer._fields))
    return said if said.at is None else said._replace(at=(said.at[0], said.at[1]))


def _known(text: bytes, names: tuple[str, ...]) -> dict[str, Any]:
    said = json.loads(text)
    return {name: value for name, value in said.items() if name in names}
