"""What an account says, as JSON, in whichever document it stands."""

from __future__ import annotations

from typing import Any

from leakhunt.judge.resources import Change, Rising
from leakhunt.report.account import Told
from leakhunt.report.words import account as words
from leakhunt.report.words import resources


def told(said: Told) -> dict[str, Any]:
    """What the account says, wherever it stands."""
    sharing = said.account.sharing
    return {
        "parts": [
            {
                "part": part.part,
                "what": words.label(part.part),
                "size": part.size,
                "source": words.source(part.source),
            }
            for part in said.account.parts
        ],
        "unknown": list(said.account.unknown),
        "rss": said.account.rss,
        "malloc": said.account.malloc,
        "sharing": None
        if sharing is None
        else {"shared": sharing.shared, "private": sharing.private},
        "cause": said.cause.kind,
        "sentence": said.sentence,
        "next": said.next,
        "resources": [opened(one) for one in said.opened],
    }


def opened(one: Change) -> dict[str, Any]:
    """How many of a kind were and are open."""
    return {
        "kind": one.resource.kind,
        "name": one.resource.name or None,
        "port": one.resource.port or None,
        "what": resources.name(one.resource),
        "first": one.first,
        "last": one.last.number,
        "states": dict(one.last.states),
    }


def rising(one: Rising) -> dict[str, Any]:
    """What a process opens ever more of."""
    return {
        **opened(one.change),
        "per_unit": one.rate,
        "unit": one.unit,
        "p": one.p,
        "series": list(one.numbers),
    }
