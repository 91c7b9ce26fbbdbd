"""What the dashboard knows, in memory: scores, periods, open work, who is heard from, what was refused.

Built from the topics alone. Every method is synchronous and quick, so that one event loop can apply a
newcomer's catch-up and serve pages at once. Nothing here reads a clock or waits for anything.
"""

from bisect import insort
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from services.report import records
from services.report.bus import Record
from shared.calendar.periods import quarter_of

ENTITY_TOPICS = ("content.events", "qa.events", "dossier.events")
TOPICS = (*ENTITY_TOPICS, "rejections", "scores", "score.changes", "periods", "alerts")

OPEN_STATUSES = {
    "question": frozenset({"received", "accepted"}),
    "dossier": frozenset({"received", "paused", "in_progress"}),
}
MAX_CHANGES_PER_AGENCY = 100
MAX_CAUSES_KEPT = 12
"""A change after a long silence may have thousands of causes; the scoring service tells the rest."""
MAX_RECENT_CHANGES = 50
"""Of each period, the latest by their own time: a newcomer reads one partition after the other."""
MAX_REJECTIONS = 2_000
MAX_ALERTS = 500
MAIN_SHARE = 0.25
"""A period with less than this part of the busiest period's counts is not one that officers work on."""


@dataclass(frozen=True, slots=True)
class OpenWork:
    """One question or dossier that somebody still waits for."""

    kind: str
    entity: str
    agency: str
    status: str
    version: int
    received_at: datetime | None
    started_at: datetime | None
    due_at: datetime | None
    detail: str
    calendar: str | None


@dataclass(frozen=True, slots=True)
class Portal:
    agency: str
    open: bool
    url: str | None
    at: datetime | None


@dataclass(slots=True)
class Publisher:
    """What was heard from one publisher since the topics begin."""

    name: str
    changes: int = 0
    rejections: int = 0
    last_at: datetime | None = None
    agencies: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Touched:
    """What a batch of records moved. Readers take it and begin a new one."""

    scores: set[tuple[str, str]] = field(default_factory=set)
    work: set[str] = field(default_factory=set)
    facts: bool = False
    periods: bool = False
    rejections: bool = False

    def __bool__(self) -> bool:
        return bool(self.scores or self.work or self.facts or self.periods or self.rejections)


