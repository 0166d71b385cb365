"""In place of the shell of ``celery amqp``, which every ``celery`` command imports and no worker uses.

It and prompt_toolkit take a third of what a worker's start costs, and a quarter of what a capture has to look at.
The demo's worker is started without this folder in PYTHONPATH, and has the real one.
"""


def register_repl(group: object) -> None:
    """No command is added."""
