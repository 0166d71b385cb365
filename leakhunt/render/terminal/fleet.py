"""``leakhunt ps -A`` for the eye: the processes of each host."""

from __future__ import annotations

from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.console import STRONG, drawn, make_console, say, say_notes
from leakhunt.render.terminal.ps import ps
from leakhunt.report.fleet import FleetReport
from leakhunt.report.words import fleet as words


def fleet(report: FleetReport, screen: Screen) -> str:
    console = make_console(screen)
    hosts = []
    for host in report.hosts:
        say(console, visible(words.host(host.name, host.nodes)), STRONG)
        hosts.append(drawn(console) + ps(host.seen, screen))
        console = make_console(screen)
    if not report.hosts:
        say(console, visible(words.nobody(report.app)))
    elif len(report.hosts) > 1:
        nodes = sum(len(host.nodes) for host in report.hosts)
        say(console, words.total(len(report.hosts), nodes, report.pss, report.rss), STRONG)
    say_notes(console, report.notes)
    pages = [*hosts, drawn(console)]
    return "\n".join(page.strip("\n") + "\n" for page in pages if page.strip())
