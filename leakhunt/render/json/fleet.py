"""``leakhunt ps -A`` as JSON: the document of ``ps``, each process with its host."""

from __future__ import annotations

import json

from leakhunt.render.json.ps import process
from leakhunt.report.fleet import FleetReport


def fleet(report: FleetReport) -> str:
    document = {
        "schema": "leakhunt/ps@1",
        "app": report.app,
        "hosts": [
            {
                "host": host.name,
                "nodes": list(host.nodes),
                "taken_at": host.seen.machine.now,
                "memory": host.seen.machine.total,
                "cores": host.seen.machine.cores,
                "limit": host.seen.limit,
                "totals": {"rss": host.seen.rss, "pss": host.seen.pss},
                "notes": list(host.seen.notes),
            }
            for host in report.hosts
        ],
        "processes": [
            {"host": host.name, **process(row)} for host in report.hosts for row in host.seen.rows
        ],
        "totals": {"rss": report.rss, "pss": report.pss},
        "limit": report.hosts[0].seen.limit if len(report.hosts) == 1 else None,
        "problems": [
            {"host": host.name, "problem": problem.code, "what": problem.what, "todo": problem.todo}
            for host in report.hosts
            for problem in host.seen.crowds
        ],
        "notes": list(report.notes),
    }
    return json.dumps(document, indent=2) + "\n"
