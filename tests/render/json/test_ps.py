"""``leakhunt ps`` as JSON: what the contract names, null where it cannot be known."""

from __future__ import annotations

import json
from typing import Any

from leakhunt.render.json.ps import process as row_of
from leakhunt.render.json.ps import ps
from leakhunt.report import ps as reports
from tests.support.fleet import MIB, NOW, machine, process


def test_a_process_has_what_the_contract_names() -> None:
    busy = process(
        11, pulse=(7, 1.5, NOW - 1, "shop.take", NOW), hooked=True, engine="sampled", signal="heard"
    )
    document = json.loads(ps(reports.ps([busy], machine())))
    (row,) = document["processes"]
    assert {
        "pid", "parent", "role", "node", "app", "pool", "started_at", "rss", "uss", "pss", "shared", "swap", "cpu",
        "open_files", "sockets", "hooked", "engine", "signal", "tasks_done", "running", "problems",
    } <= set(row)  # fmt: skip
    assert (row["tasks_done"], row["running"]["task"]) == (7, "shop.take")
    assert document["totals"] == {"rss": 60 * MIB, "pss": 30 * MIB}


def test_what_cannot_be_known_is_null() -> None:
    bare = process(11, uss=None, pss=None, celery=None)
    row = row_of(reports.ps([bare], machine()).rows[0])
    assert (
        row["uss"],
        row["pss"],
        row["node"],
        row["tasks_done"],
        row["running"],
        row["growth"],
    ) == (None,) * 6


def test_each_figure_of_memory_has_its_own_name() -> None:
    sizes: dict[str, Any] = {
        "rss": 60,
        "uss": 21,
        "pss": 33,
        "shared": 39,
        "swap": 4,
        "vms": 200,
        "peak": 70,
    }
    (row,) = json.loads(ps(reports.ps([process(11, **sizes)], machine())))["processes"]
    names = {**{name: name for name in sizes}, "peak": "rss_peak"}
    assert {name: row[names[name]] for name in sizes} == {
        name: size * MIB for name, size in sizes.items()
    }
