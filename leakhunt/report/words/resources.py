"""What a process has open, in words."""

from __future__ import annotations

from leakhunt import units
from leakhunt.judge.resources import Rising
from leakhunt.model.resources import Open, Resource

#: Who listens at a port, most likely (IANA's registry, and the projects' own defaults).
SERVERS = {
    22: "SSH", 25: "SMTP", 53: "DNS", 80: "HTTP", 443: "HTTPS", 465: "SMTP", 587: "SMTP", 1433: "SQL Server",
    1521: "Oracle", 2181: "ZooKeeper", 3306: "MySQL", 4222: "NATS", 4317: "OpenTelemetry",
    4318: "OpenTelemetry", 5432: "PostgreSQL", 5671: "AMQP", 5672: "AMQP", 6379: "Redis",
    6380: "Redis", 6432: "PgBouncer", 8080: "HTTP", 8125: "StatsD", 9042: "Cassandra", 9092: "Kafka",
    9200: "Elasticsearch", 11211: "memcached", 26379: "Redis Sentinel", 27017: "MongoDB",
}  # fmt: skip

_PLURALS = {
    "file": "open files", "deleted file": "open files that are deleted", "pipe": "pipes",
    "epoll": "epoll descriptors", "eventfd": "eventfds", "inotify": "inotify descriptors",
    "fanotify": "fanotify descriptors", "signalfd": "signalfds", "timerfd": "timerfds", "pidfd": "pidfds",
    "io_uring": "io_uring descriptors", "shared memory": "descriptors of shared memory",
    "device": "open devices", "descriptor": "other descriptors", "semaphore": "named semaphores",
}  # fmt: skip


def name(one: Resource) -> str:
    """``sockets to :5432 (PostgreSQL)``, ``threads in shop.tasks.poll``, ``open files``."""
    if one.kind == "socket":
        return _socket(one)
    if one.kind == "thread":
        return f"threads in {one.name}"
    if one.kind == "native thread":
        return f"native threads {one.name}" if one.name else "native threads"
    if one.kind == "subprocess":
        return f"subprocesses {one.name}" if one.name else "subprocesses"
    return _PLURALS.get(one.kind, one.kind)


def _socket(one: Resource) -> str:
    where = f":{one.port}"
    server = SERVERS.get(one.port)
    if one.name == "tcp":
        return f"sockets to {where}" + (f" ({server})" if server else "")
    if one.name == "tcp from":
        return f"accepted sockets at {where}"
    if one.name == "tcp listening":
        return f"listening sockets at {where}"
    if one.name == "udp":
        return f"UDP sockets to {where}" if one.port else "UDP sockets"
    return {"unix": "Unix sockets"}.get(one.name, "other sockets")


def risen(one: Resource, first: int, last: int, per_unit: float | None, unit: str | None) -> str:
    """``sockets to :5432 (PostgreSQL) 12 → 1,012, 1 per task``."""
    text = f"{name(one)} {units.count(first)} → {units.count(last)}"
    if per_unit is not None and unit is not None:
        text += f", {units.decimal(per_unit)} per {unit}"
    return text


def opens(one: Rising) -> str:
    """``opens ever more: sockets to :5432 (PostgreSQL) 12 → 1,012, 1 per task (998 in close-wait)``."""
    change = one.change
    told = risen(change.resource, change.first, change.last.number, one.rate, one.unit)
    said = states(change.last)
    return f"opens ever more: {told}" + (f" ({said})" if said else "")


def states(opened: Open) -> str:
    """``998 in close-wait``; empty where all are as they should be."""
    told = [
        f"{units.count(number)} {'ended' if state == 'ended' else f'in {state}'}"
        for state, number in opened.states
        if state != "established"
    ]
    return ", ".join(told)
