"""./run periods: closing a quarter with two officers, and deciding about what came late."""

import json as json_module
from typing import Annotated, Any

import typer

from deploy.local import screen
from deploy.local.api import ask, present_user
from deploy.local.options import DATA_DEFAULT, Data, Json, PortBase, opened

app = typer.Typer(
    no_args_is_help=True, help="Close quarters with two officers, and decide about what came late."
)

Period = Annotated[str, typer.Argument(help="A quarter, for example 2024-Q1.")]
Officer = Annotated[str | None, typer.Option(help="Which officer decides; you, when left out.")]
Reason = Annotated[str, typer.Option(help="Why: it is kept with the decision.")]
Numbers = Annotated[list[int] | None, typer.Argument(help="Numbers, as `adjustments` lists them.")]


@app.command("list")
def show(data: Data = DATA_DEFAULT, port_base: PortBase = None, json: Json = False) -> None:
    """Show every quarter that has scores: where it stands, and its newest seal."""
    found = ask(opened(data, port_base), "scoring", "/v1/periods")
    if json:
        screen.print_json(found)
        return
    columns = ("period", "state", "at", "cut_off", "seal", "sha256", "officer", "confirmed_by", "reason")
    screen.print_table("", columns, [[row.get(name) for name in columns] for row in found["periods"]])


@app.command()
def propose(
    period: Period,
    reason: Reason,
    officer: Officer = None,
    cut_off: Annotated[
        str | None,
        typer.Option(help="From when nothing changes, 2024-04-05T17:00:00+07:00; now if left out."),
    ] = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Propose to close a quarter. Another officer confirms with `close`."""
    body = {"officer": officer or present_user(), "reason": reason, "cut_off": cut_off}
    _step(data, port_base, json, period, "close", body)


@app.command()
def close(
    period: Period,
    officer: Officer = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Confirm what another officer proposed: the quarter is closed and gets its next seal."""
    _step(data, port_base, json, period, "confirm", {"officer": officer or present_user()})


@app.command()
def withdraw(
    period: Period,
    reason: Reason,
    officer: Officer = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Take a proposal back."""
    body = {"officer": officer or present_user(), "reason": reason}
    _step(data, port_base, json, period, "withdraw", body)


@app.command()
def reopen(
    period: Period,
    reason: Reason,
    officer: Officer = None,
    agency: Annotated[list[str] | None, typer.Option(help="Only this agency; may be repeated.")] = None,
    module: Annotated[list[str] | None, typer.Option(help="Only this module; may be repeated.")] = None,
    criterion: Annotated[list[str] | None, typer.Option(help="Only this criterion: qa/acceptance.")] = None,
    until: Annotated[str | None, typer.Option(help="Until when; 14 days if left out.")] = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Let part of a closed quarter move again, for a time. Its seals stay."""
    scope = {"agencies": agency or [], "modules": module or [], "criteria": criterion or []}
    body = {"officer": officer or present_user(), "reason": reason, "scope": scope, "until": until}
    _step(data, port_base, json, period, "reopen", body)


@app.command()
def adjustments(
    period: Period,
    state: Annotated[str | None, typer.Option(help="pending, accepted, refused, no_effect, counted.")] = None,
    after: Annotated[int, typer.Option(help="`next` of the page before.")] = 0,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Show what arrived for a quarter that is not open: what it would move, and what became of it."""
    query = {"state": state, "after": after, "limit": 500}
    path = f"/v1/periods/{period}/adjustments"
    found = ask(opened(data, port_base), "scoring", path, query=query)
    if json:
        screen.print_json(found)
        return
    columns = ("number", "agency", "at", "state", "delta", "what", "causes_total")
    screen.print_table("", columns, [[row.get(name) for name in columns] for row in found["adjustments"]])
    if found["next"] is not None:
        screen.note(f"There are more: --after {found['next']}")


@app.command()
def accept(
    period: Period,
    reason: Reason,
    numbers: Numbers = None,
    officer: Officer = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Propose that adjustments count (all that wait when none is named). Another officer confirms."""
    body = {"officer": officer or present_user(), "reason": reason, "numbers": numbers or None}
    _step(data, port_base, json, period, "adjustments/accept", body)


@app.command()
def refuse(
    period: Period,
    numbers: Annotated[list[int], typer.Argument(help="Numbers, as `adjustments` lists them.")],
    reason: Reason,
    officer: Officer = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Decide that adjustments do not count. They stay on the list."""
    body = {"officer": officer or present_user(), "reason": reason, "numbers": numbers}
    _step(data, port_base, json, period, "adjustments/refuse", body)


def _step(data: Any, port_base: int | None, json: bool, period: str, step: str, body: dict[str, Any]) -> None:
    path = f"/v1/periods/{period}/{step}"
    found = ask(opened(data, port_base), "scoring", path, method="POST", body=body)
    if json:
        screen.print_json(found)
        return
    told = {name: value for name, value in found.items() if name in ("state", "seal", "sha256", "refused")}
    screen.note(f"{period}: {json_module.dumps(told, ensure_ascii=False)}")
    if found.get("proposal"):
        screen.note(f"Another officer confirms: ./run periods close {period} --officer NAME")
