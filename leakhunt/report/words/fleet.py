"""What is said of the workers of an app that are asked through its broker."""

from __future__ import annotations

from collections.abc import Sequence

from leakhunt import units


def nobody(app: str, refused: bool = False) -> str:
    """Of no worker anything is told; ``refused``: some have answered, and notes say why they tell nothing."""
    if refused:
        return "no worker that has answered tells anything"
    return (
        f"no worker of {app} has answered: either none runs, or it does not carry the hook "
        f"(`celery -A {app} worker -I leakhunt.worker`), or it takes longer than --wait"
    )


def host(name: str, nodes: Sequence[str]) -> str:
    """The heading above a host's processes."""
    return f"{name}: {units.counted(len(nodes), 'worker')}"


def total(hosts: int, nodes: int, pss: int, rss: int) -> str:
    return (
        f"{units.counted(nodes, 'worker')} on {units.counted(hosts, 'host')}: "
        f"PSS {units.size(pss)}, RSS {units.size(rss)}"
    )


def refused(node: str, why: str) -> str:
    return f"{node}: {why}"


def silent(node: str) -> str:
    return f"{node} has not answered"


def unread(processes: int) -> str:
    return (
        f"USS and PSS of {units.counted(processes, 'process')} were not read: a worker spends 50 ms on "
        "an answer, and cannot read them of other users' processes; they are in no sum"
    )


def left_out(processes: int) -> str:
    return f"{units.counted(processes, 'process')} more did not fit a reply, and are in no sum"


def kept_there(who: str, place: str, size: int, most: int) -> str:
    """A snapshot that is larger than what is collected."""
    return (
        f"{who}: its snapshot has {units.size(size)}, more than --at-most {units.size(most)}; it stays "
        f"at {place}"
    )


def missing(node: str, looks: int) -> str:
    """Of a worker that has answered before."""
    return f"{node} has not answered the last {units.counted(looks, 'look')}: its figures are older"
