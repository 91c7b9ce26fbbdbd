"""The records of an agency that are not articles: audience, portal, board, channels, reports, judgements.

Each is small: the last word counts (audience, board, judgements), the first does (a channel's opening),
or the facts switch something on and off (a portal). None has a deadline.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from shared.calendar.local import iso, read_instant
from shared.runtime.ledger.journal import Journal, Step, Why
from shared.runtime.ledger.lifecycle import EntityRef, Fact, Folded

State = dict[str, Any]
Effect = Callable[[State, Fact], Why | None]

ALREADY_OPEN = Why("already_open", "the portal was open already")
ALREADY_CLOSED = Why("already_closed", "the portal was closed already")
CHANNEL_OPENED = Why("already_opened", "this opening was told already")


def _audience(state: State, fact: Fact) -> Why | None:
    """The last measurement counts whole: what it does not measure is unknown, not what an older one said."""
    data = fact.data
    state.update(
        status="measured",
        visits=data.get("visits"),
        reach=data.get("reach"),
        followers=data.get("followers"),
        measured_at=iso(fact.time),
    )
    return None


def _portal_opened(state: State, fact: Fact) -> Why | None:
    if state["status"] == "open":
        return ALREADY_OPEN
    at = read_instant(fact.data["at"])[1]
    state.update(status="open", opened_at=at, closed_at=None, url=fact.data.get("url") or state["url"])
    state["reason"] = fact.data.get("reason")
    return None


def _portal_closed(state: State, fact: Fact) -> Why | None:
    """A portal may close without a known opening: most are older than this system."""
    if state["status"] == "closed":
        return ALREADY_CLOSED
    at = read_instant(fact.data["at"])[1]
    state.update(status="closed", closed_at=at, url=fact.data.get("url") or state["url"])
    state["reason"] = fact.data.get("reason")
    return None


def _board(state: State, fact: Fact) -> Why | None:
    """A board established anew, by a new decision, replaces the one before."""
    data = fact.data
    at = read_instant(data["at"])[1]
    state.update(
        status="established", established_at=at, decision=data.get("decision"), title=data.get("title")
    )
    return None


def _channel(state: State, fact: Fact) -> Why | None:
    if state["status"] == "open":
        return CHANNEL_OPENED
    data = fact.data
    at = read_instant(data["at"])[1]
    state.update(status="open", opened_at=at, decision=data.get("decision"), title=data.get("title"))
    return None


def _report(state: State, fact: Fact) -> Why | None:
    """A report sent again keeps the day of its first receipt, which decides on late, and its newest text."""
    data = fact.data
    at = read_instant(data["received_at"])[1]
    if state["status"] == "unopened":
        state.update(status="received", period=data["period"], received_at=at)
    state["document"] = data.get("document") or state["document"]
    return None


def _assessment(state: State, fact: Fact) -> Why | None:
    """The last judgement counts whole; the history keeps those before it."""
    data = fact.data
    at = read_instant(data["assessed_at"])[1]
    state.update(
        status="assessed",
        period=data["period"],
        criterion=data["criterion"],
        points=_points(data["points"]),
        assessed_by=data["assessed_by"],
        assessed_at=at,
        note=data.get("note"),
        evidence_url=data.get("evidence_url"),
    )
    return None


def _points(value: str | float | Decimal) -> str:
    """Points as sent (text or number) as a decimal with two places: `2` and `2.0` are one and the same."""
    return f"{Decimal(str(value)):.2f}"


_KEYS: Mapping[str, tuple[str, ...]] = {
    "audience": ("channel", "date", "visits", "reach", "followers", "measured_at"),
    "portal": ("opened_at", "closed_at", "url", "reason"),
    "board": ("established_at", "decision", "title"),
    "channel": ("opened_at", "title", "decision"),
    "report": ("period", "received_at", "document"),
    "assessment": (
        "period",
        "criterion",
        "points",
        "assessed_by",
        "assessed_at",
        "note",
        "evidence_url",
    ),
}
"""The keys of each kind's state, always present, besides status, history and set_aside."""

_KEPT: Mapping[str, tuple[str, ...]] = {
    "audience": ("visits", "reach", "followers"),
    "portal": ("reason",),
    "board": ("decision", "title"),
    "channel": (),
    "report": ("document",),
    "assessment": ("points", "assessed_by"),
}
"""What a step of the history keeps, so that both versions can be shown."""

_EFFECTS: Mapping[str, Effect] = {
    "audience.measured": _audience,
    "portal.opened": _portal_opened,
    "portal.closed": _portal_closed,
    "board.established": _board,
    "channel.opened": _channel,
    "report.received": _report,
    "assessment.recorded": _assessment,
}

RECORD_FACTS = {fact_type: rank for rank, fact_type in enumerate(_EFFECTS)}
"""The facts about these records, ranked for those of the same instant."""


def fold_record(ref: EntityRef, facts: Sequence[Fact]) -> Folded:
    """The state of any of these records."""
    record = _Record(ref)
    record.read(facts, RECORD_FACTS)
    state = record.state
    state["history"] = record.history
    state["set_aside"] = record.set_aside
    return Folded(ref.scope, state, ())


class _Record(Journal):
    """One record while its facts are read in order."""

    __slots__ = ("kept", "state")

    def __init__(self, ref: EntityRef) -> None:
        super().__init__(ref.scope)
        self.kept = _KEPT[ref.kind]
        self.state: State = {"status": self.status, **dict.fromkeys(_KEYS[ref.kind])}
        if ref.kind == "audience":
            _, self.state["channel"], self.state["date"] = ref.entity.rsplit("/", 2)

    def effect(self, fact: Fact) -> Why | None:
        why = _EFFECTS[fact.type](self.state, fact)
        self.status = self.state["status"]
        return why

    def step(self, fact: Fact) -> Step:
        step = super().step(fact)
        for key in self.kept:
            step[key] = self.state[key]
        return step
