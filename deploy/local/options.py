"""The options that every command understands, and how a command ends."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.local.layout import DEFAULT_DATA, Layout, open_layout
from deploy.local.system import REPOSITORY

Data = Annotated[
    Path,
    typer.Option(
        "--data", envvar="BUS_DATA", help="Directory of the system to talk about.", show_default=DEFAULT_DATA
    ),
]
PortBase = Annotated[
    int | None,
    typer.Option(
        "--port-base",
        help="Services listen at N+1 to N+4, the dashboard at N+80, PostgreSQL at N+90, Kafka at N+92. "
        "Remembered in the data directory.",
        show_default="8000, or as remembered",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Broker = Annotated[
    str,
    typer.Option(
        "--broker",
        help="auto: Apache Kafka where Java 17+ and Maven are, else the wheel's broker (topics in memory). "
        "Or say which: apache, mesh, or host:port of a broker that runs already.",
    ),
]
Scale = Annotated[
    list[str], typer.Option("--scale", help="SERVICE=N: run N processes of a service. May be repeated.")
]
Report = Annotated[bool, typer.Option("--report/--no-report", help="With the dashboard, or without.")]

# In the repository, wherever the command was called from; a directory the user names is as seen from there.
DATA_DEFAULT = REPOSITORY / DEFAULT_DATA


def opened(data: Path, port_base: int | None) -> Layout:
    """The layout that the two options name."""
    return open_layout(data, port_base)
