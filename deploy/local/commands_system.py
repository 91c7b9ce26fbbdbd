"""./run up, down, status."""

import time
from dataclasses import asdict
from typing import Any

import typer

from deploy.local import control, screen
from deploy.local.layout import Layout, remembered
from deploy.local.options import DATA_DEFAULT, Broker, Data, Json, PortBase, Report, Scale, opened
from deploy.local.supervisor import plan_of
from deploy.local.system import Plan, ports_of, read_scale

app = typer.Typer()


@app.command(rich_help_panel="System")
def up(
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    broker: Broker = "auto",
    scale: Scale = [],  # noqa: B006 - typer needs the literal default
    report: Report = True,
    json: Json = False,
) -> None:
    """Start the system and leave it running.

    Starts PostgreSQL, the bus and every service, waits until all are ready and returns. What an earlier
    start left in the data directory is used again. ./run down stops it.
    """
    layout = opened(data, port_base)
    begun = time.monotonic()
    fresh = start(layout, Plan(broker=_broker(layout, broker), scale=read_scale(scale), report=report))
    took = time.monotonic() - begun
    if json:
        screen.print_json(describe(layout))
        return
    screen.note(f"The system is {'up' if fresh else 'running already'} ({took:.1f} s).")
    show_addresses(layout)


@app.command(rich_help_panel="System")
def down(data: Data = DATA_DEFAULT, port_base: PortBase = None, json: Json = False) -> None:
    """Stop the system. Its data stays; remove the data directory to forget it."""
    layout = opened(data, port_base)
    stopped = control.down(layout)
    if json:
        screen.print_json({"stopped": stopped, "data": str(layout.data)})
    else:
        screen.note("Stopped." if stopped else f"Nothing runs in {layout.data}.")


@app.command(rich_help_panel="System")
def status(data: Data = DATA_DEFAULT, port_base: PortBase = None, json: Json = False) -> None:
    """Show the services, what they still have to do, the ports and the bus.

    Exit code 0 when everything is ready, 1 otherwise.
    """
    layout = opened(data, port_base)
    told = describe(layout)
    if json:
        screen.print_json(told)
    elif told["running"]:
        rows = [
            (
                s["name"],
                "ready" if s["ready"] else s["why"] or "not ready",
                s["pending"],
                s["url"],
                s["pid"],
                s["restarts"],
            )
            for s in told["services"]
        ]
        screen.print_table(
            f"{told['phase']} · bus: {told['broker']['kind']} at {told['broker']['address']}",
            ("service", "state", "pending", "address", "pid", "restarts"),
            rows,
        )
        for name, part in told["parts"].items():
            screen.note(f"{name}: port {part['port']}, pid {part['pid']}, restarts {part['restarts']}")
    else:
        screen.note(f"Nothing runs in {layout.data}.")
    if not (told["running"] and all(service["ready"] for service in told["services"])):
        raise typer.Exit(1)


def start(layout: Layout, plan: Plan, *, owner: int | None = None) -> bool:
    """`control.up` with its progress shown."""
    with screen.notes.status("starting") as spinner:

        def tell(line: str) -> None:
            spinner.update(line)
            if not screen.notes.is_terminal or line.startswith(("Fetching", "Apache Kafka cannot")):
                screen.note(line)

        fresh = control.up(layout, plan, tell, owner=owner)
    report = control.report_of(layout)
    if not report.get("durable", True):
        screen.note(f"The bus is {report['broker_remark']}.")
    return fresh


def _broker(layout: Layout, wanted: str) -> str:
    """A system whose topics lie in one kind of broker goes on with it, unless told otherwise."""
    kept = str(remembered(layout.data).get("broker", "auto"))
    return kept if wanted == "auto" else wanted


def describe(layout: Layout) -> dict[str, Any]:
    """Everything `status` tells, as JSON."""
    running = control.supervisor_of(layout) is not None
    report = control.report_of(layout)
    services = control.services(layout) if running else []
    ports = ports_of(layout, plan_of(layout.data))
    return {
        "running": running,
        "phase": report.get("phase", "stopped") if running else "stopped",
        "data": str(layout.data),
        "port_base": layout.port_base,
        "broker": {
            "kind": report.get("broker"),
            "address": report.get("broker_address"),
            "durable": report.get("durable"),
        },
        "settled": bool(services) and all(service.pending == 0 for service in services),
        "services": [asdict(service) for service in services],
        "parts": {
            name: {"port": ports.get(name), **part}
            for name, part in report.get("parts", {}).items()
            if name in ("postgres", "kafka")
        }
        if running
        else {},
    }


def show_addresses(layout: Layout) -> None:
    """Where a person finds things."""
    rows = [(service.name, service.url, f"{service.url}/docs") for service in control.services(layout)]
    screen.print_table("", ("service", "address", "API"), rows)
