"""What the bus is built from.

    python -m deploy.supply_chain sbom --out out/sbom.cdx.json
    python -m deploy.supply_chain licences [--write]
    python -m deploy.supply_chain vulnerabilities --advisories DIR

`sbom` writes a CycloneDX document from the locks. `licences` fails when a package has none on the list or one
that we do not take. `vulnerabilities` holds the locks against OSV documents that somebody brought in; without
them it says so and ends with 3.
"""

import argparse
import json
import sys
from pathlib import Path

import yaml

from deploy.supply_chain import advisories, bom, licences
from deploy.supply_chain.locks import parts

NOTHING_TO_ASK = 3


def sbom(asked: argparse.Namespace) -> int:
    """Write the bill of materials."""
    out: Path = asked.out
    out.parent.mkdir(parents=True, exist_ok=True)
    document = bom.document(licences.kept())
    out.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{out}: {len(document['components'])} components", file=sys.stderr)
    return 0


def check_licences(asked: argparse.Namespace) -> int:
    """Check the licences; with --write, take them from the installed packages first."""
    found = parts()
    if asked.write:
        known = licences.kept() if licences.FILE.exists() else {}
        names = {part.name for part in found if part.purl.startswith("pkg:pypi/")}
        fresh = {name: licences.stated(name) or known.get(name) for name in sorted(names)}
        told = {name: expression for name, expression in fresh.items() if expression}
        head = "# SPDX expressions. Written by `python -m deploy.supply_chain licences --write`.\n"
        licences.FILE.write_text(head + yaml.safe_dump(told, sort_keys=True), encoding="utf-8")
        licences.PAGE.write_text(licences.page(found, told), encoding="utf-8")
    problems = licences.problems(found, licences.kept())
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(found)} parts, {len(problems)} problems", file=sys.stderr)
    return 1 if problems else 0


def vulnerabilities(asked: argparse.Namespace) -> int:
    """Hold the locks against advisories."""
    directory: Path = asked.advisories
    if not directory.is_dir():
        print(
            f"{directory}: no advisories lie there, nothing was checked. Unpack the OSV export of PyPI.",
            file=sys.stderr,
        )
        return NOTHING_TO_ASK
    found = advisories.findings(parts(), advisories.read(directory))
    for one in found:
        fixed = f"; fixed in {', '.join(one.fixed_in)}" if one.fixed_in else ""
        print(f"{one.part.name} {one.part.version} ({one.part.scope}): {one.advisory} {one.summary}{fixed}")
    print(f"{len(found)} known vulnerabilities", file=sys.stderr)
    return 1 if found else 0


def main() -> int:
    """Run a command."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.supply_chain",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    one = commands.add_parser("sbom", help="write a CycloneDX bill of materials")
    one.add_argument("--out", type=Path, required=True)
    one.set_defaults(run=sbom)
    one = commands.add_parser("licences", help="check the licences of the locks")
    one.add_argument("--write", action="store_true", help="take them from the installed packages first")
    one.set_defaults(run=check_licences)
    one = commands.add_parser("vulnerabilities", help="hold the locks against OSV documents")
    one.add_argument("--advisories", type=Path, required=True, help="directory of OSV JSON documents")
    one.set_defaults(run=vulnerabilities)
    asked = parser.parse_args()
    return int(asked.run(asked))


if __name__ == "__main__":
    sys.exit(main())
