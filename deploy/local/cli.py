"""./run: every command, and how errors are told."""

import os
import signal
import sys
from inspect import cleandoc
from types import FrameType
from typing import NoReturn

import typer

from deploy.local import (
    commands_audit_trail,
    commands_compare,
    commands_deadlines,
    commands_demo,
    commands_disputes,
    commands_evidence,
    commands_officer,
    commands_parked,
    commands_periods,
    commands_publish,
    commands_publisher,
    commands_rules,
    commands_scores,
    commands_signals,
    commands_system,
    commands_work,
    screen,
)
from deploy.local.layout import LaunchError
from shared.runtime import logs

app = typer.Typer(
    name="./run",
    help="Facts of content, questions and dossiers in; live scores of agencies out.\n\n"
    "Begin with [bold]./run demo[/]: it starts everything on this machine and replays a real quarter. "
    "[bold]./run COMMAND --help[/] explains each command.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
ROOMS = (
    commands_demo,
    commands_system,
    commands_publish,
    commands_scores,
    commands_evidence,
    commands_signals,
    commands_compare,
    commands_deadlines,
    commands_officer,
    commands_work,
)
for room in ROOMS:
    app.registered_commands += room.app.registered_commands
app.add_typer(commands_publisher.app, name="publisher", rich_help_panel="Facts")
app.add_typer(commands_parked.app, name="parked", rich_help_panel="Facts")
app.add_typer(commands_periods.app, name="periods", rich_help_panel="Scores")
app.add_typer(commands_disputes.app, name="disputes", rich_help_panel="Scores")
app.add_typer(commands_rules.app, name="rules", rich_help_panel="Scores")
app.add_typer(commands_audit_trail.app, name="audit-trail", rich_help_panel="System")


def _flowing(text: str) -> str:
    """A docstring's paragraphs, each on one line: the screen breaks them where it needs to."""
    paragraphs = cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


for each in (app, commands_publisher.app, commands_parked.app, commands_audit_trail.app, commands_rules.app):
    for command in each.registered_commands:
        command.help = _flowing((command.callback and command.callback.__doc__) or "")


def main() -> NoReturn:
    """Run one command. Faults a user can mend are told in one line, with exit code 1."""
    logs.quiet()
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        app(prog_name="./run")
    except LaunchError as error:
        screen.note(f"error: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        screen.note("Stopped.")
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has gone (`./run scores | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(0)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """A command that is told to end stops what it started, as with Ctrl-C."""
    del number, frame
    raise KeyboardInterrupt
