"""What leakhunt itself allocates is left out of a capture, and nothing else is."""

from __future__ import annotations

from typing import Any

from leakhunt.hook.capture import own
from leakhunt.snapfile.write import Run

HERE = own.PACKAGE


def test_leakhunt_is_left_out_and_the_user_is_not() -> None:
    known = {"stdlib": ["/usr/lib/python3"], "site": ["/srv/site-packages"]}
    user = ("/srv/shop/tasks.py", 3)
    ours = (HERE + "hook/hook.py", 9)
    stdlib = ("/usr/lib/python3/random.py", 1)
    launcher = (sorted(own.LAUNCHERS)[-1], 40)

    def kept(*frames: tuple[str, int]) -> Any:
        runs: list[Run] = [((0, 8, frames, len(frames)), 2)]
        return [trace[2] for trace, _ in own.without_own(runs, own.judge(known))]

    assert kept(user) == [(user,)]
    assert kept(ours, user) == []
    assert kept(stdlib, ours, user) == []
    assert kept(("/srv/site-packages/psutil/__init__.py", 1), ours) == []
    assert kept(user, ours, user) == [(user, ours, user)]  # a handler chained behind ours
    assert kept(stdlib, user, ours) == [(stdlib, user, ours)]
    assert kept(user, launcher, ("<frozen runpy>", 1)) == [(user,)]
    assert kept(launcher) == []
    assert kept(stdlib, ours, launcher) == []


def test_folders_are_told_by_what_the_process_says_of_itself() -> None:
    assert own.prefixes(own.roots()) == own.prefixes()
    other = own.roots()._replace(path=["/elsewhere/site-packages"], prefix="/venv")
    told = own.prefixes(other)
    assert "/elsewhere/site-packages" in told["site"]
    assert any(folder.startswith("/venv/lib/python") for folder in told["site"])
