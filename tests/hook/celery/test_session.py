"""Every module of the worker's side reads and sets the same session."""

from __future__ import annotations

from leakhunt.hook.celery import prefork, remote, tasks, worker
from leakhunt.hook.celery.session import Session


def test_a_process_has_one_session() -> None:
    sessions = {id(vars(module)["session"]) for module in (prefork, remote, tasks, worker)}
    assert len(sessions) == 1


def test_a_session_begins_with_nothing_asked_for() -> None:
    session = Session()
    assert (session.keywords, session.apps, session.any_app, session.hook) == ({}, [], False, None)
