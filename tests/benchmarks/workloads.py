"""What the benchmarks run: three micro-workloads, of which the third is also a Celery task."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any


def at_depth(depth: int, work: Callable[[], None]) -> None:
    work() if depth == 0 else at_depth(depth - 1, work)


def documents() -> None:
    """(a) JSON: lists of dicts, made, dumped and loaded, at depth 15."""
    rows = [{"id": i, "name": f"row {i}", "tags": ["a", "b", str(i)]} for i in range(40)]
    json.loads(json.dumps(rows))


def fib(n: int) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def arithmetic() -> None:
    """(b) Calls and integers: the worst case, every integer is a block."""
    fib(13)
    total = 0
    for n in range(1000, 3000):
        total += n * n


DATABASE = sqlite3.connect(":memory:", check_same_thread=False)
DATABASE.execute("create table orders (id integer, name text, total real)")
LAST: dict[int, Any] = {}


class Order:
    def __init__(self, row: tuple[Any, ...]) -> None:
        self.id, self.name, self.total = row
        self.lines = [self.name.upper(), f"{self.total:.2f}"]


def mixed() -> None:
    """(c) What a task does: JSON, SQLite, string formatting, small objects, a cache."""
    rows = [(n, f"customer {n % 7}", n * 1.1) for n in range(60)]
    DATABASE.executemany("insert into orders values (?, ?, ?)", rows)
    found = [Order(row) for row in DATABASE.execute("select * from orders where id % 3 = 0")]
    DATABASE.execute("delete from orders")
    page = "".join("<li>{} {}</li>".format(*order.lines) for order in found)
    text = json.dumps({"page": page, "orders": [vars(order) for order in found]})
    LAST[len(LAST) % 50] = json.loads(text)["page"].split("<li>")


WORKLOADS = {"(a) json": documents, "(b) integers": arithmetic, "(c) mixed": mixed}


def task() -> None:
    """A Celery task of a millisecond: five turns of the mixed work."""
    for _ in range(5):
        mixed()
