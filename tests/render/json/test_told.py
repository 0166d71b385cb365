"""An account as JSON: parts that add up, with what says so."""

from __future__ import annotations

from leakhunt.judge.account import Cause
from leakhunt.judge.resources import Change, Rising
from leakhunt.model.account import Account, Part, Sharing
from leakhunt.model.resources import Open, Resource
from leakhunt.render.json.told import opened, rising, told
from leakhunt.report.account import Told

PARTS = (Part("python", 700, "traces"), Part("rest", 300, "difference"))
CHANGE = Change(Resource("socket", "tcp", 5432), 4, Open(104, (("close-wait", 100),)))


def test_the_parts_add_up_and_each_says_by_what() -> None:
    account = Account(1000, PARTS, ("native",), "glibc", Sharing(10, 20))
    said = told(
        Told(account, Cause("python", 700, 1000), "RSS is 1000 B.", "look", False, (CHANGE,))
    )
    assert sum(part["size"] for part in said["parts"]) == said["rss"] == 1000
    assert said["parts"][0] == {
        "part": "python", "what": "live Python blocks", "size": 700, "source": "tracemalloc",
    }  # fmt: skip
    assert (said["unknown"], said["malloc"]) == (["native"], "glibc")
    assert said["sharing"] == {"shared": 10, "private": 20}
    assert (said["cause"], said["sentence"], said["next"]) == ("python", "RSS is 1000 B.", "look")
    assert said["resources"] == [opened(CHANGE)]


def test_what_is_open_is_told_with_its_states() -> None:
    assert opened(CHANGE) == {
        "kind": "socket", "name": "tcp", "port": 5432, "what": "sockets to :5432 (PostgreSQL)",
        "first": 4, "last": 104, "states": {"close-wait": 100},
    }  # fmt: skip
    plain = opened(Change(Resource("file", ""), 1, Open(9)))
    assert (plain["name"], plain["port"]) == (None, None)


def test_a_rise_has_its_rate_and_series() -> None:
    said = rising(Rising(CHANGE, (4, 54, 104), 0.5, "task", 0.001))
    assert (said["per_unit"], said["unit"], said["p"], said["series"]) == (
        0.5,
        "task",
        0.001,
        [4, 54, 104],
    )
