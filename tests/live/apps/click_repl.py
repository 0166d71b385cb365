"""In place of the shell of ``celery amqp``, which every ``celery`` command imports and no worker uses.

It and prompt_toolkit take a third of what a worker's start costs. Workers that are started without this folder in
PYTHONPATH have the real one: those of the demo, and of servers and strangers.
"""


def register_repl(group: object) -> None:
    """No command is added."""
