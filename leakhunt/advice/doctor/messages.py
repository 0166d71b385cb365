"""Rules about messages, results and events: what a worker holds on to, or lets others hold."""

from __future__ import annotations

from collections.abc import Iterator

from leakhunt import units
from leakhunt.advice.doctor.case import ADVICE, DOCS, NOTE, SERIOUS, Case, Finding, Worker

#: Messages per child that are taken ahead; Celery's own value is 4.
PREFETCH = 16
#: Bytes that a main process has and no child: as much of what children import and fill may differ.
HOLDS = 32 << 20
#: Workers of one app on a host, from which on what they tell each other is worth a word.
TALKING = 4


def poison(case: Case) -> Iterator[Finding]:
    if case.value("task_acks_late") and case.value("task_reject_on_worker_lost"):
        yield Finding(
            SERIOUS,
            "poison-tasks",
            case.app,
            "task_acks_late and task_reject_on_worker_lost are both on",
            "a task that has its child killed for memory is delivered again, and again; Celery's "
            "documentation warns of such message loops",
            "task_reject_on_worker_lost",
            False,
            f"{DOCS}/configuration.html#task-reject-on-worker-lost",
        )


def prefetch(case: Case) -> Iterator[Finding]:
    """What workers take ahead: once for the app, and for each worker whose command line says otherwise."""
    told = set()
    broker = (case.configuration and case.configuration.broker) or ""
    for worker in case.workers:
        is_asked = "worker_prefetch_multiplier" in worker.asked
        where = worker.node if is_asked else case.app
        if where in told or (worker.has_no_prefetch and broker.startswith("redis")):
            continue  # Celery heeds that on Redis only
        number = worker.prefetch
        if number is None or 0 < number < PREFETCH:
            continue
        told.add(where)
        name = "--prefetch-multiplier" if is_asked else "worker_prefetch_multiplier"
        yield Finding(
            ADVICE if number else SERIOUS,
            "prefetch-many" if number else "prefetch-unlimited",
            where,
            f"{name} is {number}" + ("" if number else ": no limit"),
            _held(number, worker.pool),
            None if is_asked else name,
            None if is_asked else 4,
            f"{DOCS}/optimizing.html#prefetch-limits",
            "start it with --prefetch-multiplier 4" if is_asked else "",
        )


def _held(number: int, pool: str) -> str:
    """What a worker holds that takes so many messages ahead; 0: all there are."""
    if pool == "prefork":
        if not number:
            return "the main process takes in every message of the queue, and children forked then inherit them"
        return (
            f"the main process holds up to {number} messages for each child, with their arguments"
        )
    if not number:
        return "the worker takes in every message of the queue, with its arguments"
    return f"the worker holds up to {number} messages for each task that it can run at a time, with their arguments"


def eta(case: Case) -> Iterator[Finding]:
    """No limit is what Celery itself sets, and right where few tasks wait: told of a main process that holds more."""
    values = case.configuration.values if case.configuration else {}
    if "worker_eta_task_limit" not in values or values["worker_eta_task_limit"]:
        return
    for worker in case.workers:
        held = _beyond(worker)
        if held is not None and held >= HOLDS:
            yield Finding(
                ADVICE,
                "eta-unlimited",
                worker.node,
                f"its main process holds {units.size(held)} more than any of its children, and "
                "worker_eta_task_limit is not set",
                "children begin as copies of it, and it runs no task: what it has more is what waits in it; tasks with "
                "an ETA or countdown are taken from the broker at once, outside the prefetch limit, and wait there",
                "worker_eta_task_limit",
                1000,
                f"{DOCS}/calling.html#eta-and-countdown",
            )


def _beyond(worker: Worker) -> int | None:
    """Bytes (USS) that the main process of a pool has and none of its children; None: not known."""
    if worker.main is None or worker.main.memory.uss is None:
        return None
    children = [child.memory.uss for child in worker.children if child.memory.uss is not None]
    return worker.main.memory.uss - max(children) if children else None


def results(case: Case) -> Iterator[Finding]:
    configuration = case.configuration
    if configuration is None or configuration.backend is None:
        return
    if configuration.backend in ("disabled", "disabled+"):
        return
    expires, ignored = case.value("result_expires"), case.value("task_ignore_result")
    if expires is None or expires == 0:
        yield Finding(
            SERIOUS if configuration.backend.startswith("redis") and not ignored else ADVICE,
            "results-for-ever",
            case.app,
            f"result_expires is {expires}: results in the {configuration.backend} backend never expire",
            ("every task that says ignore_result=False" if ignored else "every task")
            + " leaves one there; it is the backend's memory or disk that grows, not the worker's",
            "result_expires",
            86400,
            f"{DOCS}/configuration.html#result-expires",
        )
    elif not ignored:
        yield Finding(
            NOTE,
            "results-kept",
            case.app,
            f"every task's result is stored in the {configuration.backend} backend",
            "where nobody asks for results, storing them costs time and memory for nothing; tasks that "
            "need theirs can say ignore_result=False",
            "task_ignore_result",
            True,
            f"{DOCS}/tasks.html#ignore-results-you-don-t-want",
        )


def events(case: Case) -> Iterator[Finding]:
    for setting, sends in (
        ("worker_send_task_events", "the worker sends several events for each task"),
        ("task_send_sent_event", "whoever sends a task sends an event with it"),
    ):
        if case.value(setting):
            yield Finding(
                NOTE,
                "events-on",
                case.app,
                f"{setting} is on",
                f"{sends}; without a monitor that reads them they are work for nothing, and on some brokers "
                "they gather",
                setting,
                False,
                "https://github.com/celery/celery/issues/436",
            )


def chatter(case: Case) -> Iterator[Finding]:
    """Workers that listen to each other, as their command lines tell."""
    told = [worker.main.celery for worker in case.workers if worker.main and worker.main.celery]
    talking = [each for each in told if not {"gossip", "mingle"} <= each.without]
    if len(talking) >= TALKING:
        yield Finding(
            NOTE,
            "gossip-and-mingle",
            case.app,
            f"{units.counted(len(talking), 'worker')} here talk to each other",
            "each hears the heartbeats of all (gossip) and asks all of them when it starts (mingle): with "
            "every worker more that is more for all, and nothing needs it but revoked tasks that a new "
            "worker would else not know",
            todo="start them with --without-gossip --without-mingle",
            source="https://docs.celeryq.dev/en/stable/history/whatsnew-3.1.html",
        )


RULES = (poison, prefetch, eta, results, events, chatter)
