"""``celery leakhunt …``: the console within Celery's, and what makes ``celery inspect`` know the hook.

Celery loads it (entry point ``celery.commands``) when its console starts, and checks the names
of remote control commands in that process: so `celery -A proj inspect leakhunt` works also where
the app's code does not know of leakhunt. In a worker without the hook those commands say that.
"""

from __future__ import annotations

import click

from leakhunt.hook.celery.remote import register


@click.command(
    name="leakhunt",
    context_settings={
        "ignore_unknown_options": True,
        "allow_extra_args": True,
        "help_option_names": [],
    },
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Find the line that leaks: `celery leakhunt ps` is `leakhunt ps`."""
    from leakhunt.cli import main

    main(list(arguments))


register()
