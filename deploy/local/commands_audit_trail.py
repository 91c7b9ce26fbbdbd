"""./run audit-trail verify|list|head: what people did, and whether the record of it still holds."""

import json as json_module
from collections import deque
from typing import Annotated, Any

import typer

from deploy.local import screen
from deploy.local.administrator import as_admin
from deploy.local.layout import LaunchError
from deploy.local.options import DATA_DEFAULT, Data, Json, PortBase, opened
from shared.runtime import audit_trail
from shared.runtime.postgres import Connection

app = typer.Typer(
    help="Who did what: keys and grants, refused facts, periods, rules, accounts. Chained by hashes.",
    no_args_is_help=True,
)

Witnesses = Annotated[
    list[str] | None,
    typer.Option("--witness", help="NUMBER:SHA256 as `head` printed it once. May be repeated."),
]


@app.command()
def verify(
    witness: Witnesses = None, data: Data = DATA_DEFAULT, port_base: PortBase = None, json: Json = False
) -> None:
    """Walk along the whole trail: every entry, every hash. Ends with 1 when something was touched.

    Who owns the database can make the whole chain anew; a hash that was noted elsewhere tells that too.

    Example: ./run audit-trail verify --witness 41:6c1f…
    """
    try:
        noted = audit_trail.read_witnesses(witness or [])
    except ValueError as error:
        raise LaunchError(f"{error}.") from error
    found = as_admin(opened(data, port_base), lambda connection: audit_trail.walk(connection, noted))
    if json:
        screen.print_json(audit_trail.shown(found))
    else:
        for finding in found.findings:
            screen.note(f"entry {finding.number}: {finding.problem}")
        screen.note(
            f"{found.entries} entries, " + ("TOUCHED" if found.findings else f"all hold; head {found.head}")
        )
    if found.findings:
        raise typer.Exit(1)


@app.command("list")
def list_entries(
    last: Annotated[int, typer.Option(min=1, max=100_000, help="How many of the newest.")] = 50,
    actor: Annotated[str | None, typer.Option(help="Only what this person did.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only about this: 2024-Q1, publisher/NAME, …")] = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Show entries: who, when, what, and what it was before and after."""

    async def read(connection: Connection) -> list[dict[str, Any]]:
        found: deque[dict[str, Any]] = deque(maxlen=last)
        async for link in audit_trail.read_links(connection):
            entry = json_module.loads(link.text)
            if actor in (None, entry["actor"]) and subject in (None, entry["subject"]):
                found.append({**entry, "role": link.role, "sha256": link.sha256})
        return list(found)

    entries = as_admin(opened(data, port_base), read)
    if json:
        screen.print_json({"entries": entries})
        return
    columns = ("number", "at", "actor", "action", "subject", "reason")
    screen.print_table("", columns, [[entry[name] for name in columns] for entry in entries])


@app.command()
def head(data: Data = DATA_DEFAULT, port_base: PortBase = None, json: Json = False) -> None:
    """Print the newest entry's number and hash: to be noted where nobody of the office can change it."""
    found = as_admin(opened(data, port_base), lambda connection: audit_trail.walk(connection, {}))
    if json:
        screen.print_json({"number": found.entries, "sha256": found.head})
    else:
        print(f"{found.entries}:{found.head}")
