"""What a renderer of ``leakhunt account`` gets: where the resident memory is, or where its growth went."""

from __future__ import annotations

from dataclasses import dataclass

from leakhunt.errors import SnapshotError
from leakhunt.judge import account as accounts
from leakhunt.judge import resources
from leakhunt.judge.account import Cause
from leakhunt.judge.resources import Change
from leakhunt.model.account import Account, Live
from leakhunt.model.meta import Meta
from leakhunt.model.paths import visible
from leakhunt.model.snapshot import Snapshot
from leakhunt.report.words import account as words
from leakhunt.report.words import notes


@dataclass(frozen=True)
class Told:
    """An account with its sentence: what ``account``, ``diff`` and ``trend`` say alike."""

    account: Account
    cause: Cause
    sentence: str
    next: str | None
    """The next step; None: nothing has to be done."""
    grown: bool
    """Whether it is a growth."""
    opened: tuple[Change, ...] = ()
    """What the process has more or less open, of a growth."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the figures."""
        account = self.account
        return (
            *words.unknown(account),
            *words.negative(account, self.grown),
            *words.arenas(account),
        )


@dataclass(frozen=True)
class AccountReport:
    """Everything that ``leakhunt account`` shows."""

    before: Snapshot | None
    after: Snapshot
    told: Told
    tasks: int | None
    """Tasks done between the two."""
    why: str | None
    notes: tuple[str, ...]


def account(
    before: Snapshot | None,
    after: Snapshot,
    why: str | None = None,
    notes_besides: tuple[str, ...] = (),
) -> AccountReport:
    """Of snapshots that were read with their blocks. Raises SnapshotError where one knows no RSS."""
    for snapshot in filter(None, (before, after)):
        if snapshot.meta.rss is None:
            raise SnapshotError(
                f"{visible(snapshot.path)}: this snapshot does not say how large its process was: only those that "
                "leakhunt wrote do"
            )
    told = (
        of_one(after.meta, accounts.live_of(after))
        if before is None
        else of_two(before.meta, accounts.live_of(before), after.meta, accounts.live_of(after))
    )
    assert told is not None
    said = notes.of_two(before, after) if before is not None else ()
    return AccountReport(
        before,
        after,
        told,
        None if before is None else _tasks(before.meta, after.meta),
        why,
        (*said, *told.notes, *notes_besides),
    )


def of_one(meta: Meta, traced: Live) -> Told | None:
    """Where the resident memory of one snapshot is; None where it does not know how much that is."""
    whole = accounts.account(meta, traced)
    if whole is None:
        return None
    cause = accounts.cause(whole, False)
    sentence, after = words.sentence(whole, cause, False)
    return Told(whole, cause, sentence, after, False)


def of_two(before: Meta, first: Live, after: Meta, last: Live) -> Told | None:
    """Where the growth of the resident memory went."""
    start, end = accounts.account(before, first), accounts.account(after, last)
    if start is None or end is None:
        return None
    whole = accounts.between(start, end)
    cause = accounts.cause(whole, True)
    opened = resources.changes(before, after)
    sentence, following = words.sentence(whole, cause, True, opened)
    return Told(whole, cause, sentence, following, True, opened)


def _tasks(before: Meta, after: Meta) -> int | None:
    if before.tasks_done is None or after.tasks_done is None or not before.same_process(after):
        return None
    done = after.tasks_done - before.tasks_done
    return done if done >= 0 else None
