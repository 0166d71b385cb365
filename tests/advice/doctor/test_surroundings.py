"""Django, versions, the machine, the hook itself."""

from __future__ import annotations

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
