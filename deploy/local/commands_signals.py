"""./run signals, families: what may be gaming, and the other yardsticks such as the national index."""

from typing import Annotated, Any

import typer

from deploy.local import screen
from deploy.local.api import ask
from deploy.local.layout import LaunchError
from deploy.local.options import DATA_DEFAULT, Data, Json, PortBase, opened

app = typer.Typer()
_PANEL = "Scores"

Period = Annotated[
    str | None, typer.Option("--period", help="A quarter 2024-Q1, a half 2024-H1 or a year 2024.")
]
From = Annotated[str | None, typer.Option("--from", help="First day of a window, 2024-01-01.")]
To = Annotated[str | None, typer.Option("--to", help="Last day of a window: the cut-off.")]


@app.command(rich_help_panel=_PANEL)
def signals(
    period: Period = None,
    first: From = None,
    last: To = None,
    agency: Annotated[str | None, typer.Option(help="Only this agency.")] = None,
    parent: Annotated[str | None, typer.Option(help="Only the communes of this district.")] = None,
    kind: Annotated[
        str | None,
        typer.Option(help="Only bulk_before_cutoff, near_identical_titles, backdated or paused_before_due."),
    ] = None,
    after: Annotated[int, typer.Option(help="`next` of the page before.")] = 0,
    facts: Annotated[bool, typer.Option("--facts", help="Show the facts behind each signal.")] = False,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """List what may be gaming the scores, with its evidence. A signal is a question to a person: it moves no
    point.

    The last days of the window are those before the cut-off.

    Example: ./run signals --from 2024-01-01 --to 2024-03-22 --kind near_identical_titles
    """
    query = {
        **_window(period, first, last), "agency": agency, "parent": parent, "kind": kind, "after": after,
        "limit": 200,
    }  # fmt: skip
    found = ask(opened(data, port_base), "scoring", "/v1/signals", query=query)
    if json:
        screen.print_json(found)
        return
    rows = [
        (one["kind"], one["agency"], one["on"], _numbers(one), one["facts_total"]) for one in found["signals"]
    ]
    title = f"{found['from']} to {found['to']}, thresholds {found['thresholds']['provenance']}"
    screen.print_table(title, ("kind", "agency", "from", "what", "facts"), rows)
    if facts:
        for one in found["signals"]:
            _show_facts(one)
    for part in found["unread"]:
        screen.note(f"Not read, so the list is not complete: {part}")
    if found["next"] is not None:
        screen.note(f"There are more: --after {found['next']}")


def _numbers(one: dict[str, Any]) -> str:
    told = " ".join(f"{name}={value}" for name, value in one["numbers"].items())
    return f"{one['title']['vi']}\n{one['title']['en']}\n{told}"


def _show_facts(one: dict[str, Any]) -> None:
    rows = [
        (fact["entity"], fact["title"] or fact["type"], fact["time"], fact["recorded_at"], _place(fact))
        for fact in one["facts"]
    ]
    columns = ("entity", "what", "happened", "recorded", "ledger position")
    screen.print_table(f"{one['kind']} {one['agency']} {one['on']}", columns, rows)


def _place(fact: dict[str, Any]) -> str:
    inbox = fact["inbox"]
    came = f"{inbox['topic']}/{inbox['partition']} at {inbox['offset']}" if inbox else fact["entrance"]
    return f"{fact['source']} {fact['id']}, {came}"


@app.command(rich_help_panel=_PANEL)
def families(
    family: Annotated[
        str | None, typer.Argument(help="A family, for example national; all when left out.")
    ] = None,
    period: Period = None,
    first: From = None,
    last: To = None,
    agency: Annotated[str | None, typer.Option(help="Explain this agency's points under the family.")] = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """List the families of rule sets, or score under one: the national index stands beside the province's
    scores and changes none of them.

    Examples: ./run families national --period 2024-Q1; add --agency so-y-te to see each criterion.
    """
    layout = opened(data, port_base)
    if family is None:
        found = ask(layout, "scoring", "/v1/families")
        rows = [
            (one["family"], "published" if one["published"] else "on demand", rules["name"], rules["owner"])
            for one in found["families"]
            for rules in one["rulesets"]
        ]
        columns: tuple[str, ...] = ("family", "", "rule set", "district")
    else:
        path = f"/v1/families/{family}/scores" + (f"/{agency}/explanation" if agency else "")
        found = ask(layout, "scoring", path, query=_window(period, first, last))
        rows = _criteria(found) if agency else _table(found)
        columns = ("criterion", "rule", "formula", "points", "of", "status") if agency else _TABLE
    if json:
        screen.print_json(found)
    else:
        screen.print_table(family or "", columns, rows)


_TABLE = ("group", "rank", "agency", "points", "of", "")


def _table(found: dict[str, Any]) -> list[Any]:
    return [
        (
            row["group"], row["rank"], row["agency"], row["total"]["points"], row["total"]["max"],
            "" if row["complete"] else "incomplete",
        )
        for row in found["scores"]
    ]  # fmt: skip


def _criteria(found: dict[str, Any]) -> list[Any]:
    return [
        (
            row["id"], f"{row['rule']['vi']}\n{row['rule']['en']}", row["formula"], row["points"], row["max"],
            row["status"],
        )
        for module in found["modules"].values()
        for row in module["criteria"]
    ]  # fmt: skip


def _window(period: str | None, first: str | None, last: str | None) -> dict[str, str | None]:
    """The query of a period or a window; one of the two is needed."""
    if (period is None) == (first is None and last is None):
        raise LaunchError("Say which time: --period 2024-Q1, or --from 2024-01-01 --to 2024-03-22.")
    if period is None and (first is None or last is None):
        raise LaunchError("A window needs both --from and --to.")
    return {"period": period, "from": first, "to": last}
