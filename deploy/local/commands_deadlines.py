"""./run deadline: how a due instant came about, step by step."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from deploy.local import screen
from deploy.local.api import ask
from deploy.local.layout import LaunchError
from deploy.local.options import DATA_DEFAULT, Data, Json, PortBase, opened

app = typer.Typer()
SERVICE_OF_KIND = {"question": "qa", "dossier": "dossier", "dispute": "content"}


@app.command(rich_help_panel="Scores")
def deadline(
    kind: Annotated[str, typer.Argument(help="question, dossier or dispute.")],
    entity: Annotated[str, typer.Argument(help="Its id, as the agency gave it.")],
    agency: Annotated[str | None, typer.Option(help="Where several agencies use the id.")] = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Show a deadline step by step: the term, days passed over, pauses, extensions, and how it stands.

    The hours of the steps add up to the whole term. --json has every single day as well.

    Example: ./run deadline dossier 000.00.16.H38-240115-0042
    """
    service = SERVICE_OF_KIND.get(kind)
    if service is None:
        raise LaunchError(f"{kind}: choose one of {', '.join(SERVICE_OF_KIND)}.")
    path = f"/v1/entities/{kind}/{quote(entity, safe='')}/deadline"
    found = ask(opened(data, port_base), service, path, query={"agency": agency})
    if json:
        screen.print_json(found)
        return
    show_steps(found)


def show_steps(found: dict[str, Any]) -> None:
    """The steps of a deadline as a table, and the calendar behind them."""
    rows = [
        (f"{step['adds_seconds'] / 3600:+.2f}" if step["adds_seconds"] else "", step["vi"], step["en"])
        for step in found["steps"]
    ]
    whole = (found["term_seconds"] or 0) / 3600
    screen.print_table("", ("hours", "bước", "step"), [*rows, (f"{whole:.2f}", "Tổng thời hạn", "The term")])
    screen.note(f"Calendar {found['calendar']}; the deadline was computed with {found['computed_with']}.")
