"""``celery leakhunt …``: the console within Celery's, and what makes ``celery inspect`` know the hook.

Celery loads it (entry point ``celery.commands``) when its console starts, and checks the names
of remote control commands in that process: so `celery -A proj inspect leakhunt` works also where
the app's code does not know of leakhunt. In a worker without the hook those commands say that.
"""

from __future__ import annotations

import click

from leakhunt.hook.celery.remote import register


class Passing(click.Command):
    """Reads nothing of what stands behind it: click's own parser would take a ``--`` away."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, ["--", *args])


@click.command(name="leakhunt", cls=Passing, context_settings={"help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Find the line that leaks: `celery leakhunt ps` is `leakhunt ps`."""
    from leakhunt.cli import main

    main(list(arguments))


register()
