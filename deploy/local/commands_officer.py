"""./run officer: accounts of the people who act on the dashboard."""

import os
import subprocess
import sys

import typer

from deploy.local import control
from deploy.local.layout import LaunchError, load_secrets
from deploy.local.options import DATA_DEFAULT, Data, PortBase, opened
from deploy.local.postgres import cluster_of
from deploy.local.system import REPOSITORY, in_this_version

app = typer.Typer()
ACCOUNTS = "services.report.accounts"


@app.command(
    rich_help_panel="System",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
def officer(context: typer.Context, data: Data = DATA_DEFAULT, port_base: PortBase = None) -> None:
    """Accounts of people who act on the dashboard: add, list, password, disable.

    Reading needs no account. ./run officer add --help lists the roles.

    Example: ./run officer add lan --role officer --full-name 'Nguyễn Thị Lan'
    """
    if not in_this_version("services.report"):
        raise LaunchError("The dashboard is not in this version.")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "BUS_PROGRAM": "./run officer"}
    if "--help" not in context.args and context.args:
        layout = opened(data, port_base)
        control.require_running(layout)
        secrets = load_secrets(layout)
        environment["BUS_DATABASE"] = cluster_of(layout, secrets.admin).url("report", secrets.roles["report"])
    words = context.args or ["--help"]
    command = [sys.executable, "-P", "-m", ACCOUNTS, *words]
    sys.exit(subprocess.run(command, cwd=REPOSITORY, env=environment, check=False).returncode)
