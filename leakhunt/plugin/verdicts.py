"""What the judge answers: orders, and in the end a result with its text and its document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leakhunt.gate import baseline
from leakhunt.gate.decision import LIMIT, Limits
from leakhunt.gate.orders import RUN, Answer, Order
from leakhunt.gate.outcome import outcome
from leakhunt.gate.plan import Gate, Terms
from leakhunt.model.query import Query
from leakhunt.plugin.words import RESULT
from leakhunt.render import sarif
from leakhunt.render.json.check import content
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.check import check as page
from leakhunt.render.terminal.tables import diff as drawn
from leakhunt.report.check import CheckReport
from leakhunt.report.check import check as reported
from leakhunt.report.tables import diff
from leakhunt.report.words import checks
from leakhunt.snapshots.load import load_all

#: Columns of a failure in pytest's output.
WIDTH = 100
#: Places of a block that are listed.
ROWS = 10


class Check:
    """One check, from the first order to its result."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.name: str = said["name"]
        self._root: str = said["root"]
        accepted = said.get("baseline")
        self._known = baseline.read(Path(accepted)).of(self.name) if accepted else None
        limit = LIMIT if said["limit"] is None else float(said["limit"])
        limits = Limits(limit, False, self._known or {})
        at = said.get("at")
        terms = Terms(limits, said["at_most"], said["runs"], said["warm_up"])
        self._gate = Gate(terms, None if at is None else (at[0], at[1]))

    def first(self) -> dict[str, Any]:
        return self._gate.first()._asdict()

    def next(self, said: dict[str, Any]) -> dict[str, Any]:
        """The next order, or the result."""
        elapsed = float(said.pop("elapsed", 0.0))
        order: Order = self._gate.next(Answer(**said), elapsed)
        if order.do == RUN:
            return order._asdict()
        return self._result(
            reported(
                outcome(self._gate, self.name, elapsed), self._known, self._root, checks.MARKER
            )
        )

    def _result(self, report: CheckReport) -> dict[str, Any]:
        leaks = report.status == 3
        text = page(report, Screen(WIDTH, color=False, verbose=leaks))
        ruling = report.outcome.ruling
        return {
            "do": RESULT,
            "failure": text if leaks else None,
            "summary": report.summary,
            "next": report.next_step,
            "notes": list(report.notes),
            "document": {"schema": "leakhunt/check@1", **content(report)},
            "sarif": sarif.log([report])["runs"][0],
            "baseline": baseline.plain(baseline.growths(ruling.accepted))
            if ruling is not None
            else [],
        }


def block(name: str, looks: list[str], most: int) -> dict[str, Any]:
    """What a block left behind: a failure where that is more than ``most`` bytes."""
    before, after = load_all([Path(path) for path in looks])
    report = diff(before, after, Query(limit=ROWS))
    grown = report.comparison.totals.diff.size - report.comparison.dropped.diff.size
    if grown <= most:
        return {"do": RESULT, "failure": None}
    said = checks.grown(name, grown, most)
    return {"do": RESULT, "failure": f"{said}\n{drawn(report, Screen(WIDTH, color=False))}"}
