"""Licences: what each package is under, which of them we take, and the list for readers.

`licences.yaml` is written from what the installed packages say of themselves; where they say it in old words,
those are translated here, and what cannot be read is looked up by a person and put into `LOOKED_UP`.
"""

import re
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from deploy.supply_chain.locks import ROOT, Part

FILE = Path(__file__).with_name("licences.yaml")
PAGE = ROOT / "docs" / "operations" / "licences.md"

TAKEN = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC",
        "LGPL-2.1-only", "LicenseRef-Public-Domain", "MIT",
        "MIT-0", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib",
    }
)  # fmt: skip
"""SPDX names of licences that packages which run may have. LGPL and MPL: used unchanged, as libraries."""

_OLD_WORDS = {
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd license": "BSD-3-Clause",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
    "zlib/libpng license": "Zlib",
}
LOOKED_UP = {
    "atheris": "Apache-2.0",
    "colorama": "BSD-3-Clause",
    "axe-playwright-python": "MIT",
    "docutils": "LicenseRef-Public-Domain AND BSD-2-Clause AND 0BSD",
    "kubernetes-validate": "Apache-2.0",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "pywin32": "PSF-2.0",
}
"""Read by a person in the packages themselves."""


def kept() -> dict[str, str]:
    """The expression of each package, as the file has it."""
    found: dict[str, str] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def stated(name: str) -> str | None:
    """The SPDX expression of an installed package; None when it is not installed or says nothing known."""
    if name in LOOKED_UP:
        return LOOKED_UP[name]
    try:
        # A message of headers; its type promises less than it has.
        told: Any = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    expression: str | None = told.get("License-Expression")
    if expression:
        return expression
    words = [(told.get("License") or "").strip()]
    words += [
        line.rpartition("::")[2].strip()
        for line in told.get_all("Classifier") or ()
        if line.startswith("License")
    ]
    for word in words:
        if word in TAKEN:
            return word
        if word.lower() in _OLD_WORDS:
            return _OLD_WORDS[word.lower()]
    return None


def is_taken(expression: str) -> bool:
    """Whether an SPDX expression of AND, OR and brackets gives us what we take."""
    tokens = re.findall(r"\(|\)|[^\s()]+", expression)
    place = 0

    def choice() -> bool:
        nonlocal place
        value = both()
        while place < len(tokens) and tokens[place] == "OR":
            place += 1
            value = both() or value
        return value

    def both() -> bool:
        nonlocal place
        value = one()
        while place < len(tokens) and tokens[place] == "AND":
            place += 1
            value = one() and value
        return value

    def one() -> bool:
        nonlocal place
        if place >= len(tokens):
            return False
        token = tokens[place]
        place += 1
        if token != "(":
            return token in TAKEN
        value = choice()
        place += 1
        return value

    return choice() and place == len(tokens)


def problems(found: Iterable[Part], known: Mapping[str, str]) -> list[str]:
    """Packages without a licence on the list, and packages that run under a licence that we do not take."""
    told = []
    for part in found:
        if not part.purl.startswith("pkg:pypi/"):
            continue
        expression = known.get(part.name)
        if expression is None:
            told.append(f"{part.name} has no licence on the list")
        elif part.scope != "excluded" and not is_taken(expression):
            told.append(f"{part.name} is under {expression}, which is not taken for what runs")
    return told


def page(found: Iterable[Part], known: Mapping[str, str]) -> str:
    """The list for readers."""
    lines = [
        "# Licences of what the bus is built from",
        "",
        "Written by `python -m deploy.supply_chain licences --write`: what `./run` and the images use.",
        "Packages for developers only are in `deploy/supply_chain/licences.yaml`. Images of others:",
        "`apache/kafka` (Apache-2.0), `postgres` (PostgreSQL licence), `python` (PSF-2.0), each with what",
        "its distribution carries.",
        "",
        "| package | licence | in |",
        "|---|---|---|",
    ]
    places = {"required": "images", "optional": "./run"}
    for part in found:
        if part.purl.startswith("pkg:pypi/") and part.scope in places:
            lines.append(f"| {part.name} | {known.get(part.name, '?')} | {places[part.scope]} |")
    return "\n".join(lines) + "\n"
