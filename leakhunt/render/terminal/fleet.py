"""``leakhunt ps -A`` for the eye: the processes of each host."""

from __future__ import annotations

from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.ps import ps
from leakhunt.render.terminal.sheet import Sheet
from leakhunt.render.terminal.styles import STRONG
from leakhunt.report.fleet import FleetReport
from leakhunt.report.words import fleet as words


def fleet(report: FleetReport, screen: Screen) -> str:
    sheet = Sheet(screen)
    hosts = []
    for host in report.hosts:
        sheet.say(visible(words.host(host.name, host.nodes)), STRONG)
        hosts.append(sheet.drawn() + ps(host.seen, screen))
        sheet = Sheet(screen)
    if not report.hosts:
        sheet.say(visible(words.nobody(report.app, bool(report.refused))))
    elif len(report.hosts) > 1:
        nodes = sum(len(host.nodes) for host in report.hosts)
        sheet.say(words.total(len(report.hosts), nodes, report.pss, report.rss), STRONG)
    sheet.notes(report.notes)
    pages = [*hosts, sheet.drawn()]
    return "\n".join(page.strip("\n") + "\n" for page in pages if page.strip())
