"""tracemalloc leak forensics for Celery workers and other long-lived processes.

In a worker or program::

    import leakhunt
    leakhunt.install(app)     # beside a Celery app: hooks the workers it starts
    leakhunt.install()        # in any program: hooks this process
    path = leakhunt.dump()    # a snapshot now, from code

Importing this costs a worker nothing: everything else is loaded on use.
"""

from __future__ import annotations

from typing import Any

__all__ = ["__version__", "dump", "install"]

#: The one place that says it: reading a distribution's metadata takes longer than all else here.
__version__ = "0.1.0"


def install(app: Any = None, **settings: Any) -> None:
    """Hook the workers of a Celery app, or, without one, the running program.

    Keywords win over the ``LEAKHUNT_*`` variables: ``dir signal every engine nframe
    start keep rss rss_step at_exit fork source`` (see the README). With an app, a bad value
    is an error in the worker's log and the worker runs on without the hook;
    without one it raises :class:`leakhunt.errors.SettingError`.
    """
    from leakhunt.hook import install as hook_install

    if app is None:
        hook_install.program(settings)
    else:
        hook_install.connect_or_say(settings, app)


def dump() -> str:
    """Take a snapshot of this process now, wait for the file and return its path.

    Raises :class:`leakhunt.errors.CaptureError` when there is no hook here or the
    snapshot could not be taken or written; the message says why.
    """
    from leakhunt.hook import install as hook_install

    return hook_install.dump()
