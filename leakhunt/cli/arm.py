"""``leakhunt arm``: another engine for hooked processes, without a restart."""

from __future__ import annotations

import click

from leakhunt.cli import completion
from leakhunt.cli.asking import answers, complain, meant, yes_option
from leakhunt.cli.options import timeout_option
from leakhunt.engine.choice import ENGINES
from leakhunt.model.paths import visible


@click.command(name="arm")
@click.argument("named", metavar="[PID | NODE | FOLDER]...", nargs=-1,
                shell_complete=completion.processes)  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Every hooked process of this host.")
@click.option(
    "--engine",
    type=click.Choice([name for name in ENGINES if name != "off"]),
    required=True,
    help="Who tracks allocations from now on.",
)
@click.option("--nframe", type=click.IntRange(1, 65535), help="Frames kept per stack.")
@timeout_option("How long to wait.")
@click.option("--dir", "folder", metavar="DIR", help="Only processes that write to this folder.")
@yes_option
def command(
    named: tuple[str, ...],
    everything: bool,
    engine: str,
    nframe: int | None,
    timeout: float,
    folder: str | None,
    yes: bool,
) -> None:
    """Switch hooked processes to another engine while they run.

    What the engine before has tracked is forgotten: take a snapshot first if you want
    it. What was allocated before the switch is not seen after it.

    \b
    Examples:
      leakhunt arm 4242 --engine exact --nframe 10    # look closer at one worker
      leakhunt arm 4242 --engine sampled              # and go back
    """
    if bool(named) == everything:
        raise click.UsageError("name one or more processes, or use --all")
    request = f"arm {engine}" + (f" {nframe}" if nframe else "")
    problems = 0
    for process, answer in answers(meant(named, folder, yes), request, timeout):
        if isinstance(answer, Exception):
            problems += 1
            complain(process, answer)
        else:
            click.echo(f"{process.name}: {visible(answer.get('note') or 'done')}", err=True)
            problems += answer.get("engine") != engine or answer.get("armed_at") is None
    if problems:
        click.get_current_context().exit(2)
