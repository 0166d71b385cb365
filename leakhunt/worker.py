"""``celery -A proj worker -I leakhunt.worker``: importing this hooks the worker.

Celery imports its include modules in the main process before the pool starts. The
settings come from the ``LEAKHUNT_*`` variables. Whatever goes wrong here, the worker starts: an
installation that is broken is said on standard error.
"""

import sys

try:
    from leakhunt.cpython.interpreter import unfit

    why = unfit()
    if why is None:
        from leakhunt.hook.install import connect_or_say

        connect_or_say({}, None)
except Exception as error:  # noqa: BLE001 - the worker's guard
    why = f"{type(error).__name__}: {error}"
if why is not None and sys.stderr is not None:  # a daemon may have been started without one
    sys.stderr.write(f"leakhunt: the worker runs without the hook: {why}\n")
