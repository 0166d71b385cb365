"""Metrics of a look: what is known, by process, and gone with it; alert rules and a dashboard that use them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leakhunt.model.process import Celery
from leakhunt.report.watch import Limits, WatchReport, line, watch
from leakhunt.report.words.metrics import HELP
from tests.report.test_watch import samples
from tests.support.fleet import MIB, NOW, machine, process
from tests.support.places import ROOT

pytest.importorskip("prometheus_client", reason="an extra: pip install 'leakhunt[prometheus]'")

from prometheus_client.parser import text_string_to_metric_families

from leakhunt.render import prometheus

RULES = ROOT / "fixtures" / "prometheus"


def look(*pids: int, **facts: Any) -> WatchReport:
    lines = [
        line(process(pid, pulse=(40, 1.0, None, None, None), open_files=9, hooked=True, **facts),
             samples(*(50 + n for n in range(13)), tasks=4), Limits(limit=122 * MIB), "leak")
        for pid in pids
    ]  # fmt: skip
    return watch(machine(), NOW - 60, lines, 0, False, {("w@h", "child"): 3})


def read(report: WatchReport) -> dict[str, list[tuple[dict[str, str], float]]]:
    """The samples by name, as whoever scrapes them reads them."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(prometheus.text(report).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def test_what_a_process_holds_and_how_it_grows() -> None:
    found = read(look(11))
    kinds = {labels["kind"]: value for labels, value in found["celery_worker_memory_bytes"]}
    assert kinds == {
        "rss": 60 * MIB, "uss": 20 * MIB, "pss": 30 * MIB, "swap": 0, "vms": 200 * MIB, "peak": 60 * MIB,
    }  # fmt: skip
    who = {"node": "w@h", "pid": "11"}
    growth = {
        labels["bound"]: value
        for labels, value in found["celery_worker_memory_growth_bytes_per_second"]
    }
    assert growth["estimate"] == pytest.approx(6 * MIB / 60)
    assert growth["low"] <= growth["estimate"] <= growth["high"]
    lasts = {
        labels["bound"]: value for labels, value in found["celery_worker_memory_limit_seconds"]
    }
    assert lasts["estimate"] == pytest.approx(600)
    assert found["celery_worker_tasks_total"] == [(who, 40)]
    assert found["celery_worker_open_files"] == [(who, 9)]
    assert found["celery_worker_memory_limit_bytes"] == [(who, 122 * MIB)]
    assert found["celery_worker_restarts_total"] == [({"node": "w@h", "role": "child"}, 3)]
    states = {
        labels["celery_worker_verdict"]: value for labels, value in found["celery_worker_verdict"]
    }
    assert states == {"leak": 1, "no-leak": 0, "unexplained": 0, "inconclusive": 0}
    (about,) = found["celery_worker_process_info"]
    assert about[0] == {**who, "role": "child", "app": "proj", "pool": "prefork", "engine": ""}


def test_how_long_it_lasts_is_told_from_the_soonest_to_the_latest() -> None:
    sizes = samples(*(50 + n + n % 2 / 4 for n in range(13)))
    grows = line(process(11), sizes, Limits(limit=122 * MIB))
    found = read(watch(machine(), NOW - 60, [grows], 0, False))
    told = {each["bound"]: value for each, value in found["celery_worker_memory_limit_seconds"]}
    assert told["low"] < told["estimate"] < told["high"]


def test_what_is_not_known_has_no_series() -> None:
    bare = process(11, uss=None, pss=None, readable=False)
    found = read(watch(machine(), NOW - 60, [line(bare, samples(50), Limits())], 0, False))
    assert {labels["kind"] for labels, _ in found["celery_worker_memory_bytes"]} == {
        "rss", "swap", "vms", "peak",
    }  # fmt: skip
    for name in (
        "memory_growth_bytes_per_second", "memory_limit_bytes", "tasks_total", "verdict", "open_files",
    ):  # fmt: skip
        assert f"celery_worker_{name}" not in found


