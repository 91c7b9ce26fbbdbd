"""./run check, test, bench, faults: what developers and CI call. Arguments go on to the tool."""

import os
import subprocess
import sys
import time

import typer

from deploy.local import screen
from deploy.local.layout import LaunchError
from deploy.local.system import REPOSITORY, in_this_version

app = typer.Typer()
_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
_ROOMS = ("shared", "services", "deploy", "tests", "bench")

CHECKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("format", ("ruff", "format", "--check", "--quiet", *_ROOMS)),
    ("lint", ("ruff", "check", "--quiet", *_ROOMS)),
    ("types", ("mypy",)),
    ("rooms", ("importlinter.cli", "lint")),
    ("contract pages", ("deploy.schemas", "--check")),
)


@app.command(rich_help_panel="Development")
def check() -> None:
    """Check format, lint, types, the rooms' import rules, and that generated pages are current.

    Every check runs, also after one failed.
    """
    failed = []
    for name, command in CHECKS:
        begun = time.monotonic()
        screen.note(f"{name} …")
        if _python(command) != 0:
            failed.append(name)
            screen.note(f"{name} FAILED")
        else:
            screen.note(f"{name} ok ({time.monotonic() - begun:.1f} s)")
    if failed:
        raise LaunchError(f"These checks failed: {', '.join(failed)}.")


@app.command(rich_help_panel="Development", context_settings=_PASS_ON)
def test(context: typer.Context) -> None:
    """Run the tests, on real parts: containers where a Docker engine answers, else parts of our own.

    What follows goes on to pytest: ./run test -- tests/unit -k calendar. Without it every test runs but those
    that need a Docker engine with compose, which ./run test --containers runs.
    """
    arguments = [word for word in context.args if word != "--"]
    if "--containers" in arguments:
        arguments = [word for word in arguments if word != "--containers"]
        if not any(not word.startswith("-") for word in arguments):
            arguments.append("tests/containers")
    sys.exit(_python(("pytest", *arguments)))


@app.command(rich_help_panel="Development", context_settings=_PASS_ON)
def bench(context: typer.Context) -> None:
    """Measure: every figure beside the bare library doing the same I/O in the same run."""
    sys.exit(_module("bench", context))


@app.command(rich_help_panel="Development", context_settings=_PASS_ON)
def faults(context: typer.Context) -> None:
    """Kill, freeze and starve parts of a running system; check that nothing is lost or counted twice."""
    sys.exit(_module("tests.faults", context))


def _module(name: str, context: typer.Context) -> int:
    if not in_this_version(name):
        raise LaunchError(f"{name} is not in this version.")
    return _python((name, *context.args))


def _python(command: tuple[str, ...]) -> int:
    """Run a module of the environment in the repository, with its output as it comes."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    child = subprocess.Popen([sys.executable, "-P", "-m", *command], cwd=REPOSITORY, env=environment)
    try:
        return child.wait()
    except KeyboardInterrupt:
        # The terminal told the child as well; it cleans up what it started.
        return child.wait()
