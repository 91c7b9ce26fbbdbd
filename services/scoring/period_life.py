"""The life of a period: open, closing, closed, reopened. Pure.

    open ──propose──► closing ──confirm──► closed ──reopen──► reopened ──propose──► closing …
                         └──withdraw──► where it came from
    closed ──propose to accept adjustments──► closed (proposal) ──confirm──► closed, sealed again

Two officers are needed wherever a score is sealed: one proposes, another confirms. Every step names the
officer, the reason and the instant. Nothing here reads a clock.
"""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from shared.calendar.local import iso, local_day, parse_instant

State = Literal["open", "closing", "closed", "reopened"]
ProposalKind = Literal["close", "accept"]

MAX_AHEAD = timedelta(days=366)
"""How far a cut-off may lie ahead."""

MAX_REOPENED = timedelta(days=92)
"""How long a period may be reopened at a time: a quarter that is open for ever was never closed."""

MAX_SCOPE_WORDS = 500
MAX_NUMBERS = 2_000


class RefusedError(ValueError):
    """A step that the rules do not allow. `code` is stable; the text says what to do."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Scope:
    """What may move in a reopened period. An empty set means: every one of them.

    A criterion is written `qa/acceptance`, or `acceptance` for that id in whichever module has it.
    """

    agencies: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    criteria: frozenset[str] = frozenset()

    def covers(self, agency: str, module: str, criterion: str) -> bool:
        """Whether this criterion of this agency is meant."""
        return (
            (not self.agencies or agency in self.agencies)
            and (not self.modules or module in self.modules)
            and (not self.criteria or not self.criteria.isdisjoint({criterion, f"{module}/{criterion}"}))
        )

    def document(self) -> dict[str, list[str]]:
        """As JSON: sorted lists, empty where everything is meant."""
        return {
            "agencies": sorted(self.agencies),
            "modules": sorted(self.modules),
            "criteria": sorted(self.criteria),
        }


def scope_of(document: Mapping[str, Collection[str]]) -> Scope:
    """The way back. Raises RefusedError when it names more than a person can have meant."""
    scope = Scope(*(frozenset(document.get(name, ())) for name in ("agencies", "modules", "criteria")))
    if len(scope.agencies) + len(scope.modules) + len(scope.criteria) > MAX_SCOPE_WORDS:
        raise RefusedError("scope", f"A scope names at most {MAX_SCOPE_WORDS} words.")
    return scope


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one officer proposed and another has yet to confirm.

    `cut_off` belongs to a close: from that instant on nothing changes any more. `numbers` belong to an
    acceptance: the adjustments that are to count.
    """

    kind: ProposalKind
    officer: str
    reason: str
    at: datetime
    cut_off: datetime | None = None
    numbers: tuple[int, ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "kind": self.kind,
            "officer": self.officer,
            "reason": self.reason,
            "at": iso(self.at),
            "cut_off": iso(self.cut_off) if self.cut_off else None,
            "numbers": list(self.numbers),
        }


def proposal_of(document: Mapping[str, Any]) -> Proposal:
    """The way back from `Proposal.document`."""
    return Proposal(
        document["kind"],
        document["officer"],
        document["reason"],
        parse_instant(document["at"]),
        parse_instant(document["cut_off"]) if document["cut_off"] else None,
        tuple(document["numbers"]),
    )


@dataclass(frozen=True, slots=True)
class Life:
    """Where a period stands.

    `seals` counts the seals it has; `cut_off` is that of the close proposed or made last; `scope` and
    `until` bound a reopened period, also while it is closing again. `officer` and `reason` are those of the
    last step, `confirmed_by` the second officer of the last seal.
    """

    period: str
    state: State
    at: datetime
    seals: int = 0
    cut_off: datetime | None = None
    proposal: Proposal | None = None
    scope: Scope = field(default_factory=Scope)
    until: datetime | None = None
    officer: str | None = None
    confirmed_by: str | None = None
    reason: str | None = None


# ------------------------------------------------------------------------------------------- steps


def propose_close(life: Life, officer: str, reason: str, at: datetime, cut_off: datetime | None) -> Life:
    """Propose to close: at `cut_off` (now when not given) everything in it stands still."""
    name = _signed(officer, reason)
    if life.state == "closing":
        raise RefusedError("period-state", f"{life.period} is closing already: confirm or withdraw that.")
    if life.state == "closed":
        raise RefusedError("period-state", f"{life.period} is closed; reopen it first.")
    chosen = at if cut_off is None else cut_off
    if chosen < at:
        raise RefusedError("cut-off", "The cut-off lies in the past: what was published cannot be unsaid.")
    if chosen - at > MAX_AHEAD:
        raise RefusedError("cut-off", f"The cut-off lies more than {MAX_AHEAD.days} days ahead.")
    proposal = Proposal("close", name, reason, at, cut_off=chosen)
    return replace(
        life, state="closing", at=at, cut_off=chosen, proposal=proposal, officer=name, reason=reason
    )


