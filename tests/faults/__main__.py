"""`./run faults`: every fault of the catalogue against a running system, and a table of what came of it.

    python -m tests.faults --data DIR --port-base N [--quick] [--fault NAME …] [--seed N …] [--facts N]

It starts a system of its own in DIR, and ends it. The exit status is 1 when anything was lost, counted
twice or counted wrongly; the failing seed is printed and gives the same world again.
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.catalogue import CATALOGUE, QUICK
from tests.faults.rig import Rig
from tests.faults.trial import Outcome, trial


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run faults", description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--data", type=Path, help="where the system lives (default: a new temporary directory)"
    )
    parser.add_argument("--port-base", type=int, default=18_000)
    parser.add_argument("--quick", action="store_true", help="a few faults with few facts, as CI runs them")
    parser.add_argument(
        "--fault", action="append", choices=sorted(CATALOGUE), help="only this one (repeatable)"
    )
    parser.add_argument("--seed", action="append", type=int, help="the seeds to run (repeatable; default 1)")
    parser.add_argument("--facts", type=int, help="facts per trial (default 100000; with --quick 4000)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcomes to FILE")
    return parser.parse_args()


def table(outcomes: list[Outcome]) -> Table:
    board = Table(title="Faults")
    names = (
        "fault",
        "seed",
        "facts",
        "sent",
        "poison",
        "harms",
        "lost",
        "doubled",
        "wrong",
        "recovery s",
        "s",
        "",
    )
    for name in names:
        board.add_column(name, justify="left" if name == "fault" else "right")
    for o in outcomes:
        numbers = (o.seed, o.facts, o.sent, o.poison, o.harms, o.lost, o.doubled, len(o.wrong) + o.rejected)
        verdict = "[green]passed[/]" if o.passed else "[red]FAILED[/]"
        board.add_row(o.fault, *map(str, numbers), f"{o.recovered_s:.1f}", f"{o.seconds:.1f}", verdict)
    return board


async def run(rig: Rig, faults: list[str], seeds: list[int], size: int) -> list[Outcome]:
    outcomes = []
    number = 0
    for seed in seeds:
        for fault in faults:
            # A world of its own for every trial: the ids must not meet those of an earlier one.
            number += 1
            rig.say(f"{fault}, seed {seed}: sending {size} facts …")
            outcome = await trial(rig, fault, seed * 1_000 + list(CATALOGUE).index(fault), size)
            outcomes.append(outcome)
            for line in outcome.wrong[:20]:
                rig.say(f"  wrong: {line}")
            rig.say(f"  {'passed' if outcome.passed else 'FAILED'} in {outcome.seconds:.0f} s")
    return outcomes


def main() -> int:
    asked = arguments()
    faults = asked.fault or list(QUICK if asked.quick else CATALOGUE)
    size = asked.facts or (4_000 if asked.quick else 100_000)
    data = asked.data or Path(tempfile.mkdtemp(prefix="bus-faults-"))
    rig = Rig(data, asked.port_base)
    rig.up("--no-report")
    try:
        outcomes = asyncio.run(run(rig, faults, asked.seed or [1], size))
    finally:
        rig.down()
        if asked.data is None:
            shutil.rmtree(data, ignore_errors=True)
    Console().print(table(outcomes))
    if asked.json:
        asked.json.write_text(
            json.dumps([outcome.json() for outcome in outcomes], indent=1), encoding="utf-8"
        )
    return 0 if all(outcome.passed for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
