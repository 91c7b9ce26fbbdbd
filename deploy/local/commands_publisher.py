"""./run publisher add|list|rotate|retire|grants|limit|revoke."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from deploy.local import screen
from deploy.local.administrator import as_admin
from deploy.local.api import present_user
from deploy.local.layout import LaunchError, Layout, load_secrets, read_json, write_json
from deploy.local.options import DATA_DEFAULT, Data, Json, PortBase, opened
from shared.runtime import access

app = typer.Typer(
    help="Publishers: the systems that may send facts, their keys and what they may speak about.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Name of the publisher; its events have source /publishers/NAME.")]
Agencies = Annotated[
    str, typer.Option(help="Agencies it may speak for, joined by commas; * for every agency of the register.")
]
Types = Annotated[
    str, typer.Option(help="Fact types it may send, joined by commas: dossier.*,fact.retracted; * for all.")
]


@app.command()
def add(
    name: Name,
    agencies: Agencies,
    types: Types,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = True,
) -> None:
    """Add a publisher and print its key, as JSON, this once.

    The key is also kept in DATA/keys, readable by you only, so that ./run publish can sign with it.

    Example: ./run publisher add cong-dich-vu-cong --agencies '*' --types 'dossier.*,fact.retracted'
    """
    del json
    layout = opened(data, port_base)
    key = as_admin(
        layout,
        lambda connection: access.add_publisher(
            connection, _sealer(layout), name, agencies.split(","), types.split(","), by=present_user()
        ),
    )
    _show_key(layout, name, key)


@app.command()
def rotate(name: Name, data: Data = DATA_DEFAULT, port_base: PortBase = None, json: Json = True) -> None:
    """Give a publisher a second key and print it. Both work until ./run publisher retire."""
    del json
    layout = opened(data, port_base)
    key = as_admin(
        layout,
        lambda connection: access.rotate_publisher(connection, _sealer(layout), name, present_user()),
    )
    _show_key(layout, name, key)


@app.command()
def retire(name: Name, data: Data = DATA_DEFAULT, port_base: PortBase = None, json: Json = True) -> None:
    """End a rotation: every key but the newest stops working."""
    del json
    layout = opened(data, port_base)
    retired = as_admin(layout, lambda connection: access.retire_old_keys(connection, name, present_user()))
    screen.print_json({"publisher": name, "retired": retired})


@app.command()
def grants(
    name: Name,
    agencies: Agencies,
    types: Types,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = True,
) -> None:
    """Replace what a publisher may say."""
    del json
    layout = opened(data, port_base)
    as_admin(
        layout,
        lambda connection: access.change_grants(
            connection, name, agencies.split(","), types.split(","), present_user()
        ),
    )
    screen.print_json({"publisher": name, "agencies": agencies.split(","), "types": types.split(",")})


@app.command()
def limit(
    name: Name,
    events_per_second: Annotated[
        int | None,
        typer.Option(min=1, help="Events a second over HTTP, to each process; the default if left out."),
    ] = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = True,
) -> None:
    """Set how much a publisher may send. Beyond it the answer is 429 with Retry-After; nothing is lost.

    Example: ./run publisher limit cong-so-y-te --events-per-second 50
    """
    del json
    layout = opened(data, port_base)
    as_admin(
        layout,
        lambda connection: access.limit_publisher(connection, name, events_per_second, present_user()),
    )
    screen.print_json({"publisher": name, "events_per_second": events_per_second})


@app.command()
def revoke(name: Name, data: Data = DATA_DEFAULT, port_base: PortBase = None, json: Json = True) -> None:
    """End a publisher and all its keys. What it sent stays."""
    del json
    layout = opened(data, port_base)
    as_admin(layout, lambda connection: access.revoke_publisher(connection, name, present_user()))
    (layout.keys / f"{name}.json").unlink(missing_ok=True)
    screen.print_json({"publisher": name, "revoked": True})


@app.command("list")
def list_all(data: Data = DATA_DEFAULT, port_base: PortBase = None, json: Json = False) -> None:
    """Show every publisher, its grants and how many keys are live."""
    layout = opened(data, port_base)
    rows = as_admin(layout, access.list_publishers)
    if json:
        screen.print_json({"publishers": [_plain(asdict(row)) for row in rows]})
        return
    screen.print_table(
        "",
        ("publisher", "agencies", "types", "live keys", "events/s", "since", "revoked"),
        [
            (
                row.name,
                _short(row.agencies),
                ", ".join(row.types),
                row.live_keys,
                row.events_per_second,
                f"{row.created_at:%Y-%m-%d}",
                f"{row.revoked_at:%Y-%m-%d}" if row.revoked_at else "",
            )
            for row in rows
        ],
    )


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}


def _short(agencies: list[str]) -> str:
    return ", ".join(agencies[:4]) + (f" and {len(agencies) - 4} more" if len(agencies) > 4 else "")


def _show_key(layout: Layout, name: str, key: str) -> None:
    write_json(layout.keys / f"{name}.json", {"publisher": name, "key": key}, private=True)
    screen.print_json({"publisher": name, "key": key})


def remembered_key(layout: Layout, name: str | None) -> tuple[str, str]:
    """(publisher, key) of a key kept in DATA/keys; the only one there when no name is given."""
    kept = sorted(path.stem for path in layout.keys.glob("*.json"))
    if name is None and len(kept) != 1:
        known = f"Keys are kept of: {', '.join(kept)}." if kept else "Add one with ./run publisher add."
        raise LaunchError(f"Say who publishes with --publisher NAME. {known}")
    chosen = name or kept[0]
    found = read_json(layout.keys / f"{chosen}.json")
    if "key" not in found:
        raise LaunchError(f"No key of {chosen} is kept in {layout.keys}; give it with --key whsec_….")
    return chosen, str(found["key"])


def _sealer(layout: Layout) -> access.Sealer:
    return access.Sealer.from_file(load_secrets(layout).master_key_file)
