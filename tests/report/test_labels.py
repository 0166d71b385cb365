"""Names of files and lines as a reader knows them: below the application's folder, with what stands there."""

from __future__ import annotations

from leakhunt.model.snapshot import Frame
from leakhunt.report.labels import Labels
from tests.support.builders import history, snap

TASKS = Frame("/srv/shop/tasks.py", 40)
SITE = "/srv/venv/lib/python3.11/site-packages"


def test_a_line_is_below_the_applications_folder() -> None:
    labels = Labels(snap("/srv/shop/tasks.py:40 1KiB x1"))
    assert labels.label(TASKS).where == "tasks.py:40"
    assert labels.label(TASKS).function is None
    assert labels.file(f"{SITE}/celery/app/trace.py") == "celery/app/trace.py"


def test_functions_and_source_come_from_whichever_knows_them() -> None:
    mute = snap("/srv/shop/tasks.py:40 1KiB x1")
    told = snap(
        "/srv/shop/tasks.py:40 1KiB x1", frames={"/srv/shop/tasks.py": {40: ("take", "x = 1")}}
    )
    for order in ((mute, told), (told, mute)):
        spot = Labels(*order).spot(TASKS)
        assert (spot.function, spot.code) == ("take", "x = 1")


def test_folders_come_from_the_first_that_knows_any() -> None:
    plain = snap("/srv/shop/tasks.py:40 1KiB x1", prefixes=None)
    told = snap("/srv/shop/tasks.py:40 1KiB x1")
    assert Labels(plain, told).file("/srv/shop/tasks.py") == "tasks.py"


def test_a_history_labels_as_a_snapshot_does() -> None:
    made = history(("/srv/shop/tasks.py:40", [1, 2, 3], [1, 2, 3]))
    assert Labels(made).label(TASKS).where == "tasks.py:40"


def test_of_a_librarys_line_the_innermost_application_frame_that_called_it_is_told() -> None:
    labels = Labels(snap("/srv/shop/tasks.py:40 1KiB x1"))
    outer, library = Frame("/srv/shop/shop.py", 3), Frame(f"{SITE}/celery/app/trace.py", 9)
    stack = (outer, TASKS, library, library)
    assert labels.caller(stack, 3) == labels.caller(stack, 2) == TASKS
    assert labels.caller(stack, 1) is None
    assert labels.caller((library, library), 1) is None
    assert labels.caller(stack, -1) is None
