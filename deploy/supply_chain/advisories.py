"""Known vulnerabilities, offline: the locks held against a directory of OSV documents.

Where nothing can be asked, somebody brings the database in: the OSV export of the ecosystem PyPI, unpacked,
one JSON document an advisory (https://ossf.github.io/osv-schema/).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from deploy.supply_chain.locks import Part, normal


@dataclass(frozen=True, slots=True)
class Finding:
    """An advisory that a part is affected by."""

    part: Part
    advisory: str
    summary: str
    fixed_in: tuple[str, ...]


def read(directory: Path) -> Iterator[Mapping[str, Any]]:
    """Every document of a directory. Raises ValueError that names the file that is none."""
    for path in sorted(directory.rglob("*.json")):
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path.name} is not JSON: {error}") from error
        if isinstance(found, dict):
            yield found


def findings(parts: Iterable[Part], documents: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """What affects the parts. Withdrawn advisories do not count."""
    by_name: dict[str, list[Part]] = {}
    for part in parts:
        if part.purl.startswith("pkg:pypi/"):
            by_name.setdefault(part.name, []).append(part)
    found = []
    for document in documents:
        if document.get("withdrawn"):
            continue
        for affected in document.get("affected", ()):
            package = affected.get("package", {})
            if package.get("ecosystem") != "PyPI":
                continue
            for part in by_name.get(normal(str(package.get("name", ""))), ()):
                if is_affected(part.version, affected):
                    summary = str(document.get("summary") or document.get("details", ""))[:200]
                    found.append(Finding(part, str(document.get("id")), summary, _fixes(affected)))
    return sorted(set(found), key=lambda one: (one.part.purl, one.advisory))


def is_affected(version: str, affected: Mapping[str, Any]) -> bool:
    """Whether a version is named, or lies in a range from where it was introduced to where it was fixed."""
    if version in affected.get("versions", ()):
        return True
    return any(
        _in_range(version, one.get("events", ()))
        for one in affected.get("ranges", ())
        if one.get("type") == "ECOSYSTEM"
    )


def _in_range(version: str, events: Iterable[Mapping[str, str]]) -> bool:
    try:
        mine = Version(version)
        steps = [
            (Version("0") if at == "0" else Version(at), kind)
            for event in events
            for kind, at in event.items()
            if kind in ("introduced", "fixed", "last_affected")
        ]
    except InvalidVersion:
        return False
    inside = False
    for at, kind in sorted(steps, key=lambda step: (step[0], step[1] == "introduced")):
        if kind == "introduced" and mine >= at:
            inside = True
        elif (kind == "fixed" and mine >= at) or (kind == "last_affected" and mine > at):
            inside = False
    return inside


def _fixes(affected: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        event["fixed"]
        for one in affected.get("ranges", ())
        for event in one.get("events", ())
        if "fixed" in event
    )
