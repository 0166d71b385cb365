"""What the doctor says beside the sentences of its rules."""

from __future__ import annotations

from leakhunt.report.words import doctor as words


def test_what_was_looked_at_says_whether_a_configuration_was_among_it() -> None:
    assert words.looked_at("proj", 3) == "the configuration of app proj and 3 running processes"
    assert words.looked_at(None, 1) == (
        "1 running process; no app was named (-A), so no configuration was read"
    )


def test_places_are_named_once_and_then_counted() -> None:
    assert words.places(["main 7", "main 7", "main 9"]) == "main 7, main 9"
    many = [f"child {number}" for number in range(words.SHOWN + 2)]
    assert words.places(many) == "child 0, child 1, child 2, child 3 and 2 more"


def test_a_setting_stands_with_its_value_where_there_is_one() -> None:
    assert words.setting("worker_max_tasks_per_child", None) == "worker_max_tasks_per_child"
    assert words.setting("broker_url", "memory://") == "broker_url = 'memory://'"
    assert words.setting("task_acks_late", False) == "task_acks_late = False"
    assert words.setting("--max-tasks-per-child", 50) == "--max-tasks-per-child=50"
    assert words.setting("DEBUG", False) == "DEBUG = False"


def test_what_is_no_line_of_a_configuration_is_not_written_as_one() -> None:
    assert (
        words.setting("MALLOC_ARENA_MAX", 2)
        == "MALLOC_ARENA_MAX=2 in the environment of the worker"
    )
    assert (
        words.setting("LEAKHUNT_ENGINE", "sampled")
        == "LEAKHUNT_ENGINE=sampled in the environment of the worker"
    )
    assert words.setting("celery", ">=5.6") == "pip install 'celery>=5.6'"
    assert words.setting("/sys/kernel/mm/transparent_hugepage/enabled", "madvise") == (
        "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled"
    )
