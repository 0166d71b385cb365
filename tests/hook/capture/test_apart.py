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


def test_blocks_are_read_of_the_process_that_was_captured_and_of_no_later_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks = apart.alive.start_ticks(os.getpid())
    facts = {"pid": os.getpid(), "ticks": ticks, "started_at": 0.0}
    copied = [b""] * (apart.tables.SAMPLES + 1)
    copied[apart.tables.SAMPLES] = b"samples"

    class Reading:
        @staticmethod
        def heads(samples: bytes, pid: int) -> bytes:
            assert pid == os.getpid()
            return b"heads of " + samples

    class Ending:
        """The process ends, and another gets its pid, while its blocks are read."""

        @staticmethod
        def heads(samples: bytes, pid: int) -> bytes:
            monkeypatch.setattr(apart, "_is_there", lambda facts: False)
            return b"another's"

    monkeypatch.setattr(apart.parts, "load", lambda name: Reading)
    assert apart._heads({"facts": facts}, copied) == b"heads of samples"
    monkeypatch.setattr(apart.parts, "load", lambda name: None)
    assert apart._heads({"facts": facts}, copied) is None  # without the C part
    monkeypatch.setattr(apart.parts, "load", lambda name: Ending)
    assert apart._heads({"facts": facts}, copied) is None
