"""``leakhunt doctor``: what is wrong with a configuration and with the running processes."""

from __future__ import annotations

import click

from leakhunt.cli.looking import seen
from leakhunt.cli.options import folder_option, show, verbose_option
from leakhunt.live import surroundings
from leakhunt.report import doctor as report
from leakhunt.snapfile import folders


@click.command(name="doctor")
@click.argument("pids", metavar="[PID]...", nargs=-1, type=click.IntRange(min=1))
@click.option("-A", "--app", metavar="APP", help="The Celery app, as `celery -A` takes it.")
@click.option("--check", is_flag=True, help="Exit 3 when something serious is found.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@verbose_option
@folder_option
def command(
    pids: tuple[int, ...],
    app: str | None,
    check: bool,
    as_json: bool,
    verbose: bool,
    folder: str | None,
) -> None:
    """Look for settings and processes that make memory grow, each with what to set, and with -v why.

    With -A the app is loaded, in this process and from this folder, as its worker would be, and
    its configuration is read; no URL or password is shown. PIDs of main processes narrow the look. Values are computed from growth that
    was measured, where the hook's snapshots tell it.

    \b
    Examples:
      leakhunt doctor -A proj
      leakhunt doctor -A proj --check --json     # in CI
    """
    configuration = None
    if app is not None:
        from leakhunt.live.app import configuration as read

        configuration = read(app)
    home = folders.state_dir(folder)
    processes = seen(home, pids)
    around = surroundings.surroundings(home, [row.process.pid for row in processes.rows])
    made = report.doctor(configuration, processes, around)
    show(made, "json" if as_json else "table", verbose)
    if check and made.serious:
        click.get_current_context().exit(3)
