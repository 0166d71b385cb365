"""What the process beside a captured one reads: of that process, and of nobody else."""

from __future__ import annotations

import os

import pytest

from leakhunt.hook.process import vitals

pytestmark = pytest.mark.skipif(not vitals.LINUX, reason="light captures are made on Linux")
apart = pytest.importorskip("leakhunt.hook.capture.apart")


def test_only_files_that_are_named_as_a_module_is_are_its_sources() -> None:
    modules = apart.Modules(["shop", "shop.tasks", "celery.app.trace", "__main__"], "/srv/run.py")
    for file in (
        "/srv/shop/tasks.py", "shop/tasks.py", "/srv/shop/__init__.py", "/srv/shop.py",
        "/v/lib/site-packages/celery/app/trace.py", "/srv/run.py",
    ):  # fmt: skip
        assert file in modules, file
    others: tuple[object, ...] = (
        "/srv/shop/tasks.conf", "/etc/passwd", "/srv/tasks.py", "/srv/shop/tasks.py.bak", "<string>",
        "/srv/__main__.py", "/srv/shop/secret.py", "/srv/celery/trace.py", "", 7,
    )  # fmt: skip
    for other in others:
        assert other not in modules, other


def test_another_process_of_that_pid_is_not_asked() -> None:
    assert apart._seen({"pid": os.getpid(), "ticks": 1, "started_at": 0.0, "rss": 1}, ()) == {}


@pytest.mark.parametrize("why", ["denied", "gone"])
def test_blocks_that_may_not_be_looked_at_are_of_unknown_types(
    why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Yama lets no child look at its parent, a container's seccomp filter nobody at anybody."""

    class Denying:
        @staticmethod
        def heads(samples: bytes, pid: int) -> bytes:
            raise PermissionError

    monkeypatch.setattr(apart.parts, "load", lambda name: Denying)
    ticks = apart.alive.start_ticks(os.getpid()) if why == "denied" else 1
    facts = {"pid": os.getpid(), "ticks": ticks, "started_at": 0.0}
    assert apart._heads({"facts": facts}, [b"samples"]) is None


def test_it_sees_a_process_from_outside_as_that_sees_itself() -> None:
    ticks = apart.alive.start_ticks(os.getpid())
    seen = apart._seen({"pid": os.getpid(), "ticks": ticks, "started_at": 0.0, "rss": 1}, ())
    assert seen["uss"] > 0
    assert seen["maps"]["anonymous"][0] > 0
    assert seen["open_files"] > 0
    large = {"pid": os.getpid(), "ticks": ticks, "started_at": 0.0, "rss": apart.MAPPED + 1}
    assert apart._seen(large, ())["maps"] is None