def test_who_was_never_replaced_is_counted_from_nothing_on() -> None:
    """Else the first replacement is in no rate: its series begins with it."""
    found = read(replace(look(11, 12), restarts={("gone@h", "child"): 2}))
    assert sorted((who["node"], value) for who, value in found["celery_worker_restarts_total"]) == [
        ("gone@h", 2), ("w@h", 0),
    ]  # fmt: skip


def test_series_end_with_their_process() -> None:
    collector = prometheus.Collector()
    registry = prometheus.registry(collector)
    for pids in ((11, 12), (12, 13)):
        collector.latest = look(*pids)
        seen = {
            sample.labels["pid"]
            for family in registry.collect()
            for sample in family.samples
            if "pid" in sample.labels
        }
        assert seen == set(map(str, pids))


def test_the_labels_are_bounded() -> None:
    crowd = look(
        *range(100, 100 + prometheus.MOST + 7), celery=Celery("worker", "n" * 9000, "\ud800a")
    )
    found = read(replace(crowd, restarts={(f"n{n}", "child"): 1 for n in range(9000)}))
    assert (
        len({labels["pid"] for labels, _ in found["celery_worker_memory_bytes"]}) == prometheus.MOST
    )
    assert len(found["celery_worker_restarts_total"]) == prometheus.MOST
    assert found["leakhunt_watch_left_out"] == [({}, 7)]
    longest = max(
        len(value) for rows in found.values() for labels, _ in rows for value in labels.values()
    )
    assert longest <= prometheus.LONGEST


def test_the_largest_processes_have_series() -> None:
    lines = [
        line(process(pid, rss=(100 + pid) * MIB), samples(50), Limits())
        for pid in range(1, prometheus.MOST + 3)
    ]
    found = read(watch(machine(), NOW - 60, lines, 0, False))
    told = {int(labels["pid"]) for labels, _ in found["celery_worker_memory_bytes"]}
    assert told == set(range(3, prometheus.MOST + 3))


def test_no_name_writes_to_the_terminal_of_who_reads_them() -> None:
    name = "a\x1b]0;x\x07@h"
    report = look(11, celery=Celery("worker", name, "\x9b31m\u202e"))
    said = prometheus.text(report).decode()
    assert r"a\\x1b]0;x\\x07@h" in said
    assert not {*"\x1b\x07\x9b\u202e"} & {*said}


def test_every_metric_has_its_words() -> None:
    names = {family.name for family in prometheus.families(look(11))}
    assert names == set(HELP)


# -- the examples -----------------------------------------------------------------------


def promtool(*arguments: str) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    done = subprocess.run(
        [program, *arguments], cwd=RULES, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_the_configuration_and_the_rules() -> None:
    promtool("check", "config", "prometheus.yml")


def test_the_alerts_fire_when_they_should() -> None:
    promtool("test", "rules", "alerts_test.yml")


def test_promtool_finds_no_fault_with_the_metrics(tmp_path: Path) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    done = subprocess.run(
        [program, "check", "metrics"], input=prometheus.text(look(11, 12)), capture_output=True,
        timeout=400, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_examples_ask_for_metrics_that_are_there() -> None:
    made = set(read(look(11)))
    board = json.loads((RULES / "dashboard.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asked.append(board["templating"]["list"][1]["query"])
    asked += re.findall(r"expr: (.*)", (RULES / "alerts.yml").read_text())
    assert len(asked) > 15
    for expression in asked:
        names = re.findall(r"\b(?:celery_worker|leakhunt_watch)_\w+(?!\w*=)", expression)
        names = [name for name in names if f'{name}="' not in expression or name in made]
        assert names, expression
        assert set(names) <= made, expression


def test_the_dashboard_is_one() -> None:
    board = json.loads((RULES / "dashboard.json").read_text())
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert all(0 <= x < 24 for x, _ in cells)
