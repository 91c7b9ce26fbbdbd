"""./run disputes: what agencies contest, and what the office decides about it."""

import json as json_module
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from deploy.local import control, screen
from deploy.local.api import ask, present_user
from deploy.local.commands_deadlines import show_steps
from deploy.local.commands_publish import send
from deploy.local.commands_publisher import remembered_key
from deploy.local.events import FactFileError, as_event
from deploy.local.layout import LaunchError
from deploy.local.options import DATA_DEFAULT, Data, Json, PortBase, opened
from shared.runtime.access.sealing import SealError, read_key

app = typer.Typer(
    no_args_is_help=True,
    help="What agencies contest (a score, a criterion, a fact), and what the office decides about it.",
)

Agency = Annotated[str, typer.Argument(help="The agency that contests.")]
Dispute = Annotated[str, typer.Argument(help="The id that the agency gave the dispute.")]
Officer = Annotated[str | None, typer.Option(help="Which officer decides; you, when left out.")]
Publisher = Annotated[str | None, typer.Option(help="Whose key signs it; the one kept in DATA/keys.")]
_COLUMNS = ("agency", "dispute", "status", "about", "what", "submitted_at", "due_at", "claim")


@app.command("list")
def show_all(
    agency: Annotated[str | None, typer.Option(help="Only this agency.")] = None,
    status: Annotated[
        str | None, typer.Option(help="submitted, taken_up, upheld, dismissed, withdrawn or expired.")
    ] = None,
    after: Annotated[str | None, typer.Option(help="`next` of the page before.")] = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Show disputes, those that moved last first."""
    query = {"agency": agency, "status": status, "after": after, "limit": 200}
    found = ask(opened(data, port_base), "content", "/v1/disputes", query=query)
    if json:
        screen.print_json(found)
        return
    rows = [[_cell(one, name) for name in _COLUMNS] for one in found["disputes"]]
    screen.print_table("", _COLUMNS, rows)
    if found["next"] is not None:
        screen.note(f"There are more: --after {found['next']}")


@app.command()
def show(
    agency: Agency,
    dispute: Dispute,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Show one dispute: its facts, its term step by step, and the ruling."""
    layout = opened(data, port_base)
    found = ask(layout, "content", _path(agency, dispute))
    where = f"/v1/entities/dispute/{quote(dispute, safe='')}/deadline"
    term = ask(layout, "content", where, query={"agency": agency})
    if json:
        screen.print_json({**found, "deadline": term})
        return
    told = [(name, _cell(found, name)) for name in (*_COLUMNS, "taken_up_by", "ruled_by", "ruling_reason")]
    told += [("correction", one["id"]) for one in found["corrections"]]
    screen.print_table("", ("", ""), told)
    screen.print_table(
        "", ("at", "what", "by", "id"),
        [(one["at"], one["type"], one["source"], one["id"]) for one in found["history"]],
    )  # fmt: skip
    show_steps(term)


@app.command()
def submit(
    agency: Agency,
    dispute: Dispute,
    claim: Annotated[str, typer.Option(help="What is wrong, and why.")],
    period: Annotated[str | None, typer.Option(help="The score of this period: 2024-Q1.")] = None,
    module: Annotated[str | None, typer.Option(help="content, qa or dossier.")] = None,
    criterion: Annotated[str | None, typer.Option(help="One criterion of it.")] = None,
    fact: Annotated[
        tuple[str, str] | None, typer.Option(help="A fact instead: SOURCE ID; with --module.")
    ] = None,
    publisher: Publisher = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Contest a score or a fact, as the agency's own system would: a signed fact `dispute.submitted`.

    Example: ./run disputes submit so-y-te kn-01 --period 2024-Q1 --module qa --criterion acceptance
    --claim 'Câu hỏi 17 đã được tiếp nhận đúng hạn'
    """
    body: dict[str, Any] = {"about": "fact" if fact else "score", "claim": claim}
    body |= {"period": period, "module": module, "criterion": criterion}
    if fact:
        body["fact"] = {"source": fact[0], "id": fact[1]}
    _send(data, port_base, json, publisher, "dispute.submitted", agency, dispute, "submitted_at", body)


@app.command()
def withdraw(
    agency: Agency,
    dispute: Dispute,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    publisher: Publisher = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Take a dispute back, as the agency's own system would."""
    body = {"reason": reason}
    _send(data, port_base, json, publisher, "dispute.withdrawn", agency, dispute, "withdrawn_at", body)


@app.command("take-up")
def take_up(
    agency: Agency,
    dispute: Dispute,
    officer: Officer = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Take a dispute up: the agency sees that somebody looks at it."""
    body = {"officer": officer or present_user()}
    found = ask(
        opened(data, port_base), "content", _path(agency, dispute, "take-up"), method="POST", body=body
    )
    _tell(found, json)


@app.command()
def decide(
    agency: Agency,
    dispute: Dispute,
    reason: Annotated[str, typer.Option(help="Why: it is kept with the ruling.")],
    uphold: Annotated[bool, typer.Option("--uphold/--dismiss", help="Which way.")],
    officer: Officer = None,
    retract: Annotated[bool, typer.Option("--retract", help="Take back the fact that is contested.")] = False,
    points: Annotated[str | None, typer.Option(help="Judge the contested criterion anew: 2.5.")] = None,
    corrections: Annotated[
        Path | None, typer.Option(help='A JSON array of {"type", "data", "module"?}: facts to send.')
    ] = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Uphold or dismiss a dispute. What it corrects becomes facts of the publisher scoring-office.

    Example: ./run disputes decide so-y-te kn-01 --uphold --points 2.5 --reason 'Đã xác minh'
    """
    layout = opened(data, port_base)
    wanted = _read(corrections) if corrections else []
    if retract or points is not None:
        known = ask(layout, "content", _path(agency, dispute))
        wanted += _corrections_of(known, retract, points)
    body = {
        "officer": officer or present_user(),
        "ruling": "upheld" if uphold else "dismissed",
        "reason": reason,
        "corrections": wanted,
    }
    _tell(ask(layout, "content", _path(agency, dispute, "decide"), method="POST", body=body), json)


def _corrections_of(known: dict[str, Any], retract: bool, points: str | None) -> list[dict[str, Any]]:
    """The corrections that a dispute itself suggests."""
    found: list[dict[str, Any]] = []
    if retract:
        if known["fact"] is None:
            raise LaunchError("--retract: this dispute is not about a fact.")
        found.append({"type": "fact.retracted", "data": {"retracts": known["fact"]}})
    if points is not None:
        if known["criterion"] is None:
            raise LaunchError("--points: this dispute names no criterion.")
        judged = {"period": known["period"], "criterion": known["criterion"], "points": points}
        found.append({"type": "assessment.recorded", "data": judged})
    return found


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        found = json_module.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LaunchError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(found, list):
        raise LaunchError(f"{path} holds no JSON array.")
    return found


def _send(
    data: Path,
    port_base: int | None,
    json: bool,
    publisher: str | None,
    short: str,
    agency: str,
    dispute: str,
    field: str,
    body: dict[str, Any],
) -> None:
    """Send one fact about a dispute, signed like any other."""
    layout = opened(data, port_base)
    control.require_running(layout)
    name, key = remembered_key(layout, publisher)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    given = {name: value for name, value in body.items() if value is not None}
    fact = {"type": short, "data": {"dispute_id": dispute, "agency": agency, field: now, **given}}
    try:
        (result,) = send(layout, [as_event(fact, name)], read_key(key))
    except (FactFileError, SealError) as error:
        raise LaunchError(f"{error}.") from error
    if result["status"] == "rejected":
        raise LaunchError(f"Refused: {result['problem'].get('detail')}")
    if json:
        screen.print_json(result)
        return
    screen.note(f"{agency}/{dispute}: {result['status']}")


def _path(agency: str, dispute: str, *step: str) -> str:
    return "/v1/" + "/".join(quote(part, safe="") for part in ("disputes", agency, dispute, *step))


def _cell(one: dict[str, Any], name: str) -> Any:
    if name != "what":
        return one.get(name)
    if one["fact"] is not None:
        return f"{one['fact']['source']} {one['fact']['id']}"
    return "/".join(str(one[part]) for part in ("period", "module", "criterion") if one[part])


def _tell(found: dict[str, Any], json: bool) -> None:
    if json:
        screen.print_json(found)
        return
    name = f"{found['agency']}/{found['dispute']}"
    screen.note(f"{name}: {found['status']}; sent {', '.join(one['id'] for one in found['sent'])}")
    if not found["settled"]:
        screen.note("It does not stand in the ledger yet: see ./run disputes show, or ./run parked list.")
