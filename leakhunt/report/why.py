"""What a renderer of ``leakhunt why`` gets: a place, what keeps its objects, and what would end that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leakhunt.advice.evidence import Evidence, scoped
from leakhunt.advice.match import Advice, advise
from leakhunt.model.paths import prefixes, visible
from leakhunt.model.snapshot import Frame, Snapshot, Stack
from leakhunt.report.labels import Labels
from leakhunt.report.trend import Judged
from leakhunt.report.words import growths, kept
from leakhunt.report.words.places import place
from leakhunt.retention import ways
from leakhunt.retention.ways import Branch, Why
from leakhunt.sites.place import Shown

#: Stacks of a place that the rule base is asked about.
TELLING = 40


@dataclass(frozen=True)
class WhyReport:
    """Everything that ``leakhunt why`` shows."""

    answer: Why
    title: str
    site: Frame
    """The line that allocates."""
    snapshot: Snapshot
    labels: Labels
    tree: tuple[Branch, ...]
    """The ways that are shown, put together where they begin alike."""
    more: int
    """Ways that are not shown."""
    summary: str
    advice: Advice | None
    """What fits, where it is known that this grows."""


def of_place(
    shown: Shown, snapshot: Snapshot, earlier: Sequence[Snapshot], limit: int
) -> WhyReport:
    """``shown`` with all its stacks. ``limit``: ways that are told, 0: all."""
    site = shown.places[0][0]
    stacks = [lead.stack for lead in shown.leads]
    title = visible(shown.location) if shown.rank is None else kept.row(shown.rank)
    return _report(title, site, stacks, snapshot, earlier, limit, None)


def of_finding(
    rank: int, judged: Judged, snapshot: Snapshot, earlier: Sequence[Snapshot], limit: int
) -> WhyReport:
    """A finding of trend or verdict, in the newest snapshot of its process."""
    finding = judged.finding
    title = kept.finding(rank, growths.verdict(finding))
    return _report(title, finding.site, finding.stacks, snapshot, earlier, limit, judged.advice)


def _report(
    title: str,
    site: Frame,
    stacks: Sequence[Stack],
    snapshot: Snapshot,
    earlier: Sequence[Snapshot],
    limit: int,
    advice: Advice | None,
) -> WhyReport:
    answer, labels = ways.why(snapshot, stacks, earlier), Labels(snapshot)
    shown = answer.ways[:limit] if limit else answer.ways
    where = place(site, labels)
    return WhyReport(
        answer=answer,
        title=f"{title}: {where}" if where != title else title,
        site=site,
        snapshot=snapshot,
        labels=labels,
        tree=ways.tree(shown),
        more=len(answer.ways) - len(shown),
        summary=kept.summary(answer),
        advice=advice or _advice(answer, site, stacks, snapshot, earlier),
    )


def _advice(
    answer: Why,
    site: Frame,
    stacks: Sequence[Stack],
    snapshot: Snapshot,
    earlier: Sequence[Snapshot],
) -> Advice | None:
    """What the place looks like, where what keeps its objects is known to have grown: what merely is
    there is no leak, and needs no advice.
    """
    grown = [way for way in answer.ways if way.grew is not None and way.grew[1] > way.grew[0]]
    if not grown:
        return None
    largest = max(grown, key=lambda way: way.held.size).held
    sizes = {stack: snapshot.tallies[stack].size for stack in stacks if stack in snapshot.tallies}
    heaviest = sorted(sizes, key=lambda stack: (-sizes[stack], stack))[:TELLING]
    meta = snapshot.meta
    versions = meta.facts.get("versions")
    heads, shared = scoped(meta.facts, snapshot.spots)
    return advise(
        Evidence(
            stacks=heaviest,
            weights=[float(sizes[stack]) for stack in heaviest],
            site=site,
            spots=snapshot.spots,
            heads=heads,
            shared=shared,
            prefixes=prefixes(meta.facts),
            role=meta.role,
            pool=meta.pool,
            holder=largest.container_type,
            kept=largest,
            versions=versions if isinstance(versions, dict) else {},
            facts_first=earlier[0].meta.facts if earlier else meta.facts,
            facts_last=meta.facts,
        )
    )
