"""``celery -A proj worker -I leakhunt.worker``: importing this hooks the worker.

Celery imports its include modules in the main process before the pool starts. The
settings come from the ``LEAKHUNT_*`` variables.
"""

from leakhunt.hook.install import connect_or_say

connect_or_say({}, None)