def propose_acceptance(life: Life, officer: str, reason: str, at: datetime, numbers: Sequence[int]) -> Life:
    """Propose that adjustments of a closed period count. Until it is confirmed nothing changes."""
    name = _signed(officer, reason)
    if life.state != "closed":
        raise RefusedError("period-state", f"{life.period} is {life.state}, not closed.")
    if life.proposal is not None:
        raise RefusedError("proposal", f"{life.proposal.officer} has proposed something: decide that first.")
    chosen = tuple(sorted(set(numbers)))
    if not 1 <= len(chosen) <= MAX_NUMBERS:
        raise RefusedError("numbers", f"Name 1 to {MAX_NUMBERS} adjustments.")
    proposal = Proposal("accept", name, reason, at, numbers=chosen)
    return replace(life, at=at, proposal=proposal, officer=name, reason=reason)


def confirm(life: Life, officer: str, at: datetime) -> Life:
    """A second officer confirms the proposal: the period is closed and gets its next seal."""
    name = _signed(officer, "confirmed")
    proposal = life.proposal
    if proposal is None:
        raise RefusedError("proposal", f"Nobody has proposed anything about {life.period}.")
    if same_person(name, proposal.officer):
        raise RefusedError("two-officers", f"{proposal.officer} proposed it; another officer must confirm.")
    if proposal.cut_off is not None and at < proposal.cut_off:
        raise RefusedError("cut-off", f"The cut-off is at {iso(proposal.cut_off)}; confirm after it.")
    stood_still = life.cut_off
    if proposal.kind == "close" and life.until is not None and proposal.cut_off is not None:
        stood_still = min(proposal.cut_off, life.until)
    return replace(
        life,
        state="closed",
        at=at,
        cut_off=stood_still,
        seals=life.seals + 1,
        proposal=None,
        scope=Scope(),
        until=None,
        officer=proposal.officer,
        confirmed_by=name,
        reason=proposal.reason,
    )


def withdraw(life: Life, officer: str, reason: str, at: datetime) -> Life:
    """Take the proposal back: the period is again what it was before."""
    name = _signed(officer, reason)
    if life.proposal is None:
        raise RefusedError("proposal", f"Nobody has proposed anything about {life.period}.")
    before: State = "closed" if life.proposal.kind == "accept" else "reopened" if life.seals else "open"
    kept = life.cut_off if before != "open" else None
    return replace(life, state=before, at=at, cut_off=kept, proposal=None, officer=name, reason=reason)


def reopen(life: Life, officer: str, reason: str, at: datetime, scope: Scope, until: datetime) -> Life:
    """Let part of a closed period move again, for a time. The seals it has stay."""
    name = _signed(officer, reason)
    if life.state != "closed":
        raise RefusedError("period-state", f"{life.period} is {life.state}, not closed.")
    if life.proposal is not None:
        raise RefusedError("proposal", f"{life.proposal.officer} has proposed something: decide that first.")
    if not at < until <= at + MAX_REOPENED:
        raise RefusedError("until", f"The time limit lies ahead, within {MAX_REOPENED.days} days.")
    return replace(life, state="reopened", at=at, scope=scope, until=until, officer=name, reason=reason)


def note(life: Life, officer: str, reason: str, at: datetime) -> Life:
    """A decision that moves nothing, signed like any other."""
    return replace(life, at=at, officer=_signed(officer, reason), reason=reason)


# --------------------------------------------------------------------------------------- questions


def may_publish(life: Life, agency: str, module: str, criterion: str, now: datetime) -> bool:
    """Whether a change of this criterion may reach the published score now."""
    if life.state == "closed":
        return False
    if life.state == "closing" and life.cut_off is not None and now >= life.cut_off:
        return False
    if not life.seals:
        return True
    if life.until is None or now >= life.until:
        return False
    return life.scope.covers(agency, module, criterion)


def is_free(life: Life, now: datetime) -> bool:
    """Whether everything may be published: the period was never sealed and no cut-off has passed."""
    return not life.seals and may_publish(life, "", "", "", now)


def counting_day(life: Life, now: datetime) -> date:
    """The local day up to which a window's weeks have begun: time stands still where the score does."""
    stops = [now]
    if life.cut_off is not None and life.state in ("closing", "closed"):
        stops.append(life.cut_off)
    if life.until is not None:
        stops.append(life.until)
    return local_day(min(stops))


def same_person(one: str, other: str) -> bool:
    """Whether two names are the same but for blanks, case and the way accents are encoded."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).split()).casefold()


def _signed(officer: str, reason: str) -> str:
    name = " ".join(unicodedata.normalize("NFC", officer).split())
    if not name:
        raise RefusedError("officer", "Say which officer decides.")
    if not reason.strip():
        raise RefusedError("reason", "Say why: a reason is kept with every decision.")
    return name
