"""Which processes are asked, whose they are, what each answers: what ``dump`` and ``arm`` share."""

from __future__ import annotations

import os
import pwd
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leakhunt.cli import asking
from leakhunt.errors import CaptureError, LeakhuntError, NotHookedError
from leakhunt.hook import letterbox
from leakhunt.live import processes
from leakhunt.live.processes import Hooked
from tests.support.console import Asked
from tests.support.programs import hooked

Running = tuple[int, Path]


def process(pid: int, **told: Any) -> Hooked:
    owner = told.pop("owner", (os.geteuid(), os.getegid()))
    record = {
        **dict.fromkeys(letterbox.FACTS), "pid": pid, "signal": int(signal.SIGUSR1), "captures": 0,
        "series": f"/s/w-{pid}-x", "heard": "heard", "answers": [], "space": "a-1", **told,
    }  # fmt: skip
    return Hooked(pid, "/nowhere", record, owner)


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> list[Hooked]:
    """What runs on this host: a worker with two children, one of another name, a program."""
    running = [
        process(20, role="child", main=10, node="celery@a"),
        process(10, role="main", main=10, node="celery@a"),
        process(30, role="main", main=30, node="celery@b", series="/other/w-30-x"),
        process(5, role="program"),
    ]
    monkeypatch.setattr(processes, "hooked", lambda home: running)
    return running


def pids(found: list[Hooked]) -> list[int]:
    return [each.pid for each in found]


# -- who is meant -----------------------------------------------------------------------------


def test_a_main_process_stands_for_its_children_and_goes_first(crew: list[Hooked]) -> None:
    assert pids(asking.targets((10,), None)) == [10, 20]
    assert pids(asking.targets((20,), None)) == [20]
    assert pids(asking.targets((), None)) == [5, 10, 20, 30]


def test_a_child_of_another_namespace_that_counts_alike_is_not_asked(crew: list[Hooked]) -> None:
    crew.append(process(40, role="child", main=10, space="a-2"))
    assert pids(asking.targets((10,), None)) == [10, 20]


def test_a_folder_narrows_it_to_those_that_write_there(crew: list[Hooked]) -> None:
    assert pids(asking.targets((), "/s")) == [5, 10, 20]
    assert pids(asking.meant(["celery@b"], None)) == [30]
    with pytest.raises(NotHookedError, match="no hooked process on this host"):
        asking.targets((), "/empty")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["celery@a"], [10, 20]),
        (["/s/w-20-x/"], [20]),
        (["w-5-x", "celery@b"], [5, 30]),
        (["5", "celery@b"], [5, 30]),
        (["5", "30"], [5, 30]),
    ],
)
def test_words_mean_pids_nodes_and_folders(
    words: list[str], meant: list[int], crew: list[Hooked]
) -> None:
    assert pids(asking.meant(words, None)) == meant


@pytest.mark.parametrize("word", ["celery@c", "", "/", "²", "9" * 5000, "nowhere"])
def test_a_word_that_means_none_is_told_with_what_is_near(word: str, crew: list[Hooked]) -> None:
    with pytest.raises(NotHookedError, match="no hooked process that runs has that pid") as told:
        asking.meant(["5", word], None)
    hint = "did you mean celery@" if word == "celery@c" else "did you mean"
    assert (hint in str(told.value)) is (word == "celery@c")


def test_numbers_that_are_no_pid_are_refused_in_words(tmp_path: Path) -> None:
    for word in ("²", "9" * 5000, str(1 << 31)):
        with pytest.raises(NotHookedError, match="no hooked process"):
            asking.meant([word], str(tmp_path))
    with pytest.raises(NotHookedError, match="there is no process 2147483647"):
        asking.meant([str((1 << 31) - 1)], str(tmp_path))


# -- other users' -------------------------------------------------------------------------------


NOBODY = (2**31 - 5, 65534)


def test_other_users_processes_are_asked_by_name_or_with_yes(
    crew: list[Hooked], capsys: pytest.CaptureFixture[str]
) -> None:
    crew += [process(50, owner=NOBODY), process(51, owner=NOBODY)]
    with pytest.raises(
        LeakhuntError, match=r"^6 hooked processes: 2 of uid 2147483643, 4 of your own; add --yes"
    ):
        asking.targets((), None)
    assert capsys.readouterr().err == ""
    assert len(asking.targets((), None, yes=True)) == 6
    assert "6 hooked processes: 2 of uid" in capsys.readouterr().err
    assert pids(asking.targets((50,), None)) == [50]
    assert len(asking.targets((), "/s")) == 5


@pytest.mark.parametrize("agrees", [True, False])
def test_in_a_terminal_there_is_a_question(
    agrees: bool, crew: list[Hooked], monkeypatch: pytest.MonkeyPatch
) -> None:
    crew[:] = [process(50, owner=NOBODY)]
    asked = Asked(agrees)
    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    monkeypatch.setattr("click.confirm", asked)
    if agrees:
        assert pids(asking.targets((), None)) == [50]
    else:
        with pytest.raises(LeakhuntError, match="no process was asked"):
            asking.targets((), None)
    assert asked.questions == ["1 hooked process: 1 of uid 2147483643. Ask them all?"]


def test_a_user_is_told_by_name() -> None:
    assert asking._user(os.geteuid()) == pwd.getpwuid(os.geteuid()).pw_name


# -- what is answered ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("snapshots")
    with hooked(folder) as child:
        yield child.pid, folder


def test_a_snapshot_is_taken_first_of_a_process_that_runs(running: Running, tmp_path: Path) -> None:
    pid, folder = running
    kept, taken = asking.taken_first(["celery@x", str(pid)], str(folder), 120.0)
    assert kept == "celery@x"
    assert [path.suffix for path in Path(taken).iterdir()] == [".bin"]


def test_of_one_that_is_gone_the_word_stays(tmp_path: Path) -> None:
    gone = str((1 << 31) - 1)
    assert asking.taken_first([gone, "²", "9" * 5000], str(tmp_path), 1.0) == [
        "²",
        "9" * 5000,
        gone,
    ]


def test_a_number_that_names_a_file_is_that_file(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid, folder = running
    monkeypatch.chdir(tmp_path)
    (tmp_path / str(pid)).mkdir()
    assert asking.taken_first([str(pid)], str(folder), 1.0) == [str(pid)]


def test_what_is_not_understood_is_a_problem_of_that_process(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    pid, folder = running
    with pytest.raises(CaptureError):
        asking.taken((pid,), str(folder), 120.0, "sing")
    assert capsys.readouterr().err.startswith(f"leakhunt: program {pid}: ")


def test_one_that_cannot_be_asked_keeps_nobody_from_being_asked(running: Running) -> None:
    pid, folder = running
    deaf = process(7, heard="none")
    (first, error), (second, answer) = asking.answers(
        [deaf, processes.one(folder, pid)], "dump", 120.0
    )
    assert (first.pid, type(error)) == (7, NotHookedError)
    assert second.pid == pid
    assert Path(answer["path"]).is_file()
    assert Path(answer["path"]).parent == Path(answer["series"])


def test_a_complaint_names_the_process_once(capsys: pytest.CaptureFixture[str]) -> None:
    asking.complain(process(7, role="child"), CaptureError("it is\nlate"))
    asking.complain(process(7, role="child"), CaptureError("child 7 has ended"))
    assert (
        capsys.readouterr().err == "leakhunt: child 7: it is\\nlate\nleakhunt: child 7 has ended\n"
    )
