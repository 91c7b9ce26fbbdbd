"""./run rules: what is in force, and changing it with two officers."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from deploy.local import screen
from deploy.local.api import ask, present_user
from deploy.local.layout import LaunchError
from deploy.local.options import DATA_DEFAULT, Data, Json, PortBase, opened

app = typer.Typer(
    no_args_is_help=True, help="Change rules with two officers: one proposes, another confirms."
)

Number = Annotated[int, typer.Argument(help="Number of the change, as `list` shows it.")]
Officer = Annotated[str | None, typer.Option(help="Which officer decides; you, when left out.")]
Reason = Annotated[str, typer.Option(help="Why: it is kept with the decision.")]
State = Literal["proposed", "in_force", "refused", "withdrawn"]


@app.command("list")
def show_all(
    state: Annotated[State | None, typer.Option(help="Only those that stand so.")] = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Show every rule set that was in force, is, or waits for a second officer."""
    found = ask(opened(data, port_base), "scoring", "/v1/rule-changes", query={"state": state})
    if json:
        screen.print_json(found)
        return
    columns = ("number", "name", "state", "proposed_by", "proposed_at", "reason", "decided_by", "decided_at")
    screen.print_table("", columns, [[row.get(name) for name in columns] for row in found["changes"]])


@app.command()
def show(number: Number, data: Data = DATA_DEFAULT, port_base: PortBase = None, json: Json = False) -> None:
    """Show one change, line by line, beside what is in force."""
    found = ask(opened(data, port_base), "scoring", f"/v1/rule-changes/{number}")
    if json:
        screen.print_json(found)
        return
    print("\n".join(found["difference"]))


@app.command()
def propose(
    file: Annotated[Path, typer.Argument(help="The rule set, YAML, with a version of its own.")],
    reason: Reason,
    officer: Officer = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Propose a rule set. Nothing changes until another officer confirms it.

    ./run what-if FILE shows beforehand who would gain and who would lose.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LaunchError(f"{file} cannot be read: {error}.") from error
    body = {"officer": officer or present_user(), "reason": reason, "ruleset": text}
    found = ask(opened(data, port_base), "scoring", "/v1/rule-changes", method="POST", body=body)
    if json:
        screen.print_json(found)
        return
    screen.note(f"Change {found['number']} proposes {found['name']}.")
    screen.note(f"Another officer confirms: ./run rules confirm {found['number']} --officer NAME")


@app.command()
def confirm(
    number: Number,
    officer: Officer = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Confirm what another officer proposed: from now on every open quarter is scored by it."""
    body = {"officer": officer or present_user()}
    path = f"/v1/rule-changes/{number}/confirm"
    found = ask(opened(data, port_base), "scoring", path, method="POST", body=body)
    if json:
        screen.print_json(found)
        return
    screen.note(f"{found['name']} is in force.")


@app.command()
def refuse(
    number: Number,
    reason: Reason,
    officer: Officer = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Refuse a proposal, or take your own back."""
    body = {"officer": officer or present_user(), "reason": reason}
    path = f"/v1/rule-changes/{number}/refuse"
    found = ask(opened(data, port_base), "scoring", path, method="POST", body=body)
    if json:
        screen.print_json(found)
        return
    screen.note(f"Change {number} is {found['state']}.")
