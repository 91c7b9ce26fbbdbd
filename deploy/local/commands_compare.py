"""./run compare, forecast, judgements: beside the year before, beside peers, what can still be done."""

from typing import Annotated, Any

import typer

from deploy.local import screen
from deploy.local.api import ask
from deploy.local.layout import LaunchError
from deploy.local.options import DATA_DEFAULT, Data, Json, PortBase, opened

app = typer.Typer()
_PANEL = "Scores"

Agency = Annotated[str, typer.Argument(help="Slug of the agency, for example so-y-te.")]
Period = Annotated[
    str | None, typer.Option("--period", help="A quarter 2024-Q1, a half 2024-H1 or a year 2024.")
]
From = Annotated[str | None, typer.Option("--from", help="First day of a window, 2024-01-01.")]
To = Annotated[str | None, typer.Option("--to", help="Last day of a window: both years are cut off there.")]


@app.command(rich_help_panel=_PANEL)
def compare(
    period: Period = None,
    first: From = None,
    last: To = None,
    agency: Annotated[str | None, typer.Option(help="Only this agency, with its peers.")] = None,
    indicator: Annotated[
        list[str] | None, typer.Option(help="content.items, qa.received, …, or points; may be repeated.")
    ] = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Compare with the same period a year before: change in number and in percent of the earlier value.

    A period that still runs is compared with as many days of the year before. There is no percentage from
    zero. Where another number of portals was open, the value per portal stands beside the sum.

    Examples: ./run compare --from 2024-01-01 --to 2024-03-22 --indicator content.items

    ./run compare --period 2024-Q1 --agency so-y-te
    """
    query = {**_window(period, first, last), "agency": agency, "indicator": indicator or None}
    found = ask(opened(data, port_base), "scoring", "/v1/comparison", query=query)
    if json:
        screen.print_json(found)
        return
    before = found["before"]
    title = f"{found['from']} to {found['to']}, beside {before['from']} to {before['to']}"
    columns = ("", "before", "now", "change", "percent", "per portal before", "now", "percent")
    rows = [("component portals", *_change(found["portals"]), None, None, None)]
    rows += [(row["indicator"], *_change(row), *_per_portal(row["per_portal"])) for row in found["totals"]]
    for group, sums in found["groups"].items() if agency is None else ():
        rows.append((f"{group}: portals", *_change(sums["portals"]), None, None, None))
        rows += [
            (f"{group}: {row['indicator']}", *_change(row), *_per_portal(row["per_portal"]))
            for row in sums["totals"]
        ]
    screen.print_table(title, columns, rows)
    screen.print_table(
        "points", ("agency", "before", "now", "change", "percent"),
        [(row["agency"], *_change(row["points"])) for row in found["agencies"] if _scored(row)],
    )  # fmt: skip
    if agency is not None:
        _print_agency(found)


def _print_agency(found: dict[str, Any]) -> None:
    (row,) = found["agencies"]
    screen.print_table(
        row["name"], ("indicator", "before", "now", "change", "percent"),
        [(name, *_change(change)) for name, change in row["indicators"].items()],
    )  # fmt: skip
    group, volumes = found["peers"]["group"], found["peers"]["volume"]
    if group is None:
        screen.note("Nobody scores this agency here, so it has no peers.")
        return
    rows = [(f"group {group['group']}", None, group["place"], group["of"], group["share"],
             group["median_share"], group["best_share"])]  # fmt: skip
    rows += [
        (f"{one['module']}: {one['band']['vi']} / {one['band']['en']}", one["value"], one["place"],
         one["of"], one["share"], one["median_share"], one["best_share"])
        for one in volumes
    ]  # fmt: skip
    columns = ("peers", "volume", "place", "of", "share %", "median %", "best %")
    screen.print_table("Among its peers, by share of the maximum (bands assumed)", columns, rows)


@app.command(rich_help_panel=_PANEL)
def forecast(
    agency: Agency,
    period: Period = None,
    on: Annotated[str | None, typer.Option(help="Stand on the evening of this day, 2024-03-15.")] = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Show the points that an agency can still reach in a period, and the cheapest ways to them.

    Every way is exact: do what it says and nothing else, score again, and the points are there. The plan
    takes the cheapest way, then the cheapest from there, until nothing more is gained.

    Example: ./run forecast so-y-te --period 2024-Q1 --on 2024-03-15
    """
    path = f"/v1/scores/{agency}/forecast"
    found = ask(opened(data, port_base), "scoring", path, query={"period": period, "on": on})
    if json:
        screen.print_json(found)
        return
    if not found["open"]:
        screen.note(f"{found['note']['vi']}\n{found['note']['en']}")
        return
    total = found["total"]
    title = f"{agency}, {found['period']}, on {found['on']}: {total['points']} of {total['max']} points"
    columns = ("what to do", "for", "units", "points", "per unit", "")
    screen.print_table(title, columns, [_way_row(way) for way in found["ways"]])
    if found["plan"]:
        screen.print_table("Plan, cheapest first", columns, [_way_row(way) for way in found["plan"]])
    screen.results.print(f"Reachable: {found['reachable']} (+{found['still_reachable']})")
    if found["left"]:
        screen.print_table(
            "Nothing raises these now", ("criterion", "points", "of", "why"),
            [
                (f"{one['module']}/{one['criterion']}", one["points"], one["max"],
                 f"{one['why']['vi']}\n{one['why']['en']}")
                for one in found["left"]
            ],
        )  # fmt: skip


def _way_row(way: dict[str, Any]) -> tuple[Any, ...]:
    text = f"{way['text']['vi']}\n{way['text']['en']}"
    hint = "" if way["direct"] else "depends on citizens"
    title = f"{way['title']['vi']}\n{way['title']['en']}"
    return text, title, way["units"], f"+{way['points']}", way["points_per_unit"], hint


@app.command(rich_help_panel=_PANEL)
def judgements(
    agency: Agency,
    period: Period = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Show self-assessed, computed and verified points of each criterion, side by side.

    Points come from the last verified judgement or from the formula; what an agency says about itself stands
    beside them. A criterion that nobody has verified makes the score incomplete.

    Example: ./run judgements so-y-te --period 2024-Q1
    """
    path = f"/v1/scores/{agency}/judgements"
    found = ask(opened(data, port_base), "scoring", path, query={"period": period})
    if json:
        screen.print_json(found)
        return
    columns = ("criterion", "self-assessed", "computed", "verified", "points", "of", "from", "status")
    rows = [
        (f"{one['module']}/{one['id']}", one["self_assessed"], one["computed"], one["verified"],
         one["points"], one["max"], one["counted"], one["status"])
        for one in found["criteria"]
    ]  # fmt: skip
    rows += [
        (one["criterion"], one["self_assessed"], None, one["verified"], None, None, None, "no such criterion")
        for one in found["elsewhere"]
    ]
    screen.print_table(f"{agency}, {found['period']}, as of {found['as_of']}", columns, rows)
    if found["missing"]:
        names = ", ".join(f"{one['module']}/{one['criterion']}" for one in found["missing"])
        screen.note(f"Incomplete: nobody has judged {names}.")


def _window(period: str | None, first: str | None, last: str | None) -> dict[str, str | None]:
    """The query of a period or a window; the quarter of today when nothing is said."""
    if (first is None) != (last is None) or (period is not None and first is not None):
        raise LaunchError("Say which time: --period 2024-Q1, or --from 2024-01-01 --to 2024-03-22.")
    return {"period": period, "from": first, "to": last}


def _change(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["before"], row["after"], row["change"], row["percent"]


def _per_portal(row: dict[str, Any] | None) -> tuple[Any, ...]:
    return (None, None, None) if row is None else (row["before"], row["after"], row["percent"])


def _scored(row: dict[str, Any]) -> bool:
    return row["points"]["before"] is not None or row["points"]["after"] is not None
