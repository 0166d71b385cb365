"""tracemalloc leak forensics for Celery workers and other long-lived processes.

In a worker or program::

    import leakhunt
    leakhunt.install(app)     # beside a Celery app: hooks the workers it starts
    leakhunt.install()        # in any program: hooks this process
    path = leakhunt.dump()    # a snapshot now, from code

What a program does over and over, so that reports speak of bytes per request or job::

    leakhunt.count("row")               # a unit of work has just been done
    with leakhunt.unit("import"): ...   # from begin to end; also @leakhunt.unit("import")
    app = leakhunt.wsgi(app)            # each request: leakhunt.asgi(app), leakhunt.dramatiq(), leakhunt.rq(Worker)

Importing this costs a worker nothing: everything else is loaded on use.
"""

from __future__ import annotations

from typing import Any

__all__ = ["__version__", "asgi", "count", "dramatiq", "dump", "install", "rq", "unit", "wsgi"]

#: The one place that says it: reading a distribution's metadata takes longer than all else here.
__version__ = "0.1.0"


def install(app: Any = None, **settings: Any) -> None:
    """Hook the workers of a Celery app, or, without one, the running program.

    Keywords win over the ``LEAKHUNT_*`` variables: ``dir signal every engine budget interval nframe
    start keep rss rss_step at_exit walk fork light source summary events remote`` (see the README). With
    an app, a bad value is an error in the worker's log and the worker runs on without the hook;
    without one it raises :class:`leakhunt.errors.SettingError`.
    """
    from leakhunt.cpython.interpreter import unfit

    why = unfit()
    if why is not None:
        _refuse(why, app)
        return
    from leakhunt.hook import install as hook_install

    if app is None:
        hook_install.program(settings)
    else:
        hook_install.connect_or_say(settings, app)


def _refuse(why: str, app: Any) -> None:
    from leakhunt.errors import SettingError

    if app is None:
        raise SettingError(why)
    import logging

    from leakhunt.hook.log import say

    say(logging.ERROR, f"the worker runs without the hook: {why}")


def dump() -> str:
    """Take a snapshot of this process now, wait for the file and return its path.

    Raises :class:`leakhunt.errors.CaptureError` when there is no hook here or the
    snapshot could not be taken or written; the message says why.
    """
    from leakhunt.hook import install as hook_install

    return hook_install.dump()


def count(name: str) -> None:
    """A unit of work of that name (``GET /orders``, ``row``) has just been done in this process.

    Snapshots then know how many there were, and ``verdict`` and ``trend`` speak of bytes per unit.
    Without a hook, and in a Celery worker, whose units are its tasks, it does nothing. It never
    raises. Use few names: they go into every snapshot, and from 255 on they share one.
    """
    from leakhunt.hook import unit as units

    units.count(name)


def unit(name: str) -> Any:
    """A unit of work from begin to end: ``with``, ``async with``, or a decorator of a function.

    It counts once, as :func:`count` does, when it has ended; and what its thread allocates
    meanwhile is its own. Where an event loop or greenlets run several in one thread, it only counts.
    """
    from leakhunt.hook.unit import Unit

    return Unit(name)


def wsgi(app: Any, name: Any = None) -> Any:
    """The WSGI application, with each request as a unit of work.

    ``name(environ)`` names it; without, it is the method (``GET``). A name goes into every
    snapshot: give a route's pattern, not a path, which may hold a token or somebody's name.
    """
    from leakhunt.hook.web import Wsgi

    return Wsgi(app, name)


def asgi(app: Any, name: Any = None) -> Any:
    """The ASGI application, with each request (and websocket) as a unit of work; ``name(scope)`` as in
    :func:`wsgi`.
    """
    from leakhunt.hook.web import Asgi

    return Asgi(app, name)


def dramatiq() -> Any:
    """A middleware: ``broker.add_middleware(leakhunt.dramatiq())``. Each message is a unit of work."""
    from leakhunt.hook import queues

    return queues.dramatiq()


def rq(worker: Any) -> Any:
    """A subclass of an RQ worker class, each of whose jobs is a unit of work."""
    from leakhunt.hook import queues

    return queues.rq(worker)
