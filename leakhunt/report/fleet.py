"""The workers of an app on their hosts: a ``ps`` report for each host. Pure: values in, a report out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leakhunt.report.ps import PsReport
from leakhunt.report.words import fleet as words


@dataclass(frozen=True)
class HostReport:
    """The workers of one machine."""

    name: str
    nodes: tuple[str, ...]
    seen: PsReport


@dataclass(frozen=True)
class FleetReport:
    """What the workers of an app have answered."""

    app: str
    hosts: tuple[HostReport, ...]
    notes: tuple[str, ...]
    """Who has not answered, or had nothing to tell."""
    refused: tuple[str, ...] = ()
    """Nodes that have answered, and had nothing to tell."""

    @property
    def rss(self) -> int:
        return sum(host.seen.rss for host in self.hosts)

    @property
    def pss(self) -> int:
        return sum(host.seen.pss for host in self.hosts)


def fleet(
    app: str,
    hosts: Sequence[HostReport],
    refused: Mapping[str, str],
    silent: Sequence[str] = (),
    left_out: int = 0,
) -> FleetReport:
    """The report; ``refused``: per node, why it tells nothing; ``silent``: asked by name, and no reply;
    ``left_out``: processes that were too many for a reply.
    """
    notes = [words.refused(node, why) for node, why in refused.items()]
    notes += [words.silent(node) for node in silent]
    unread = sum(
        row.process.memory.pss is None and row.process.memory.rss is not None
        for host in hosts
        for row in host.seen.rows
    )
    if unread:
        notes.append(words.unread(unread))
    if left_out:
        notes.append(words.left_out(left_out))
    return FleetReport(app, tuple(hosts), tuple(notes), tuple(refused))
