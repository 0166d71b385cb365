"""Looks at the processes of this host, or of an app's workers: what ``ps``, ``watch``, ``doctor`` share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from leakhunt.errors import SnapshotError
from leakhunt.live import processes, tree
from leakhunt.model.process import Identity, Process
from leakhunt.report import ps as report
from leakhunt.report.ps import PsReport
from leakhunt.snapfile import SUFFIX

if TYPE_CHECKING:
    from leakhunt.live import remote
    from leakhunt.live.replies import Host
    from leakhunt.report.fleet import FleetReport


def seen(home: Path, pids: Iterable[int] = ()) -> PsReport:
    """The processes as ``leakhunt ps`` reports them, those of ``pids`` and their children whatever they are. Raises
    NotHookedError for a pid of none.
    """
    pids = tuple(pids)
    running = tree.celery_processes(home, also=pids)
    pids_seen = {process.pid for process in running}
    for pid in pids:
        if pid not in pids_seen:
            raise processes.nobody(pid)
    return report.ps(running, tree.machine(), growths(running), pids)


def growths(running: Sequence[Process]) -> dict[Identity, report.Growth]:
    """How each process's RSS changed over its snapshots, of those that have some."""
    grown = {}
    for process in running:
        if process.series is None or not _has_snapshots(process.series):
            continue
        # It takes as long as all else, and most look before there is a snapshot.
        from leakhunt.snapshots.load import series

        with suppress(SnapshotError, OSError):
            for line in series(Path(process.series), []):
                growth = report.growth(line)
                if growth is not None:
                    grown[process.identity] = growth
    return grown


def _has_snapshots(folder: str) -> bool:
    with suppress(OSError), os.scandir(folder) as entries:
        return any(entry.name.endswith(SUFFIX) for entry in entries)
    return False


def answered(fleet: remote.Fleet, pids: Iterable[int] = ()) -> FleetReport:
    """The processes of an app's workers, as they tell them. Raises RemoteError."""
    from leakhunt.report import fleet as of_hosts
    from leakhunt.report.fleet import HostReport

    answers = fleet.look()
    hosts = [HostReport(host.name, host.nodes, _of_host(host, pids)) for host in answers.hosts]
    named = {*answers.refused, *(node for host in hosts for node in host.nodes)}
    return of_hosts.fleet(
        fleet.name,
        [host for host in hosts if host.seen.rows],
        answers.refused,
        fleet.silent(named),
        answers.left_out,
    )


def _of_host(host: Host, pids: Iterable[int]) -> PsReport:
    grown = {
        identity: report.Growth(size, seconds, None, snapshots)
        for identity, (size, seconds, snapshots) in host.grown.items()
    }
    return report.ps(host.processes, host.machine, grown, pids)
