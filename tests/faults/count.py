"""The independent count: what every indicator must be, worked out from the facts in one plain pass.

It follows the words of docs/CONTRACT.md and nothing else: retracted facts are left out, the rest of an
entity's facts are read in the order of their `time`, and a window that ends before the last day of a quarter
does not see what happened after it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from typing import Any

from tests.faults.world import Sent

HANOI = timezone(timedelta(hours=7))

Indicators = dict[str, dict[str, int]]


def local_day(instant: str) -> date:
    return datetime.fromisoformat(instant).astimezone(HANOI).date()


def ends_quarter(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1 and day.month % 3 == 0


def count(facts: Iterable[Sent], first: date, last: date) -> Indicators:
    """Per agency, every indicator that is not zero, over `first`..`last`, both included."""
    events = [sent.event for sent in {sent.identity: sent for sent in facts}.values()]
    retracted = {
        (event["data"]["retracts"]["source"], event["data"]["retracts"]["id"])
        for event in events
        if "fact.retracted" in event["type"]
    }
    live = [
        event
        for event in events
        if (event["source"], event["id"]) not in retracted and "fact.retracted" not in event["type"]
    ]
    if not ends_quarter(last):
        live = [event for event in live if local_day(event["time"]) <= last]
    entities: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for event in live:
        kind, _, key = event["subject"].partition("/")
        entities[kind, key].append(event)
    counter = _Count(first, last)
    for (kind, _), history in entities.items():
        history.sort(key=lambda event: datetime.fromisoformat(event["time"]))
        getattr(counter, kind)([(event["type"].split(".")[3], event["data"]) for event in history])
    counter.close_audience()
    return {agency: {name: n for name, n in row.items() if n} for agency, row in counter.rows.items()}


History = list[tuple[str, dict[str, Any]]]


class _Count:
    def __init__(self, first: date, last: date) -> None:
        self.first, self.last = first, last
        self.rows: dict[str, Counter[str]] = defaultdict(Counter)
        self.weeks: dict[str, set[tuple[int, int]]] = defaultdict(set)
        self.decisions: set[tuple[str, str]] = set()
        self.measured: dict[tuple[str, str, str], dict[str, Any]] = {}

    def within(self, instant: str) -> bool:
        return self.first <= local_day(instant) <= self.last

    def article(self, history: History) -> None:
        state: dict[str, Any] = {}
        removed = False
        for what, data in history:
            removed = removed or what == "removed"
            if what == "published":
                state = {"channel": "portal", "language": "vi", **data, **state}
            elif what == "corrected":
                state |= data
        if removed or "url" not in state or not self.within(state["published_at"]):
            return
        row = self.rows[state["agency"]]
        if state["channel"] != "portal":
            row[f"content.social.{state['channel']}"] += 1
            return
        row["content.items"] += 1
        row["content.datasets" if state["kind"] == "dataset" else "content.articles"] += 1
        row["content.spokesperson"] += state["kind"] == "spokesperson"
        row["content.press_digest"] += state["kind"] == "press_digest"
        row["content.english"] += state["language"] == "en"
        if state.get("category"):
            row[f"content.category.{state['category']}"] += 1
        week = local_day(state["published_at"]).isocalendar()[:2]
        row["content.active_weeks"] += week not in self.weeks[state["agency"]]
        self.weeks[state["agency"]].add(week)

    def audience(self, history: History) -> None:
        for _, data in history:
            self.measured[data["agency"], data["channel"], data["date"]] = data

    def close_audience(self) -> None:
        for (agency, channel, day), data in sorted(self.measured.items()):
            row = self.rows[agency]
            if date.fromisoformat(day) <= self.last and data.get("followers") is not None:
                row[f"content.followers.{channel}"] = data["followers"]
            if self.first <= date.fromisoformat(day) <= self.last:
                row["content.visits"] += data.get("visits", 0)
                row[f"content.reach.{channel}"] += data.get("reach", 0)

    def question(self, history: History) -> None:
        facts = dict(history)
        if "received" not in facts or not self.within(facts["received"]["received_at"]):
            return
        holder = facts["forwarded"]["to_agency"] if "forwarded" in facts else facts["received"]["agency"]
        row = self.rows[holder]
        row["qa.received"] += 1
        if "deleted" in facts:
            row["qa.deleted"] += 1
            return
        row["qa.eligible"] += 1
        accepted = facts.get("accepted")
        if "answered" not in facts:
            row["qa.waiting"] += 1
            if accepted and local_day(accepted["accepted_at"]) + timedelta(days=20) <= self.last:
                row["qa.overdue"] += 1
            return
        row["qa.answered"] += 1
        if accepted:
            took = datetime.fromisoformat(facts["answered"]["answered_at"]) - datetime.fromisoformat(
                accepted["accepted_at"]
            )
            row["qa.answered_on_time" if took < timedelta(days=2) else "qa.answered_late"] += 1

    def dossier(self, history: History) -> None:
        facts = dict(history)
        if "received" not in facts:
            return
        received = facts["received"]
        row = self.rows[received["agency"]]
        if self.within(received["received_at"]):
            row[f"dossier.received.{received['channel']}"] += 1
        due = datetime.fromisoformat(received["due_at"]) if "due_at" in received else None
        if "extended" in facts:
            due = datetime.fromisoformat(facts["extended"]["new_due_at"])
        for how in ("resolved", "withdrawn", "rejected"):
            if how in facts:
                ended = facts[how][f"{how}_at"]
                if self.within(ended):
                    self.ended(row, how, datetime.fromisoformat(ended), due)
                self.stocks(row, received["received_at"], local_day(ended), due, paused=False)
                return
        paused = "supplement_requested" in facts and "supplemented" not in facts
        self.stocks(row, received["received_at"], None, due, paused)

    def ended(self, row: Counter[str], how: str, at: datetime, due: datetime | None) -> None:
        if how != "resolved":
            row[f"dossier.{how}"] += 1
        elif due is not None:
            # A pause moves the due instant by days at most; the world resolves weeks after it or well before.
            row["dossier.resolved.late" if at > due + timedelta(days=10) else "dossier.resolved.on_time"] += 1

    def stocks(
        self, row: Counter[str], received: str, ended: date | None, due: datetime | None, paused: bool
    ) -> None:
        opened = local_day(received)
        if opened < self.first and (ended is None or ended >= self.first):
            row["dossier.carried_over"] += 1
        if opened <= self.last and (ended is None or ended > self.last):
            row["dossier.in_progress"] += 1
            if due is not None and not paused and due.astimezone(HANOI).date() <= self.last:
                row["dossier.overdue"] += 1

    def procedure(self, history: History) -> None:
        for what, data in history:
            if self.within(data["at"]):
                row = self.rows[data["agency"]]
                row[f"procedure.{what}"] += 1
                row["procedure.decisions"] += (data["agency"], data["decision"]) not in self.decisions
                self.decisions.add((data["agency"], data["decision"]))
