"""`./run faults`: every fault of the catalogue against a running system, and a table of what came of it.

It starts a system of its own, sends it facts over both entrances while a fault does its harm, and reckons up:
each fact must lie in its ledger once, each bad one among the rejections, every indicator must equal the count
of a second program, and what subscribers hold must equal the API. The exit status is 1 when it does not. A
run that fails names its seed, which gives the same world and the same harm again.
"""

import argparse
import asyncio
import json
import logging
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.catalogue import CATALOGUE, QUICK
from tests.faults.rig import Rig
from tests.faults.trial import Outcome, trial

FACTS = 100_000
QUICK_FACTS = 2_000


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    width = max(map(len, CATALOGUE))
    faults = "\n".join(f"  {name:{width}}  {fault.about}" for name, fault in CATALOGUE.items())
    examples = (
        "  ./run faults --quick                           a few faults, few facts: two minutes or three\n"
        "  ./run faults --quick --seeds 20                the same with twenty seeds: under an hour\n"
        "  ./run faults --fault broker-away --facts 5000  one fault, soon over\n"
        "  ./run faults --fault zombie --seed 7           a run that failed, once more\n"
        "  ./run faults                                   every fault with 100,000 facts: hours"
    )
    parser = argparse.ArgumentParser(
        prog="./run faults",
        description=__doc__.replace("`", ""),
        epilog=f"faults:\n{faults}\n\nexamples:\n{examples}\n\nMore: docs/operations/faults.md",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data",
        type=Path,
        help="where the system lives and stays (default: a new directory that goes again)",
    )
    parser.add_argument(
        "--port-base", type=int, default=18_000, help="its ports begin here (default: %(default)s)"
    )
    parser.add_argument(
        "--quick", action="store_true", help=f"{', '.join(QUICK)}, with {QUICK_FACTS} facts each"
    )
    parser.add_argument(
        "--fault", action="append", choices=CATALOGUE, metavar="FAULT", help="only this one; may be repeated"
    )
    parser.add_argument(
        "--seed", action="append", type=int, help="run with this seed; may be repeated (default: 1)"
    )
    parser.add_argument("--seeds", type=int, metavar="N", help="run with the seeds 1 to N")
    parser.add_argument(
        "--facts", type=int, help=f"facts per run (default: {FACTS}, with --quick {QUICK_FACTS})"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcome of every run to FILE")
    asked = parser.parse_args(words)
    if asked.facts is not None and asked.facts < 100:
        parser.error("--facts: at least 100, so that the harm meets something")
    return asked


def table(outcomes: list[Outcome]) -> Table:
    """A row for each fault: what its runs came to, and the longest it took to recover."""
    board = Table(title="Faults")
    names = ("fault", "runs", "seeds", "facts", "harms", "lost", "doubled", "wrong", "recovered s", "")
    for name in names:
        board.add_column(name, justify="left" if name in ("fault", "") else "right")
    for fault in dict.fromkeys(outcome.fault for outcome in outcomes):
        runs = [outcome for outcome in outcomes if outcome.fault == fault and outcome.skipped is None]
        if not runs:
            board.add_row(fault, "0", *[""] * 7, "[yellow]skipped[/]")
            continue
        sums = (sum(getattr(run, name) for run in runs) for name in ("facts", "harms", "lost", "doubled"))
        wrong = sum(len(run.wrong) + run.rejected for run in runs)
        recovered = max(run.recovered_s for run in runs)
        verdict = "[green]passed[/]" if all(run.passed for run in runs) else "[red]FAILED[/]"
        seeds = _ranges([run.seed for run in runs])
        board.add_row(
            fault, str(len(runs)), seeds, *map(str, sums), str(wrong), f"{recovered:.1f}", verdict
        )  # fmt: skip
    return board


def _ranges(seeds: list[int]) -> str:
    """1, 2, 3, 7 as `1-3, 7`."""
    told: list[list[int]] = []
    for seed in sorted(set(seeds)):
        if told and seed == told[-1][1] + 1:
            told[-1][1] = seed
        else:
            told.append([seed, seed])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in told)


async def run(rig: Rig, faults: list[str], seeds: list[int], size: int, outcomes: list[Outcome]) -> None:
    """Every fault with every seed; what came of each is in `outcomes` at once, should the rest be stopped."""
    for seed in seeds:
        for fault in faults:
            rig.say(f"{fault}, seed {seed}: sending {size} facts …")
            try:
                outcome = await trial(rig, fault, seed, size)
            except Exception as error:
                # Hours of other runs must not be lost for one that could not end.
                outcome = Outcome(fault, seed, wrong=[f"the run broke off: {_innermost(error)!r}"])
                rig.begin_afresh()
            outcomes.append(outcome)
            tell(rig, outcome, size)


def _innermost(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def tell(rig: Rig, outcome: Outcome, size: int) -> None:
    """What came of one run, for who watches."""
    if outcome.skipped is not None:
        rig.say(f"  skipped: {outcome.skipped}")
        return
    for line in outcome.remarks:
        rig.say(f"  {line}")
    for line in outcome.wrong[:20]:
        rig.say(f"  wrong: {line}")
    if outcome.passed:
        rig.say(f"  passed in {outcome.seconds:.0f} s, recovered in {outcome.recovered_s:.1f} s")
    else:
        rig.say(
            f"  FAILED: {outcome.lost} lost, {outcome.doubled} doubled, {outcome.rejected} good ones "
            f"refused, {len(outcome.wrong)} wrong. Once more: ./run faults --fault {outcome.fault} "
            f"--seed {outcome.seed} --facts {size}"
        )


def main() -> int:
    asked = arguments()
    # Asked to end, it takes its system down as well.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    faults = asked.fault or list(QUICK if asked.quick else CATALOGUE)
    size = asked.facts or (QUICK_FACTS if asked.quick else FACTS)
    seeds = asked.seed or list(range(1, (asked.seeds or 1) + 1))
    data = asked.data or Path(tempfile.mkdtemp(prefix="bus-faults-"))
    if asked.data is None:
        # Whoever runs PostgreSQL in place of root must be able to get there.
        data.chmod(0o755)
    rig = Rig(data, asked.port_base)
    # A client that loses its broker would fill the screen with what the fault means to do.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    outcomes: list[Outcome] = []
    whole = False
    try:
        rig.up("--no-report")
        asyncio.run(run(rig, faults, seeds, size, outcomes))
        whole = True
    except KeyboardInterrupt:
        rig.say(f"Stopped after {len(outcomes)} of {len(faults) * len(seeds)} runs.")
    finally:
        rig.down()
        if asked.data is None and outcomes and all(outcome.passed for outcome in outcomes):
            shutil.rmtree(data, ignore_errors=True)
        else:
            rig.say(f"What the system wrote, its logs among it, stays in {data}.")
    # Into a file as wide as it needs to be: a table that is cut says nothing.
    Console(width=None if sys.stdout.isatty() else 110).print(table(outcomes))
    if asked.json:
        asked.json.write_text(
            json.dumps([outcome.json() for outcome in outcomes], indent=1), encoding="utf-8"
        )
    return 0 if whole and all(outcome.passed for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
