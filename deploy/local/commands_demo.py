"""./run demo: everything started, the quarter replayed, the report's figures checked."""

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from deploy.local import control, screen
from deploy.local.commands_system import start
from deploy.local.layout import LaunchError, Layout, remember, remembered, write_json
from deploy.local.options import DATA_DEFAULT, Broker, Data, PortBase, Report, Scale, opened
from deploy.local.stages import Stages
from deploy.local.system import Plan, read_scale
from deploy.replay.run import Outcome, examine, generate, replay
from deploy.replay.show import show_outcome
from deploy.replay.target import ReplayError, from_data

app = typer.Typer()

Exit = Annotated[
    bool, typer.Option("--exit", help="Stop everything at the end; exit code 1 when a figure is missed.")
]
Again = Annotated[bool, typer.Option("--again", help="Send all of it once more: every fact a repeat.")]
File = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the check to FILE.")]


@app.command(rich_help_panel="System")
def demo(
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    broker: Broker = "auto",
    scale: Scale = [],  # noqa: B006 - typer needs the literal default
    report: Report = True,
    leave: Exit = False,
    again: Again = False,
    json: File = None,
) -> None:
    """Start everything, replay the first quarter of 2024 and check the report's figures against it.

    Some 250,000 facts go in through the agencies' own entrances, half over HTTP and half over Kafka. When the
    scores have settled, every figure of the report is shown beside the computed one. Then the system stays up
    until Ctrl-C (or ./run down from elsewhere). A second time, what is there is used again.
    """
    layout = opened(data, port_base)
    layout.create()
    plan = Plan(broker=broker, scale=read_scale(scale), report=report)
    begun = time.monotonic()
    try:
        start(layout, plan, owner=os.getpid())
        screen.note(f"The system is up ({time.monotonic() - begun:.1f} s). Its data: {layout.data}")
        outcome = _replay(layout, again)
        if json is not None:
            write_json(json.absolute(), outcome.document())
        _show(layout, outcome, time.monotonic() - begun)
        if not leave:
            _stay(layout)
    except KeyboardInterrupt:
        screen.note("Stopping …")
        if leave:
            raise
    finally:
        control.down(layout)
        screen.note("Everything is stopped; the data stays.")
    if leave and not outcome.holds:
        raise typer.Exit(1)


def _replay(layout: Layout, again: bool) -> Outcome:
    """Send the quarter unless this system has it, and check."""
    try:
        target = from_data(layout.data, layout.port_base)
        with Stages(screen.notes) as progress:
            progress("generate", 0, 1)
            path, _ = generate(target.folder)
            if remembered(layout.data).get("replayed") == path.name and not again:
                screen.note("This system has the quarter already; checking it.")
                return examine(target, path, None, progress)
            outcome = replay(target, progress)
        remember(layout, replayed=path.name)
    except ReplayError as error:
        raise LaunchError(str(error)) from error
    return outcome


def _show(layout: Layout, outcome: Outcome, seconds: float) -> None:
    show_outcome(screen.results, outcome)
    verdict = "Every figure that can be met is met." if outcome.holds else "NOT everything is as it must be."
    screen.note(f"{verdict} ({seconds:.0f} s in all)")
    rows = [(service.name, service.url, f"{service.url}/docs") for service in control.services(layout)]
    screen.print_table("", ("service", "address", "API"), rows)


def _stay(layout: Layout) -> None:
    """Keep the system up until Ctrl-C, or until somebody else stops it."""
    screen.note("The system stays up. Ctrl-C stops everything. Try: ./run scores --period 2024-Q1")
    supervisor = control.supervisor_of(layout)
    while supervisor is not None and supervisor.process() is not None:
        time.sleep(0.5)
