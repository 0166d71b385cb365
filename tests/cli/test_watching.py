"""Hours of watching: memory that does not grow, workers that fall silent, verdicts within their share."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from leakhunt.cli import watching
from leakhunt.cli.watching import PATIENCE, Seen, Verdicts, Watching
from leakhunt.errors import SettingError
from leakhunt.live.replies import Answers, Host
from leakhunt.model.process import Celery, Identity, Machine, Memory, Process
from leakhunt.report.watch import Limits
from tests.support.fleet import MIB, NOW, machine, process


def test_a_simulated_day_takes_no_more_memory_than_its_first_hours() -> None:
    """2,880 looks, half a minute apart: a main process and a child that is replaced every hundred."""

    def day() -> Iterator[Seen]:
        for n in range(2880):
            at = Machine(16 << 30, 4, NOW + 30 * n)
            child = replace(
                process(11, pulse=(n, 1.0, None, None, None)),
                identity=Identity(11, n // 100), memory=Memory(rss=(50 + n % 100) * MIB),
            )  # fmt: skip
            yield Seen([process(10, "main"), child], at)

    looks = day()
    watched = Watching(lambda: next(looks), Limits(), judge=True)
    sizes = []
    tracemalloc.start()
    try:
        for hours in (8, 16):
            for _ in range(hours * 120):
                watched.look()
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    made = watched.made(over=True)
    assert made.ended == 28
    assert made.restarts == {("w@h", "child"): 28}
    assert abs(sizes[1] - sizes[0]) < 200 << 10


def of(node: str, pid: int) -> Process:
    return process(pid, "main", celery=Celery("worker", node))


def asked(look: Callable[[], Answers], *destination: str) -> Any:
    """A fleet of which these nodes are asked."""
    return SimpleNamespace(
        name="shop", look=look, silent=lambda seen: sorted({*destination} - {*seen})
    )


def test_a_worker_that_falls_silent_stays_for_some_looks_without_new_samples() -> None:
    def host(*nodes: str) -> Answers:
        return Answers((Host("h", machine(), nodes, tuple(of(n, ord(n[0])) for n in nodes), {}),))

    answers = [host("a", "b"), *[host("a")] * (PATIENCE + 1), host("a", "b")]
    fleet = asked(lambda: answers.pop(0))
    look = watching.afar(fleet, ())
    first = look()
    assert len(first.processes) == 2
    assert first.old == frozenset()
    for missed in range(1, PATIENCE + 1):
        seen = look()
        assert seen.old == {of("b", ord("b")).identity}
        assert len(seen.processes) == 2
        times = "look" if missed == 1 else "looks"
        assert seen.notes == (
            f"b has not answered the last {missed} {times}: its figures are older",
        )
    assert [p.celery.node for p in look().processes if p.celery] == ["a"]
    again = look()
    assert len(again.processes) == 2
    assert again.notes == ()


def test_the_memory_of_several_hosts_is_no_one_limit() -> None:
    hosts = tuple(Host(n, machine(), (n,), (of(n, 7),), {}) for n in ("a", "b"))
    fleet = asked(lambda: Answers(hosts, {"c": "no hook"}))
    seen = watching.afar(fleet, ())()
    assert seen.machine.total is None
    assert seen.machine.cores == 8
    assert seen.notes == ("c: no hook",)


def test_nodes_that_never_answer_are_told_and_that_nobody_does() -> None:
    fleet = asked(lambda: Answers((), {"c": "no hook"}), "a", "c")
    assert watching.afar(fleet, ())().notes == ("c: no hook", "a has not answered")
    nobody = watching.afar(asked(lambda: Answers(())), ())()
    (note,) = nobody.notes
    assert nobody.processes == []
    assert note.startswith("no worker of shop has answered")


def test_processes_whose_pss_did_not_come_with_a_reply_are_told() -> None:
    light = (of("a", 7), replace(of("a", 8), memory=Memory(rss=MIB)))
    fleet = asked(lambda: Answers((Host("a", machine(), ("a",), light, {}),)))
    (note,) = watching.afar(fleet, ())().notes
    assert note.startswith("USS and PSS of 1 process were not read")


def test_verdicts_are_made_of_new_snapshots_only_and_keep_to_their_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[str] = []
    clock = [0.0]

    def look(files: list[str], *_: Any, **__: Any) -> Any:
        judged.append(files[0])
        clock[0] += 1.0  # it takes a second
        return SimpleNamespace(verdict=SimpleNamespace(verdict="leak"))

    monkeypatch.setattr("leakhunt.cli.judging.look", look)
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    present = []
    for pid in (1, 2, 3):
        folder = tmp_path / str(pid)
        folder.mkdir()
        if pid < 3:
            (folder / "000001.bin").touch()
        present.append(process(pid, hooked=True, series=str(folder)))
    found = Verdicts()
    found.look(present)
    assert judged == [str(tmp_path / "1")]
    assert found.of(present[0]) == "leak"
    found.look(present)
    assert len(judged) == 1  # not yet: it would take more than its share
    for _ in range(3):
        clock[0] += 1 / watching.SHARE
        found.look(present)
    assert judged == [str(tmp_path / "1"), str(tmp_path / "2")]
    (tmp_path / "1" / "000002.bin").touch()
    clock[0] += 1 / watching.SHARE
    found.look(present)
    assert judged[-1] == str(tmp_path / "1")
    found.look(present[1:])
    assert found.of(present[0]) is None  # it has ended, and is forgotten


def test_once_it_is_over_all_are_judged_while_there_is_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]

    def look(*_: Any, **__: Any) -> Any:
        clock[0] += 0.4 * watching.LAST
        return SimpleNamespace(verdict=SimpleNamespace(verdict="leak"))

    monkeypatch.setattr("leakhunt.cli.judging.look", look)
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    present = []
    for pid in range(1, 6):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "000001.bin").touch()
        present.append(process(pid, hooked=True, series=str(tmp_path / str(pid))))
    found = Verdicts()
    found.look(present)
    assert [found.of(each) for each in present] == ["leak", None, None, None, None]
    found.finish(present)
    assert [found.of(each) for each in present] == ["leak"] * 4 + [None]


def test_a_series_too_large_to_judge_has_no_verdict(tmp_path: Path) -> None:
    with (tmp_path / "000001.bin").open("wb") as file:
        file.truncate(watching.LARGEST + 1)
    found, one = Verdicts(), process(1, series=str(tmp_path))
    found.look([one])
    assert found.of(one) is None


@pytest.mark.parametrize("address", ["x", ":", ":x", "127.0.0.1:99999", "9898x"])
def test_an_address_that_is_none(address: str) -> None:
    pytest.importorskip("prometheus_client")
    with pytest.raises(SettingError, match="give a port"), watching.metrics(address, None):
        pass


def test_a_text_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    place = tmp_path / "taken"
    place.mkdir()
    with pytest.raises(OSError, match="taken"):
        watching._replace(place, b"x")
    assert list(tmp_path.iterdir()) == [place]
