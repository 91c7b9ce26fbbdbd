"""./run changes, evidence: what moved a score and why, and the facts behind each number."""

from typing import Annotated, Any

import typer

from deploy.local import screen
from deploy.local.api import ask
from deploy.local.options import DATA_DEFAULT, Data, Json, PortBase, opened

app = typer.Typer()
_PANEL = "Scores"
_SHOWN_CAUSES = 3
"""Facts that a row names; the number of all stands beside them, and --json has every one."""

Agency = Annotated[str, typer.Argument(help="Slug of the agency, for example so-y-te.")]
Period = Annotated[
    str | None, typer.Option("--period", help="A quarter 2024-Q1, a half 2024-H1 or a year 2024.")
]


@app.command(rich_help_panel=_PANEL)
def changes(
    agency: Agency,
    period: Period = None,
    after: Annotated[int, typer.Option(help="Go on after this number: the `next` of the page before.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Changes on a page.")] = 100,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Show every change of an agency's score: the criteria that moved, and the facts that moved them.

    The changes of a quarter add up to its score. They are kept for ever and never rewritten.

    Example: ./run changes so-y-te --period 2024-Q1
    """
    query = {"period": period, "after": after or None, "limit": limit}
    found = ask(opened(data, port_base), "scoring", f"/v1/scores/{agency}/changes", query=query)
    if json:
        screen.print_json(found)
        return
    columns = ("number", "at", "period", "points", "moved", "because of", "rules", "calendar")
    screen.print_table(f"What moved {agency}", columns, [_change_row(row) for row in found["changes"]])
    _tell_next(found.get("next"))


def _change_row(row: dict[str, Any]) -> tuple[Any, ...]:
    before = 0 if row["before"] is None else row["before"]["points"]
    moved = [one for one in row["moved"] if one["delta"]]
    return (
        row["number"],
        row["at"][:19],
        row["period"],
        f"{before} → {row['after']['points']}",
        "\n".join(f"{one['module']}/{one['criterion']} {one['delta']:+g}" for one in moved),
        _causes(row),
        "\n".join(row["rulesets"].values()),
        row["calendar"],
    )


def _causes(row: dict[str, Any]) -> str:
    shown = [f"{cause['source']} {cause['id']}" for cause in row["causes"][:_SHOWN_CAUSES]]
    more = row["causes_total"] - len(shown)
    return "\n".join([*shown, *([f"and {more} more"] if more > 0 else [])])


@app.command(rich_help_panel=_PANEL)
def evidence(
    agency: Agency,
    criterion: Annotated[str, typer.Option(help="As `./run explain` names it: qa/timeliness.")],
    period: Period = None,
    first: Annotated[str | None, typer.Option("--from", help="First day of a window, 2024-01-01.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day of a window.")] = None,
    after: Annotated[
        str | None, typer.Option(help="Go on after this entity: `next` of the page before.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Entities on a page.")] = 20,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Show what a criterion counted, with the facts behind it as they came, and those that were set aside.

    --json has each fact as it was sent, word for word.

    Example: ./run evidence so-y-te --criterion qa/timeliness --period 2024-Q1
    """
    query = {
        "criterion": criterion, "period": period, "from": first, "to": last, "after": after, "limit": limit
    }  # fmt: skip
    found = ask(opened(data, port_base), "scoring", f"/v1/scores/{agency}/evidence", query=query)
    if json:
        screen.print_json(found)
        return
    columns = ("entity", "counted as", "fact", "time", "publisher", "ledger", "fate", "repeats")
    rows = [row for entity in found["entities"] for row in _entity_rows(entity)]
    title = f"{agency}, {found['criterion']}, {found['from']} to {found['to']}"
    screen.print_table(title, columns, rows)
    if not rows:
        screen.note("Nothing was counted: no fact of this agency in these days bears on the criterion.")
    _tell_next(found.get("next"))


def _entity_rows(entity: dict[str, Any]) -> list[tuple[Any, ...]]:
    counted = "\n".join(f"{name} {count}" for name, count in entity["counts"].items())
    rows = [_fact_row(fact) for fact in entity["facts"]]
    if not rows:
        return [(entity["key"], counted, *[None] * 6)]
    return [(entity["key"], counted, *rows[0]), *[(None, None, *row) for row in rows[1:]]]


def _fact_row(fact: dict[str, Any]) -> tuple[Any, ...]:
    inbox = fact["inbox"]
    place = f"{inbox['topic']} {inbox['partition']}/{inbox['offset']}" if inbox else fact["entrance"]
    fate = fact["fate"] + (", late" if fact["late"] else "")
    return (fact["type"], fact["time"][:19], fact["publisher"], place, fate, fact["repeats"] or None)


def _tell_next(next_page: object) -> None:
    if next_page:
        screen.note(f"There is more: add --after {next_page}")
