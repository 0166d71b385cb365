"""A Python beside this process: its interpreter, and nothing else of it but what it is given."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Collection, Mapping

import pytest

from leakhunt.hook.process import spawn

TELLS = """
import json, os, signal, sys
def kind(stream):
    try:
        there = os.fstat(stream)
    except OSError:
        return None
    return "null" if os.path.samestat(there, os.stat(os.devnull)) else "file"
told = {
    "executable": sys.executable, "words": sys.argv[1:], "environment": dict(os.environ),
    "streams": [kind(each) for each in range(3)],
    "others": [each for each in range(3, 100) if kind(each)],
    "blocked": sorted(int(each) for each in signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    "ignored": [int(each) for each in signal.valid_signals() if signal.getsignal(each) == signal.SIG_IGN],
}
os.write(int(sys.argv[1]), json.dumps(told).encode())
"""


def told(stream: int, variables: Collection[str] = (), blocked: Collection[int] = ()) -> dict:  # type: ignore[type-arg]
    """What a Python says of itself that has a file of ours as that one of its standard streams."""
    with tempfile.TemporaryFile() as answer:
        streams: Mapping[int, int] = {stream: answer.fileno()}
        pid = spawn.python(["-c", TELLS, str(stream), "a b"], variables, streams, blocked)
        assert os.waitpid(pid, 0)[1] == 0
        answer.seek(0)
        said: dict[str, object] = json.load(answer)
        return said


def is_inheritable(descriptor: int) -> bool:
    try:
        return os.get_inheritable(descriptor)
    except OSError:
        return False


@pytest.mark.parametrize("stream", [0, 1, 2])
def test_it_gets_the_streams_that_it_is_given_and_no_other_file(stream: int) -> None:
    low, high = os.pipe()
    let = [each for each in range(3, 100) if is_inheritable(each)]  # by whoever began the tests
    try:
        said = told(stream)
    finally:
        os.close(low)
        os.close(high)
    assert said["streams"] == ["file" if each == stream else "null" for each in range(3)]
    assert said["others"] == let
    assert said["words"] == [str(stream), "a b"]
    assert os.path.realpath(said["executable"]) == os.path.realpath(sys.executable)


def test_it_is_told_of_the_environment_what_it_is_to_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    monkeypatch.setenv("LANG", "C")
    environment = told(1, ("LANG", "NOT_THERE"))["environment"]
    environment.pop("LC_CTYPE", None)  # Python sets it itself (PEP 538)
    assert environment == {"LANG": "C"}


def test_signals_are_the_defaults_again_and_blocked_only_those_that_are_to_be() -> None:
    before = signal.getsignal(signal.SIGUSR2)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    try:
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        said = told(1, blocked=(int(signal.SIGTERM),))
    finally:
        signal.signal(signal.SIGUSR2, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    assert said["blocked"] == [signal.SIGTERM]
    assert int(signal.SIGUSR2) not in said["ignored"]


@pytest.mark.parametrize("path", ["", None])
def test_a_program_that_does_not_tell_its_python_starts_none(
    path: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", path)
    with pytest.raises(OSError, match="does not tell its Python"):
        spawn.python(["-c", ""], (), {})


def test_the_root_is_where_leakhunt_lies() -> None:
    assert os.path.isfile(os.path.join(spawn.ROOT, "leakhunt", "hook", "process", "spawn.py"))
