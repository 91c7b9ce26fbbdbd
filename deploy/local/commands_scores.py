"""./run scores, explain, what-if, verify-seal, rebuild: asking the scoring service."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.local import control, screen
from deploy.local.api import ask
from deploy.local.layout import LaunchError, Layout
from deploy.local.options import DATA_DEFAULT, Data, Json, PortBase, opened
from deploy.local.stages import Stages
from shared.contracts.topics import MODULES

app = typer.Typer()
_PANEL = "Scores"
_SETTLE_SECONDS = 900.0
_REBUILD_NOTICE_SECONDS = 2.0

Period = Annotated[
    str | None, typer.Option("--period", help="A quarter 2024-Q1, a half 2024-H1 or a year 2024.")
]
From = Annotated[str | None, typer.Option("--from", help="First day of a window, 2024-01-01.")]
To = Annotated[
    str | None, typer.Option("--to", help="Last day of a window; what happened later does not count.")
]


@app.command(rich_help_panel=_PANEL)
def scores(
    period: Period = None,
    first: From = None,
    last: To = None,
    group: Annotated[str | None, typer.Option(help="Only one group: departments, districts, …")] = None,
    parent: Annotated[
        str | None, typer.Option(help="The communes of this district, by its own rules: huyen-bat-xat.")
    ] = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Show the league table of a period: points of each module, bonus included, and rank in the group.

    Example: ./run scores --period 2024-Q1
    """
    query = {**_window(period, first, last), "group": group, "parent": parent}
    found = ask(opened(data, port_base), "scoring", "/v1/scores", query=query)
    if json:
        screen.print_json(found)
        return
    modules = sorted({name for row in found["scores"] for name in row["modules"]})
    rows = [_score_row(row, modules) for row in sorted(found["scores"], key=_by_rank)]
    title = f"{found.get('period') or ''} {found['from']} to {found['to']}, as of {found['as_of']}"
    screen.print_table(title.strip(), ("group", "rank", "agency", *modules, "total", "of", ""), rows)


def _by_rank(row: dict[str, Any]) -> tuple[str, int, str]:
    return str(row["group"]), int(row["rank"] or 10**6), str(row["agency"])


def _score_row(row: dict[str, Any], modules: list[str]) -> list[Any]:
    points = [row["modules"].get(name, {}).get("points") for name in modules]
    total = row["total"]
    state = "" if row["complete"] else "incomplete"
    return [row["group"], row["rank"], row["agency"], *points, total["points"], total["max"], state]


@app.command(rich_help_panel=_PANEL)
def explain(
    agency: Annotated[str, typer.Argument(help="Slug of the agency, for example so-y-te.")],
    period: Period = None,
    first: From = None,
    last: To = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Show where the points of an agency come from: criterion, formula with its numbers, points.

    Example: ./run explain so-y-te --period 2024-Q1
    """
    path = f"/v1/scores/{agency}/explanation"
    found = ask(opened(data, port_base), "scoring", path, query=_window(period, first, last))
    if json:
        screen.print_json(found)
        return
    for name, module in found["modules"].items():
        rows = [
            (
                row["id"],
                f"{row['rule']['vi']}\n{row['rule']['en']}",
                row["formula"],
                row["points"],
                row["max"],
                row["status"],
            )
            for row in module["criteria"]
        ]
        title = f"{name}: {module['sum']} = {module['points']} of {module['max']} ({module['ruleset']})"
        screen.print_table(title, ("criterion", "rule", "formula", "points", "of", "status"), rows)
    total = found["total"]
    complete = "" if found["complete"] else ", incomplete"
    screen.results.print(f"{agency}: {found['total_sum']} = {total['points']} of {total['max']}{complete}")


@app.command("what-if", rich_help_panel=_PANEL)
def what_if(
    ruleset: Annotated[Path, typer.Argument(help="A draft rule set, YAML or JSON.")],
    period: Period = None,
    first: From = None,
    last: To = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Score a period again under a draft rule set, without touching anything live.

    Example: ./run what-if my-questions.yaml --period 2024-Q1
    """
    try:
        draft = ruleset.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LaunchError(f"{ruleset} cannot be read: {error}.") from error
    window = {name: value for name, value in _window(period, first, last).items() if value}
    body = {**window, "ruleset": draft}
    found = ask(opened(data, port_base), "scoring", "/v1/what-if", method="POST", body=body)
    if json:
        screen.print_json(found)
        return
    rows = [
        (
            row["group"],
            row["agency"],
            (row["before"] or {}).get("points"),
            (row["after"] or {}).get("points"),
            row["rank_before"],
            row["rank_after"],
        )
        for row in found["changes"]
    ]
    columns = ("group", "agency", "points before", "after", "rank before", "after")
    screen.print_table(f"{found['ruleset']}, {found['from']} to {found['to']}", columns, rows)
    screen.note(f"{len(rows)} of {found['scored']} agencies change points or rank.")


@app.command("verify-seal", rich_help_panel=_PANEL)
def verify_seal(
    period: Annotated[str, typer.Argument(help="A closed period, for example 2024-Q1.")],
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Recompute the seal of a closed period and compare it with the one published at the close.

    Exit code 1 when they differ.
    """
    found = ask(opened(data, port_base), "scoring", f"/v1/periods/{period}/verify-seal", method="POST")
    if json:
        screen.print_json(found)
    else:
        screen.note(f"{period}: the seal {'holds' if found['valid'] else 'DOES NOT HOLD'}.")
        rows = [(name, found[name]) for name in ("sealed", "kept", "computed")]
        screen.print_table("", ("", "SHA-256"), rows)
    if not found["valid"]:
        raise typer.Exit(1)


@app.command(rich_help_panel=_PANEL)
def rebuild(
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Drop everything that scoring has derived and work it out again from the bus.

    Who ends with the same score keeps its revision. A bus that forgot its topics is filled again from the
    ledgers first.
    """
    layout = opened(data, port_base)
    control.require_running(layout)
    if not control.report_of(layout).get("durable", True):
        for module in MODULES:
            ask(layout, module, "/v1/emit-again", method="POST")
        _settle(layout, "sending every entity again")
    begun = time.monotonic()
    told = ask(layout, "scoring", "/v1/rebuild", method="POST")
    # Every scoring process ends and is started again; until then the old ones still answer.
    time.sleep(_REBUILD_NOTICE_SECONDS)
    _settle(layout, "folding again")
    told["seconds"] = round(time.monotonic() - begun, 1)
    if json:
        screen.print_json(told)
    else:
        screen.note(f"Rebuilt in {told['seconds']} s.")


def _settle(layout: Layout, what: str) -> None:
    with Stages(screen.notes) as progress:
        most = 0

        def tell(left: int) -> None:
            nonlocal most
            most = max(most, left)
            progress(what, most - left, most)

        control.wait_settled(layout, seconds=_SETTLE_SECONDS, tell=tell)


def _window(period: str | None, first: str | None, last: str | None) -> dict[str, str | None]:
    """The query of a period or a window; one of the two is needed."""
    if (period is None) == (first is None and last is None):
        raise LaunchError("Say which time: --period 2024-Q1, or --from 2024-01-01 --to 2024-03-22.")
    if period is None and (first is None or last is None):
        raise LaunchError("A window needs both --from and --to.")
    return {"period": period, "from": first, "to": last}
