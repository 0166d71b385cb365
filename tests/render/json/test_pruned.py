"""``leakhunt ls --prune`` as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from leakhunt.render.json.pruned import pruned
from leakhunt.report.pruned import PruneReport
from leakhunt.snapshots.prune import Doomed, Plan, Pruned


def test_every_file_that_goes_is_named_and_the_sizes_add_up() -> None:
    home = Path("/snaps")
    doomed = tuple(Doomed(home / "a" / f"{n}.bin", 100 * n, None) for n in (1, 2))
    torn = Doomed(home / "a" / ".3.tmp", 7, None)
    plan = Plan(home, (Pruned(home / "a", False, doomed, 4),), (torn,), (home / "b",), 4)
    document = json.loads(pruned(PruneReport(plan, ("note",), True, 307)))
    assert (document["schema"], document["removed"], document["freed"]) == (
        "leakhunt/prune@1",
        True,
        307,
    )
    assert sum(each["size"] for each in document["files"]) == document["size"] == 307
    assert document["folders"] == ["/snaps/b"]
    assert document["kept"] == 4