class View:
    """The state behind every page. `on_touch` is called after each batch that moved something."""

    def __init__(self) -> None:
        self.scores: dict[str, dict[str, dict[str, Any]]] = {}
        self.periods: dict[str, dict[str, Any]] = {}
        self.changes: dict[str, deque[dict[str, Any]]] = {}
        self.recent: dict[str, list[dict[str, Any]]] = {}
        self.work: dict[tuple[str, str], OpenWork] = {}
        self.portals: dict[str, Portal] = {}
        self.boards: dict[str, datetime | None] = {}
        self.reports: dict[tuple[str, str], datetime | None] = {}
        self.publishers: dict[str, Publisher] = {}
        self.rejections: deque[dict[str, Any]] = deque(maxlen=MAX_REJECTIONS)
        self.alerts: deque[dict[str, Any]] = deque(maxlen=MAX_ALERTS)
        self.applied: Counter[str] = Counter()
        self.unreadable = 0
        self.last_unreadable = ""
        self.touched = Touched()
        self.on_touch: Callable[[], None] = lambda: None

    # ------------------------------------------------------------------ taking in

    def apply(self, batch: Sequence[Record]) -> None:
        """Take in records in the order of their topic. Never raises for what a record holds."""
        for record in batch:
            try:
                self._apply(record)
            except (records.Unreadable, KeyError, TypeError, ValueError, AttributeError) as error:
                self.unreadable += 1
                self.last_unreadable = f"{record.topic}/{record.partition}@{record.offset}: {error}"
            self.applied[record.topic] += 1
        if self.touched:
            self.on_touch()

    def take_touched(self) -> Touched:
        """What moved since the last call."""
        taken, self.touched = self.touched, Touched()
        return taken

    def _apply(self, record: Record) -> None:
        if record.topic in ENTITY_TOPICS:
            if record.value is not None:
                self._entity(record.value, record.timestamp_ms)
            return
        if record.value is None:
            self._forget(record)
            return
        content = records.body(record.value)
        match record.topic:
            case "scores":
                self._score(content)
            case "score.changes":
                self._change(content)
            case "periods":
                self.periods[content["period"]] = content
                self.touched.periods = True
            case "rejections":
                self._rejection(content, record)
            case "alerts":
                self._alert(content)

    def _forget(self, record: Record) -> None:
        if record.topic == "scores" and record.key:
            agency, _, period = record.key.decode(errors="replace").partition("|")
            if self.scores.get(period, {}).pop(agency, None) is not None:
                self.touched.scores.add((period, agency))

    def _score(self, content: dict[str, Any]) -> None:
        period, agency = content.get("period"), content["agency"]
        if period is None:
            return
        known = self.scores.setdefault(period, {}).get(agency)
        if known is not None and known["revision"] > content["revision"]:
            return
        self.scores[period][agency] = content
        self.touched.scores.add((period, agency))

    def _change(self, content: dict[str, Any]) -> None:
        kept = self.changes.setdefault(content["agency"], deque(maxlen=MAX_CHANGES_PER_AGENCY))
        of_period = [place for place, one in enumerate(kept) if one["period"] == content["period"]]
        # The relay may send the last records again after a crash; a revision is shown once.
        if any(kept[place]["first_revision"] <= content["revision"] <= kept[place]["revision"]
               for place in of_period):  # fmt: skip
            return
        causes = content.get("causes") or []
        content = {
            **content,
            "causes": causes[:MAX_CAUSES_KEPT],
            "causes_total": content.get("causes_total", len(causes)),
            "first_revision": content["revision"],
        }
        self.touched.scores.add((content["period"], content["agency"]))
        if content["moved"]:
            recent = self.recent.setdefault(content["period"], [])
            insort(recent, content, key=_instant)
            del recent[:-MAX_RECENT_CHANGES]
        elif of_period and _follows_unmoved(kept[of_period[-1]], content):
            # Numbers that moved no point come by the hundred in a busy hour; beside each other they are one
            # row, so that what did move the score is not pushed out.
            kept[of_period[-1]] = _together(kept[of_period[-1]], content)
            return
        kept.append(content)

    def _rejection(self, content: dict[str, Any], record: Record) -> None:
        at = datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)
        name = content.get("publisher")
        self.rejections.append({**content, "at": at})
        if name:
            self._heard(str(name), None, at).rejections += 1
        self.touched.rejections = True

    def _alert(self, content: dict[str, Any]) -> None:
        # The relay may send a warning again after a crash; it is shown once.
        name = ("module", "agency", "entity", "word", "due_at")
        mark = [content[part] for part in name]
        if any([known[part] for part in name] == mark for known in self.alerts):
            return
        self.alerts.append(content)
        self.touched.work.add(content["agency"])

    def _entity(self, value: bytes, timestamp_ms: int) -> None:
        event = records.entity_event(value)
        change = event.data
        at = event.time or datetime.fromtimestamp(timestamp_ms / 1000, UTC)
        for cause in change.causes:
            if cause.source.startswith("/publishers/"):
                seen = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
                self._heard(cause.source.removeprefix("/publishers/"), change.agency, seen).changes += 1
        self.touched.facts = True
        match change.kind:
            case "question" | "dossier":
                self._work(change)
            case "portal":
                is_open = change.state.status == "open"
                self.portals[change.agency] = Portal(change.agency, is_open, change.state.url, at)
            case "board":
                self.boards[change.agency] = change.state.established_at
            case "report" if change.state.period:
                self.reports[change.agency, change.state.period] = change.state.received_at

    def _heard(self, name: str, agency: str | None, at: datetime) -> Publisher:
        publisher = self.publishers.setdefault(name, Publisher(name))
        if agency:
            publisher.agencies.add(agency)
        if publisher.last_at is None or at > publisher.last_at:
            publisher.last_at = at
        return publisher

    def _work(self, change: records.EntityChange) -> None:
        # A plain entity id may be taken by two agencies, so the agency is part of a dossier's name here; a
        # question keeps its name when it is forwarded, and its newest record says who holds it.
        scope = change.agency if change.kind == "dossier" else ""
        key = (change.kind, f"{scope}/{change.entity}")
        known = self.work.get(key)
        if known is not None and known.version > change.version:
            return
        state = change.state
        if known is not None:
            self.touched.work.add(known.agency)
        if state.status not in OPEN_STATUSES[change.kind]:
            if self.work.pop(key, None) is not None:
                self.touched.work.add(change.agency)
            return
        self.work[key] = OpenWork(
            change.kind, change.entity, change.agency, state.status or "", change.version,
            state.received_at, state.accepted_at or state.received_at,
            state.effective_due_at or state.due_at,
            (state.field if change.kind == "question" else state.procedure_code) or "", state.calendar,
        )  # fmt: skip
        self.touched.work.add(change.agency)

    # ------------------------------------------------------------------ giving out

    def open_work(self, agency: str | None = None) -> Iterable[OpenWork]:
        """Questions and dossiers that are open, of one agency or of all, in no order."""
        return (item for item in self.work.values() if agency is None or item.agency == agency)

    def current_scores(self) -> dict[str, dict[str, Any]]:
        """Every score as it stands, by the key of its record: `agency|period`."""
        return {
            f"{agency}|{period}": score
            for period, scores in self.scores.items()
            for agency, score in scores.items()
        }

    def recorded(self, period: str) -> bool:
        """Whether anything was counted in a period, whatever points nothing gives. Every refresh of a board
        asks, and the first score that counted something answers."""
        return any(map(_counted, self.scores.get(period, {}).values()))

    def main_period(self, today: date) -> str | None:
        """The period that a reader most likely comes for; None before anything was scored.

        The running one as soon as something was counted in it, else the newest one that is not nearly empty:
        a mistyped date or a late decision brings periods into being that nobody reports on.
        """
        counts = {period: sum(map(_counted, scores.values())) for period, scores in self.scores.items()}
        running = quarter_of(today).name
        if counts.get(running):
            return running
        least = MAIN_SHARE * max(counts.values(), default=0)
        return max((period for period, count in counts.items() if count >= least), default=None)


def _instant(change: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(change["at"])


def _follows_unmoved(last: dict[str, Any], change: dict[str, Any]) -> bool:
    """Whether both moved no point, one after the other."""
    return not last["moved"] and last["revision"] < change["revision"]


def _together(last: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Two changes that moved no point, as one: of the causes the newest are kept."""
    return {
        **change,
        "first_revision": last["first_revision"],
        "causes": [*change["causes"], *last["causes"]][:MAX_CAUSES_KEPT],
        "causes_total": last["causes_total"] + change["causes_total"],
    }


def _counted(score: dict[str, Any]) -> int:
    """How much was counted for a score."""
    return sum(
        count or 0
        for module in score["modules"].values()
        for criterion in module.get("criteria", ())
        for name, count in criterion["indicators"].items()
        if not name.startswith("window.")
    )
