"""./run parked list|show|repair|replay|drop: facts that were refused, kept with their reason."""

import json as json_module
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from deploy.local import screen
from deploy.local.api import ask, present_user
from deploy.local.layout import LaunchError, Layout
from deploy.local.options import DATA_DEFAULT, Data, Json, PortBase, opened
from shared.contracts.topics import MODULES

app = typer.Typer(
    help="Refused facts: kept with reason and original, to be repaired, sent again or dropped.",
    no_args_is_help=True,
)
_PAGE = 500

State = Literal["parked", "repaired", "replayed", "dropped"]
Ids = Annotated[
    list[str] | None, typer.Argument(help="Which, as list shows them: dossier/12. Several may be named.")
]
Module = Annotated[str | None, typer.Option(help="Only those of one service: content, qa or dossier.")]
Publisher = Annotated[str | None, typer.Option(help="Only those of one publisher.")]
Reason = Annotated[str | None, typer.Option(help="Only those with this reason, such as grant.")]
By = Annotated[str | None, typer.Option(help="Who decides, for the record.", show_default="you")]
Note = Annotated[str | None, typer.Option(help="Why, for the record.")]


@app.command("list")
def list_parked(
    module: Module = None,
    publisher: Publisher = None,
    reason: Reason = None,
    state: Annotated[State, typer.Option(help="Which state.")] = "parked",
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Show what was refused and why."""
    layout = opened(data, port_base)
    found = _find(layout, module, publisher, reason, state)
    if json:
        screen.print_json({"parked": found})
        return
    columns = ("ref", "publisher", "type", "reason", "detail", "count", "last_seen")
    screen.print_table("", columns, [[row.get(column) for column in columns] for row in found])
    screen.note(f"{len(found)} {state}")


@app.command()
def show(
    ref: Annotated[str, typer.Argument(help="Which, as list shows it: dossier/12.")],
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = True,
) -> None:
    """Show one refused fact with its original, as JSON."""
    del json
    service, number = _split(ref)
    screen.print_json(ask(opened(data, port_base), service, f"/v1/rejections/{number}"))


@app.command()
def repair(
    ref: Annotated[str, typer.Argument(help="Which, as list shows it: dossier/12.")],
    file: Annotated[Path, typer.Argument(help="The corrected event, JSON.")],
    by: By = None,
    note: Note = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Take in a corrected event in place of a refused one. The publisher's grants still hold."""
    service, number = _split(ref)
    try:
        event = json_module.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LaunchError(f"{file} cannot be read as JSON: {error}.") from error
    body = {"by": by or present_user(), "note": note, "event": event}
    path = f"/v1/rejections/{number}/repair"
    _show_settled([ask(opened(data, port_base), service, path, method="POST", body=body)], json)


@app.command()
def replay(
    refs: Ids = None,
    module: Module = None,
    publisher: Publisher = None,
    reason: Reason = None,
    by: By = None,
    note: Note = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Take originals in again, unchanged: a grant, a key or the contract may have changed since.

    Name them, or say --reason (and --publisher, --module) for all of a kind.
    """
    layout = opened(data, port_base)
    _settle(layout, "replay", refs, (module, publisher, reason), by, note, json)


@app.command()
def drop(
    refs: Ids = None,
    module: Module = None,
    publisher: Publisher = None,
    reason: Reason = None,
    by: By = None,
    note: Note = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Settle refused facts without taking anything in. They stay in the record, marked as dropped."""
    layout = opened(data, port_base)
    _settle(layout, "drop", refs, (module, publisher, reason), by, note, json)


def _settle(
    layout: Layout,
    action: str,
    refs: list[str] | None,
    chosen: tuple[str | None, str | None, str | None],
    by: str | None,
    note: str | None,
    json: bool,
) -> None:
    """Carry out `action` on each; one that is refused again does not keep the others from being tried."""
    if not refs and not any(chosen):
        raise LaunchError("Name the facts, or choose them with --reason, --publisher or --module.")
    named = refs or [row["ref"] for row in _find(layout, *chosen, "parked")]
    body = {"by": by or present_user(), "note": note}
    settled, refused = [], []
    for ref in named:
        service, number = _split(ref)
        try:
            path = f"/v1/rejections/{number}/{action}"
            settled.append(ask(layout, service, path, method="POST", body=body))
        except LaunchError as error:
            refused.append({"ref": ref, "detail": str(error)})
    _show_settled(settled, json, refused)
    if refused:
        raise typer.Exit(1)


def _show_settled(
    settled: list[dict[str, Any]], json: bool, refused: list[dict[str, str]] | None = None
) -> None:
    if json:
        screen.print_json({"settled": settled, "refused": refused or []})
        return
    screen.note(f"{len(settled)} settled, {len(refused or [])} refused.")
    for row in refused or []:
        screen.note(f"{row['ref']}: {row['detail']}")


def _find(
    layout: Layout, module: str | None, publisher: str | None, reason: str | None, state: str
) -> list[dict[str, Any]]:
    """All rejections that match, of one service or of all three, page by page."""
    if module is not None and module not in MODULES:
        raise LaunchError(f"--module {module}: choose one of {', '.join(MODULES)}.")
    found: list[dict[str, Any]] = []
    for service in (module,) if module else MODULES:
        after: int | None = 0
        while after is not None:
            query = {
                "publisher": publisher, "reason": reason, "state": state, "after": after, "limit": _PAGE,
            }  # fmt: skip
            page = ask(layout, service, "/v1/rejections", query=query)
            found += [{"ref": f"{service}/{row['number']}", **row} for row in page["rejections"]]
            after = page["next"]
    return found


def _split(ref: str) -> tuple[str, int]:
    service, _, number = ref.partition("/")
    if service not in MODULES or not number.isdigit():
        raise LaunchError(f"{ref}: write it as ./run parked list shows it, for example dossier/12.")
    return service, int(number)
