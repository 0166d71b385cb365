"""``leakhunt watch`` as metrics in the Prometheus exposition format (prometheus_client makes the text).

A process's series are there as long as the process is: what is drawn is the newest look and nothing
else. The labels are bounded: so many processes, the largest ones, and what is left out is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
)

from leakhunt.judge.verdict import VERDICTS
from leakhunt.model.paths import visible
from leakhunt.report.watch import Lasts, Line, Rate, WatchReport
from leakhunt.report.words.metrics import HELP

#: Processes that have series.
MOST = 500
#: Texts of labels are cut there.
LONGEST = 200

KINDS = ("rss", "uss", "pss", "swap", "vms", "peak")
LEVELS = ("fine", "warning", "critical")


class Collector:
    """Of the newest look, whoever reads and whenever."""

    def __init__(self) -> None:
        self.latest: WatchReport | None = None

    def collect(self) -> Iterator[Metric]:
        report = self.latest
        return iter(()) if report is None else families(report)


def registry(collector: Collector) -> CollectorRegistry:
    """With these metrics and none of this process's own."""
    metrics = CollectorRegistry(auto_describe=False)
    metrics.register(collector)
    return metrics


def text(report: WatchReport) -> bytes:
    """The look as a file for node_exporter's textfile collector."""
    collector = Collector()
    collector.latest = report
    content: bytes = generate_latest(registry(collector))
    return content


def families(report: WatchReport) -> Iterator[Metric]:
    """Every metric of a look."""
    ranked = sorted(report.lines, key=lambda line: -(line.process.memory.rss or 0))
    lines, left_out = ranked[:MOST], len(ranked) - len(ranked[:MOST])
    yield _gauge("celery_worker_memory_bytes", lines, lambda line: {
        kind: getattr(line.process.memory, kind) for kind in KINDS
    }, "kind")  # fmt: skip
    yield _gauge("celery_worker_memory_growth_bytes_per_second", lines,
                 lambda line: _rate(line.per_minute, 1 / 60), "bound")  # fmt: skip
    yield _gauge("celery_worker_memory_growth_bytes_per_task", lines,
                 lambda line: _rate(line.per_task, 1), "bound")  # fmt: skip
    yield _gauge("celery_worker_memory_limit_bytes", lines, lambda line: {"": line.limit})
    yield _gauge(
        "celery_worker_memory_limit_seconds", lines, lambda line: _lasts(line.lasts), "bound"
    )
    yield _gauge("celery_worker_open_files", lines, lambda line: {"": line.process.open_files})
    yield _gauge(
        "celery_worker_weighed_timestamp_seconds", lines, lambda line: {"": line.process.weighed_at}
    )
    tasks = _family(CounterMetricFamily, "celery_worker_tasks", "node", "pid")
    for line in lines:
        if line.process.pulse is not None:
            tasks.add_metric(_who(line), line.process.pulse.done)
    yield tasks
    restarts = _family(CounterMetricFamily, "celery_worker_restarts", "node", "role")
    # A rate of what begins with one does not know of that one: whoever is there and stays has a 0.
    there = {
        ((line.process.celery and line.process.celery.node) or "", line.process.role)
        for line in lines
    }
    unmoved = dict.fromkeys(sorted(there - {*report.restarts}), 0)
    for (node, role), number in [*sorted(report.restarts.items()), *unmoved.items()][:MOST]:
        restarts.add_metric([_label(node), role], number)
    yield restarts
    yield _states("celery_worker_verdict", VERDICTS, lines, lambda line: line.verdict)
    yield _states("celery_worker_level", LEVELS, lines, lambda line: line.level)
    about = _family(InfoMetricFamily, "celery_worker_process", "node", "pid")
    for line in lines:
        celery = line.process.celery
        about.add_metric(_who(line), {
            "role": line.process.role,
            "app": _label(celery.app if celery else None),
            "pool": _label(celery.pool if celery else None),
            "engine": _label(line.process.engine),
        })  # fmt: skip
    yield about
    crew = _family(GaugeMetricFamily, "celery_worker_processes", "node", "role")
    for (node, role), amount in Counter(
        (_who(line)[0], line.process.role) for line in lines
    ).items():
        crew.add_metric([node, role], amount)
    yield crew
    for name, value in (
        ("leakhunt_watch_left_out", left_out),
        ("leakhunt_watch_last_look_timestamp_seconds", report.machine.now),
    ):
        alone = _family(GaugeMetricFamily, name)
        alone.add_metric([], value)
        yield alone


def _family(kind: Any, name: str, *labels: str) -> Any:
    return kind(name, HELP[name], labels=labels)


def _gauge(
    name: str,
    lines: Sequence[Line],
    values: Callable[[Line], Mapping[str, float | None]],
    label: str = "",
) -> Metric:
    """Values by process, and by one more label if there is one; what is not known has no series."""
    family = _family(GaugeMetricFamily, name, "node", "pid", *([label] if label else []))
    for line in lines:
        for kind, value in values(line).items():
            if value is not None:
                family.add_metric([*_who(line), *([kind] if label else [])], value)
    return family  # type: ignore[no-any-return]


def _states(
    name: str, states: Sequence[str], lines: Sequence[Line], of: Callable[[Line], str | None]
) -> Metric:
    family = _family(StateSetMetricFamily, name, "node", "pid")
    for line in lines:
        state = of(line)
        if state is not None:
            family.add_metric(_who(line), {each: each == state for each in states})
    return family  # type: ignore[no-any-return]


def _rate(rate: Rate | None, scale: float) -> dict[str, float | None]:
    if rate is None:
        return {}
    return {"estimate": scale * rate.value, "low": scale * rate.low, "high": scale * rate.high}


def _lasts(lasts: Lasts | None) -> dict[str, float | None]:
    if lasts is None:
        return {}
    return {"estimate": lasts.seconds, "low": lasts.soonest, "high": lasts.latest}


def _who(line: Line) -> list[str]:
    celery = line.process.celery
    return [_label(celery.node if celery else None), str(line.process.pid)]


def _label(text: str | None) -> str:
    return visible((text or "")[:LONGEST])[:LONGEST]
