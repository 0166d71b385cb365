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
    else:
        sys.stderr.write(f"leakhunt: the worker runs without the hook: {why}\n")
except Exception as error:  # noqa: BLE001 - the worker's guard
    sys.stderr.write(
        f"leakhunt: the worker runs without the hook: {type(error).__name__}: {error}\n"
    )
