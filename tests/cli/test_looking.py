"""What a look at the processes of this host takes to begin with."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Each takes a part of the time that a look has, and is of no use to one without snapshots on this host.
DEAR = {
    "celery",
    "psutil",
    "importlib.metadata",
    "statistics",
    "rich",
    "leakhunt.cli.judging",
    "leakhunt.hook.config",
    "leakhunt.live.remote",
    "leakhunt.live.replies",
    "leakhunt.live.stuck",
    "leakhunt.model.snapshot",
    "leakhunt.snapfile.read",
    "leakhunt.snapshots.load",
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere psutil looks")
@pytest.mark.parametrize("arguments", [["ps", "--json"], ["watch", "--once", "--json"]])
def test_only_what_it_needs_is_imported(arguments: list[str], tmp_path: object) -> None:
    program = (
        "import pathlib, sys\n"
        "from leakhunt.cli import execute\n"
        "from leakhunt.live import tree\n"
        f"tree.celery_processes(pathlib.Path({str(tmp_path)!r}))\n"
        "tree.celery_processes = lambda *_, **__: []  # others of this host may have snapshots\n"
        f"status = execute({[*arguments, '--dir', str(tmp_path)]!r})\n"
        "print(status, *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    status, *modules = done.stderr.split()
    assert status == "0"
    # The rate of what is watched is a matter of the judgement's statistics.
    allowed = {"statistics"} if arguments[0] == "watch" else set()
    assert DEAR & {*modules} <= allowed
