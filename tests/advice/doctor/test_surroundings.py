"""Django, versions, the machine, the hook itself."""

from __future__ import annotations

import pytest

from leakhunt.advice.doctor.case import Collector, Finding
from leakhunt.model.configuration import Surroundings
from leakhunt.model.process import Celery
from tests.support.doctoring import crew, said_of
from tests.support.fleet import MIB, process


def test_django() -> None:
    assert said_of(django={"DEBUG": True, "CONN_MAX_AGE": 0})["django-debug"].severity == "serious"
    assert said_of(django={"DEBUG": False, "CONN_MAX_AGE": None}) == {}
    threaded = Celery("worker", "w@h", "proj", "threads")
    said = said_of(crew(celery=threaded, count=0), django={"DEBUG": False, "CONN_MAX_AGE": None},
                 worker_max_tasks_per_child=None)  # fmt: skip
    assert "django-connections" in said


def test_versions_with_known_leaks() -> None:
    said = said_of(versions={"celery": "5.5.3", "kombu": "5.2.2", "amqp": "5.0.6", "redis": "5.0"})
    assert {rule for rule in said if rule.startswith("version-")} == {
        "version-celery-unhandled-exceptions", "version-kombu-on-tick", "version-amqp-collect",
    }  # fmt: skip
    assert (said["version-kombu-on-tick"].setting, said["version-kombu-on-tick"].value) == (
        "kombu",
        ">=5.2.3",
    )
    assert said_of(versions={"celery": "5.6.0", "kombu": "5.6", "amqp": "5.3.1"}) == {}


def test_the_machine_and_the_hook() -> None:
    seen = Surroundings(huge_pages="always", folder="/mnt/x", free=10 * MIB, filesystem="nfs4")
    said = said_of(crew(), around=seen)
    assert set(said) == {"huge-pages", "disk-small", "disk-shared"}
    calm = Surroundings(huge_pages="madvise", folder="/x", free=10 << 30, filesystem="ext4")
    assert said_of(crew(), around=calm) == {}
    assert set(said_of(crew(threads=20), around=calm)) == {"malloc-arenas"}
    settled = Surroundings(
        huge_pages="madvise", environments={n: {"MALLOC_ARENA_MAX": "2"} for n in (11, 12)}
    )
    assert said_of(crew(threads=20), around=settled) == {}
    lost = (process(10, "main", hooked=True, signal="none"),)
    assert said_of(lost)["signal-lost"].severity == "serious"
    assert said_of((process(10, "main"),))["not-hooked"].severity == "note"
    costly = Surroundings(environments={10: {"LEAKHUNT_START": "boot", "LEAKHUNT_NFRAME": "25"}})
    exact = (process(10, "main", hooked=True, signal="heard", engine="exact"),)
    assert set(said_of(exact, around=costly)) == {"hook-costs"}


def test_the_allocator() -> None:
    def under(chosen: str) -> dict[str, Finding]:
        seen = {11: {"PYTHONMALLOC": chosen}}
        return said_of(crew(), around=Surroundings(huge_pages="madvise", environments=seen))

    assert under("pymalloc") == {}
    assert set(under("debug")) == set(under("pymalloc_debug")) == {"allocator-debug"}
    assert under("malloc")["allocator-malloc"].severity == "note"


def test_the_garbage_collector() -> None:
    assert said_of(crew(), collectors={11: Collector(True, 0), 12: Collector(None, None)}) == {}
    off = said_of(crew(), collectors={11: Collector(False, 0)})
    assert set(off) == {"collector-off"}
    assert (off["collector-off"].severity, off["collector-off"].where) == ("serious", "child 11")
    frozen = said_of(crew(), collectors={12: Collector(True, 40_000)})
    assert set(frozen) == {"collector-frozen"}
    assert frozen["collector-frozen"].what == "40,000 objects are frozen"


@pytest.mark.parametrize("state", ["taken", "blocked"])
def test_a_signal_that_does_not_reach_the_hook(state: str) -> None:
    said = said_of((process(10, "main", hooked=True, signal=state),))
    assert set(said) == {f"signal-{state}"}
    assert said[f"signal-{state}"].what.startswith("SIGUSR1 does not reach the hook: ")
