"""`./run bench`: the measurements, one after the other, each on a fresh PostgreSQL and a fresh broker.

    python -m bench [NAME …] [--quick] [--json FILE] [--port-base N]

Nothing here passes or fails: what is printed and written are figures and ratios. Compare only within one run.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import dashboards, explanation, fold, footprint, ingest, latency

Measurement = Callable[[bool, int], dict[str, Any]]

MEASUREMENTS: dict[str, tuple[str, Measurement]] = {
    "fold": (
        "changes to committed scores, one and two processes; rebuild",
        lambda quick, port: fold.measure(60_000 if quick else 400_000, port),
    ),
    "ingest": (
        "facts to a durable ledger, over Kafka and over HTTP",
        lambda quick, port: ingest.measure(15_000 if quick else 100_000, port),
    ),
    "latency": (
        "from the send to the score that a subscriber sees, open loop",
        lambda quick, port: latency.measure((200, 1_000), 5 if quick else 20, port),
    ),
    "explanation": (
        "why each point, and the evidence behind it, on the replayed quarter",
        lambda quick, port: explanation.measure(quick, port),
    ),
    "dashboards": (
        "200 open dashboards at 50 changed scores a second: how far behind, and what it costs",
        lambda quick, port: dashboards.measure(6 if quick else 20, port),
    ),
    "footprint": (
        "memory and disk per million facts",
        lambda quick, port: footprint.measure(15_000 if quick else 100_000, port),
    ),
}


def flat(found: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """The figures as rows, nested names joined by dots."""
    rows = []
    for name, value in found.items():
        if isinstance(value, dict):
            rows += flat(value, f"{prefix}{name}.")
        else:
            rows.append((prefix + name, f"{value:,}" if isinstance(value, int) else str(value)))
    return rows


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./run bench",
        description=__doc__.split("\n\n")[0],
        epilog="\n".join(f"{name}: {text}" for name, (text, _) in MEASUREMENTS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="*", help="only these measurements (default: all)")
    parser.add_argument("--quick", action="store_true", help="smaller loads: minutes become seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    parser.add_argument("--port-base", type=int, default=17_000)
    asked = parser.parse_args()
    if unknown := set(asked.name) - set(MEASUREMENTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose from {', '.join(MEASUREMENTS)}")
    return asked


def main() -> int:
    asked = arguments()
    found: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
    }
    for name in asked.name or MEASUREMENTS:
        text, measure = MEASUREMENTS[name]
        sys.stderr.write(f"{name}: {text} …\n")
        begun, load = time.monotonic(), os.getloadavg()[0]
        found[name] = {**measure(asked.quick, asked.port_base), "load_before": round(load, 1)}
        board = Table(title=f"{name} ({time.monotonic() - begun:.0f} s)", show_header=False)
        for row in flat(found[name]):
            board.add_row(*row)
        Console().print(board)
        if asked.json:
            asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
