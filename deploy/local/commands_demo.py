"""./run demo: everything started, the quarter replayed, the report's figures checked."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from deploy.local import control, screen
from deploy.local.commands_system import show_addresses, start
from deploy.local.layout import Layout, write_json
from deploy.local.options import DATA_DEFAULT, Broker, Data, PortBase, Report, Scale, opened
from deploy.local.system import Plan, read_scale

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
    # Imported here: it takes a second, which the other commands are spared.
    from deploy.local import quarter

    layout = opened(data, port_base)
    layout.create()
    plan = Plan(broker=broker, scale=read_scale(scale), report=report)
    begun = time.monotonic()
    try:
        start(layout, plan, owner=os.getpid())
        screen.note(f"The system is up ({time.monotonic() - begun:.1f} s). Its data: {layout.data}")
        outcome = quarter.replayed(layout, again)
        if json is not None:
            write_json(json.absolute(), outcome.document())
        quarter.show(outcome, time.monotonic() - begun)
        show_addresses(layout)
        if not leave:
            _stay(layout)
    finally:
        screen.note("Stopping …")
        control.down(layout)
        screen.note("Everything is stopped; the data stays.")
    if leave and not outcome.holds:
        raise typer.Exit(1)


def _stay(layout: Layout) -> None:
    """Keep the system up until Ctrl-C, or until somebody else stops it."""
    screen.note("The system stays up. Ctrl-C stops everything. Try: ./run scores --period 2024-Q1")
    screen.note("To act on the dashboard, make an account: ./run officer add YOUR-NAME --role administrator")
    supervisor = control.supervisor_of(layout)
    with suppress(KeyboardInterrupt):
        while supervisor is not None and supervisor.process() is not None:
            time.sleep(0.5)
