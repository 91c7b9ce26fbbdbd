"""Entries and the chain that their hashes make. Pure.

    sha256(entry n) = SHA-256( sha256(entry n-1) "\\n" role "\\n" canonical JSON of entry n )

An entry that is changed, removed, added or moved afterwards breaks the chain at its place. Who can rewrite
every entry from some place to the end can make a new chain; a hash that was noted elsewhere (a witness) tells
that too.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

START = "0" * 64
"""What the first entry is chained to."""

MAX_FINDINGS = 20
_WITNESS = re.compile(r"(\d{1,18}):([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did. `before` and `after` are JSON values; never a password or a key."""

    service: str
    actor: str
    action: str
    subject: str
    reason: str = ""
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as stored. `role` is the database role that wrote it."""

    number: int
    role: str
    text: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and at which entry."""

    number: int
    problem: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk along the chain found. It holds when there are no findings."""

    entries: int
    head: str
    findings: tuple[Finding, ...]


def canonical(value: Any) -> str:
    """JSON with sorted names and no blanks: the same value is always the same text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def text_of(deed: Deed, number: int, at: datetime) -> str:
    """The canonical JSON of an entry."""
    return canonical(
        {
            "number": number,
            "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
            "service": deed.service,
            "actor": deed.actor,
            "action": deed.action,
            "subject": deed.subject,
            "reason": deed.reason,
            "before": deed.before,
            "after": deed.after,
        }
    )


def link_of(previous: str, role: str, text: str) -> str:
    """The hash of an entry behind `previous`."""
    return hashlib.sha256(f"{previous}\n{role}\n{text}".encode()).hexdigest()


def verify(links: Iterable[Link], witnesses: Mapping[int, str] | None = None) -> Verified:
    """Walk along the entries in their order. `witnesses` are hashes that were noted elsewhere, by number.

    After a broken place the walk goes on from the stored hash, so that each later break is told as well.
    """
    noted = dict(witnesses or {})
    findings: list[Finding] = []
    previous, last = START, 0
    for link in links:
        findings += [Finding(link.number, problem) for problem in _problems(link, previous, last)]
        witness = noted.pop(link.number, None)
        if witness is not None and witness != link.sha256:
            findings.append(Finding(link.number, f"another hash was noted: {witness}"))
        previous, last = link.sha256, link.number
    findings += [Finding(number, "was noted, and is not there") for number in sorted(noted)]
    return Verified(last, previous, tuple(findings[:MAX_FINDINGS]))


def shown(found: Verified) -> dict[str, Any]:
    """What was found, as JSON."""
    findings = [{"number": finding.number, "problem": finding.problem} for finding in found.findings]
    return {"holds": not findings, "entries": found.entries, "head": found.head, "findings": findings}


def read_witnesses(words: Iterable[str]) -> dict[int, str]:
    """`41:6c1f…` as number and hash. Raises ValueError that says how to write it."""
    noted = {}
    for word in words:
        match = _WITNESS.fullmatch(word.strip())
        if match is None:
            raise ValueError(f"{word}: write a witness as `head` prints it, NUMBER:SHA256")
        noted[int(match[1])] = match[2]
    return noted


def _problems(link: Link, previous: str, last: int) -> Iterable[str]:
    if link.number != last + 1:
        yield f"follows entry {last}: entries between them are missing"
    try:
        value = json.loads(link.text)
        stated = value["number"]
        written_so = canonical(value) == link.text
    except (ValueError, KeyError, TypeError):
        yield "is not the JSON of an entry"
    else:
        if stated != link.number:
            yield f"says that it is entry {stated}"
        if not written_so:
            yield "is not in canonical form"
    if link_of(previous, link.role, link.text) != link.sha256:
        yield "its hash does not follow from it and the entry before"
