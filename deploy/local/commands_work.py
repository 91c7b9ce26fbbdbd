"""./run check, test, bench, faults, report, audit: what other programs of the repository do.

Their own options go on to them."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Annotated

import typer

from deploy.local import control, screen
from deploy.local.layout import LaunchError
from deploy.local.options import DATA_DEFAULT, Data, Json, PortBase, opened
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
def check(data: Data = DATA_DEFAULT, port_base: PortBase = None) -> None:
    """Check format, lint, types, the rooms' import rules, and that generated pages are current.

    Every check runs, also after one failed. Needs no running system.
    """
    del data, port_base
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


@app.command("test", rich_help_panel="Development", context_settings=_PASS_ON)
def run_tests(context: typer.Context, data: Data = DATA_DEFAULT, port_base: PortBase = None) -> None:
    """Run the tests, on real parts: containers where a Docker engine answers, else parts of our own.

    What follows goes on to pytest: ./run test -- tests/unit -k calendar. Without it every test runs but those
    that need a Docker engine with compose, which ./run test --containers runs.
    """
    del data, port_base
    arguments = [word for word in context.args if word != "--"]
    if "--containers" in arguments:
        arguments = [word for word in arguments if word != "--containers"]
        if not any(not word.startswith("-") for word in arguments):
            arguments.append("tests/containers")
    sys.exit(_python(("pytest", *arguments)) if arguments else _all_tests())


def _all_tests() -> int:
    """Run every test, in two processes side by side: most tests wait for a service, a browser or a disk.

    What the second process says is shown when the first has ended. Every folder of tests belongs to one of
    the two, so that a new one is not forgotten.
    """
    folders = sorted(
        {path.relative_to(REPOSITORY).parts[1] for path in REPOSITORY.glob("tests/*/**/test_*.py")}
    )
    others = [f"tests/{name}" for name in folders if name not in ("integration", "containers")]
    with tempfile.TemporaryFile() as told:
        beside = _begin(("pytest", *others), told)
        status = _python(("pytest", "tests/integration"))
        screen.note("The other tests, which ran beside these …")
        status = beside.wait() or status
        told.seek(0)
        shutil.copyfileobj(told, sys.stdout.buffer)
    return status


@app.command(rich_help_panel="Development", context_settings=_PASS_ON)
def bench(context: typer.Context) -> None:
    """Measure: every figure beside the bare library doing the same I/O in the same run."""
    sys.exit(_module("bench", context.args))


@app.command(
    rich_help_panel="Development",
    context_settings=_PASS_ON | {"help_option_names": []},
    add_help_option=False,
)
def faults(context: typer.Context) -> None:
    """Kill, freeze and starve parts of a running system; check that nothing is lost or counted twice.

    --help lists the faults and the options.
    """
    sys.exit(_module("tests.faults", context.args))


@app.command(rich_help_panel="Scores", context_settings=_PASS_ON)
def audit(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A report: .docx or UTF-8 text.")],
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Audit a report that exists: which of its sums, shares and changes recompute, and which do not.

    Needs no running system. --checks lists also what holds, --strict ends with 1 when something does not.
    """
    del data, port_base
    asked = ("--json",) if json else ()
    sys.exit(_module("services.report.audit", [str(file.absolute()), *asked, *context.args]))


@app.command(rich_help_panel="Scores", context_settings=_PASS_ON)
def report(
    context: typer.Context,
    period: Annotated[
        str, typer.Option("--period", help="A quarter 2024-Q1, a half 2024-H1 or a year 2024.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Directory for the documents; made when missing.")],
    last: Annotated[str | None, typer.Option("--to", help="Last day that counts, 2024-03-22.")] = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Write the report of a period, its annexes and data: .docx, .xlsx, CSV, JSON, and PDF where it can be.

    An officer's prose of an earlier edition in the same directory stays. --no-pdf writes no PDF.

    Example: ./run report --period 2024-Q1 --to 2024-03-22 --out reports
    """
    layout = opened(data, port_base)
    control.require_running(layout)
    words = ["--scoring-url", layout.url("scoring"), "--period", period, "--out", str(out.absolute())]
    words += ["--to", last] if last else []
    words += ["--json"] if json else []
    sys.exit(_module("services.report.documents", [*words, *context.args]))


def _module(name: str, words: Sequence[str]) -> int:
    if not in_this_version(name):
        raise LaunchError(f"{name} is not in this version.")
    return _python((name, *words))


def _begin(command: tuple[str, ...], told: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    """Start a module of the environment in the repository; what it says goes to `told` or the terminal."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", *command],
        cwd=REPOSITORY, env=environment, stdout=told, stderr=None if told is None else subprocess.STDOUT,
    )  # fmt: skip


def _python(command: tuple[str, ...]) -> int:
    """Run a module of the environment in the repository, with its output as it comes."""
    child = _begin(command)
    try:
        return child.wait()
    except KeyboardInterrupt:
        # The terminal told the child as well; it cleans up what it started.
        return child.wait()
