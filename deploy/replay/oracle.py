"""The independent count: what every indicator must be, worked out in one pass over the generated messages.

Written from the contract alone, without the services' code, their calendar or the generator's plans. A
message counts when it is expected to be accepted and its (source, id) is new. Facts are gathered by entity;
a window is then counted by telling each entity's story up to the window's cut-off.

Questions that the contract leaves open follow docs/decisions: a retraction is seen everywhere (0003); a
question belongs to its holder at the cut-off; a pause moves the due instant by the working time in it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from deploy.replay.generate import Message, read_file
from deploy.replay.worktime import EPOCH, OFFSET, after_work, close_after, date_of, day_of, worked_before
from shared.register import Register, shipped_register

ANSWER_WORKING_DAYS = 5

Counts = dict[str, Counter[str]]
"""Agency to indicator to count."""
Data = dict[str, Any]

_RANK = {"received": 0, "published": 0, "accepted": 1, "corrected": 1, "supplement_requested": 1}
_NAMES = {
    "article": "article_id",
    "question": "question_id",
    "dossier": "dossier_code",
    "procedure": "procedure_code",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One fact: its instant, short type, agency and data."""

    at: int
    order: tuple[int, int, str, str]
    word: str
    agency: str
    data: Data


@dataclass(frozen=True, slots=True)
class Window:
    """Local days first..last; facts after the evening of `cut` do not count (None: all that is known)."""

    first: int
    last: int
    cut: int | None

    @classmethod
    def of(cls, first: date, last: date) -> "Window":
        ends_quarter = (last.month, last.day) in ((3, 31), (6, 30), (9, 30), (12, 31))
        end = last.toordinal() - EPOCH
        return cls(first.toordinal() - EPOCH, end, None if ends_quarter else end)

    def holds(self, number: int) -> bool:
        return self.first <= number <= self.last

    def sees(self, number: int) -> bool:
        return self.cut is None or number <= self.cut


@dataclass(slots=True)
class Oracle:
    """All facts by entity, ready to be counted over any window."""

    register: Register
    stories: dict[tuple[str, str, str], list[Told]] = field(default_factory=dict)

    def count(self, first: date, last: date, now: datetime) -> Counts:
        """Every indicator of the contract, per agency, that is not zero."""
        window = Window.of(first, last)
        instant = int(now.timestamp())
        counts: Counts = {}
        followers: dict[tuple[str, str], tuple[int, int]] = {}
        decisions: set[tuple[str, str]] = set()
        weeks: set[tuple[str, int]] = set()
        for (kind, _, _), story in self.stories.items():
            if kind == "article":
                _article(story, window, counts, weeks)
            elif kind == "audience":
                _audience(story, window, counts, followers)
            elif kind == "question":
                _question(story, window, instant, counts, self.register)
            elif kind == "dossier":
                _dossier(story, window, counts)
            elif kind == "procedure":
                _procedure(story, window, counts, decisions)
            else:
                _record(story, window, counts)
        for (agency, channel), (_, number) in followers.items():
            _of(counts, agency)[f"content.followers.{channel}"] = number
        for agency, _ in decisions:
            _of(counts, agency)["procedure.decisions"] += 1
        for agency, _ in weeks:
            _of(counts, agency)["content.active_weeks"] += 1
        return {agency: +counter for agency, counter in counts.items() if +counter}


def read_oracle(path: Path) -> Oracle:
    """Gather the facts of a generated file."""
    return gather(read_file(path), shipped_register())


def gather(messages: Iterable[Message], register: Register) -> Oracle:
    """Gather the facts of these messages."""
    facts, retracted = _facts(messages)
    oracle = Oracle(register)
    for identity, (entity, told) in facts.items():
        if identity not in retracted:
            oracle.stories.setdefault(entity, []).append(told)
    for story in oracle.stories.values():
        story.sort(key=lambda told: told.order)
    return oracle


Identity = tuple[str, str]
Entity = tuple[str, str, str]


def _facts(
    messages: Iterable[Message],
) -> tuple[dict[Identity, tuple[Entity, Told]], set[Identity]]:
    facts: dict[Identity, tuple[Entity, Told]] = {}
    retracted: set[Identity] = set()
    for event in _events(messages):
        identity = (event["source"], event["id"])
        short = event["type"].removeprefix("vn.laocai.").removesuffix(".v1")
        data = event["data"]
        if short == "fact.retracted":
            retracted.add((data["retracts"]["source"], data["retracts"]["id"]))
        elif identity not in facts:
            facts[identity] = _told(short, event, data)
    return facts, retracted


def _events(messages: Iterable[Message]) -> Iterator[Data]:
    decode: Callable[[msgspec.Raw], Data] = msgspec.json.Decoder(Data).decode
    for message in messages:
        if message.expect != "rejected":
            yield decode(message.event)


def _told(short: str, event: Data, data: Data) -> tuple[Entity, Told]:
    kind, _, word = short.partition(".")
    at = _instant(event["time"])
    order = (at, _RANK.get(word, 2), event["source"], event["id"])
    agency = data["agency"]
    name = _NAMES.get(kind)
    if name is not None:
        entity = data[name]
    elif kind == "audience":
        entity = f"{data['channel']}/{data['date']}"
    elif kind == "report":
        entity = data["period"]
    elif kind == "assessment":
        entity = f"{data['period']}/{data['criterion']}"
    else:
        entity = event["id"] if kind == "channel" else ""
    scope = "" if kind == "question" else agency
    return (kind, entity, scope), Told(at, order, word, agency, data)


_INSTANTS: dict[str, int] = {}


def _instant(text: str) -> int:
    """Seconds since 1970 UTC of `2024-01-15T08:00:00+07:00`, the one form that the generator writes."""
    start = _INSTANTS.get(text[:10])
    if start is None:
        start = _INSTANTS[text[:10]] = (date.fromisoformat(text[:10]).toordinal() - EPOCH) * 86_400 - OFFSET
    return start + int(text[11:13]) * 3_600 + int(text[14:16]) * 60 + int(text[17:19])


def _of(counts: Counts, agency: str) -> Counter[str]:
    counter = counts.get(agency)
    if counter is None:
        counter = counts[agency] = Counter()
    return counter


def _seen(story: list[Told], window: Window) -> list[Told]:
    if window.cut is None:
        return story
    end = (window.cut + 1) * 86_400 - OFFSET
    return [told for told in story if told.at < end]


# --------------------------------------------------------------------------------------------- content


def _article(story: list[Told], window: Window, counts: Counts, weeks: set[tuple[str, int]]) -> None:
    now: Data | None = None
    for told in _seen(story, window):
        if told.word == "published":
            now = {"language": "vi", "channel": "portal", "category": None} | told.data
        elif now is not None and told.word == "corrected":
            now |= told.data
        elif told.word == "removed":
            now = None
    if now is None:
        return
    number = day_of(_instant(now["published_at"]))
    if not window.holds(number):
        return
    counter = _of(counts, now["agency"])
    if now["channel"] != "portal":
        counter[f"content.social.{now['channel']}"] += 1
        return
    counter["content.items"] += 1
    counter["content.datasets" if now["kind"] == "dataset" else "content.articles"] += 1
    if now["kind"] in ("spokesperson", "press_digest"):
        counter[f"content.{now['kind']}"] += 1
    if now["language"] == "en":
        counter["content.english"] += 1
    if now["category"]:
        counter[f"content.category.{now['category']}"] += 1
    weeks.add((now["agency"], (number + 3) // 7))


def _audience(
    story: list[Told], window: Window, counts: Counts, followers: dict[tuple[str, str], tuple[int, int]]
) -> None:
    seen = _seen(story, window)
    if not seen:
        return
    data = seen[-1].data
    number = date.fromisoformat(data["date"]).toordinal() - EPOCH
    if window.holds(number):
        counter = _of(counts, data["agency"])
        counter["content.visits"] += data.get("visits") or 0
        counter[f"content.reach.{data['channel']}"] += data.get("reach") or 0
    if data.get("followers") is not None and number <= window.last:
        key = (data["agency"], data["channel"])
        followers[key] = max(followers.get(key, (0, 0)), (number, data["followers"]))


_RECORDS = {
    ("opened", False): "portal.opened",
    ("closed", False): "portal.closed",
    ("established", False): "content.board.established",
    ("opened", True): "content.channel.opened",
}


def _record(story: list[Told], window: Window, counts: Counts) -> None:
    """Openings, closings, boards and columns on their day; reports of the window's quarters."""
    for told in _seen(story, window):
        data = told.data
        if told.word == "received":
            if _covers(data["period"], window):
                _of(counts, told.agency)["content.report.received"] += 1
            return
        name = _RECORDS.get((told.word, "title" in data and told.word == "opened"))
        if name is not None and window.holds(day_of(_instant(data["at"]))):
            _of(counts, told.agency)[name] += 1


def _covers(period: str, window: Window) -> bool:
    """Whether that quarter is one of the window's: it begins in it (the last one may be cut short)."""
    year, quarter = int(period[:4]), int(period[-1])
    return window.holds(date(year, 3 * quarter - 2, 1).toordinal() - EPOCH)


# --------------------------------------------------------------------------------------------- questions


def _question(story: list[Told], window: Window, now: int, counts: Counts, register: Register) -> None:
    holder = ""
    received: int | None = None
    due: int | None = None
    end: Told | None = None
    for told in _seen(story, window):
        if told.word == "received" and received is None:
            received, holder = _instant(told.data["received_at"]), told.agency
        elif received is None or end is not None:
            continue
        elif told.word == "accepted" and due is None:
            due = close_after(_instant(told.data["accepted_at"]), ANSWER_WORKING_DAYS)
        elif told.word == "forwarded":
            holder = told.data["to_agency"]
        elif told.word in ("answered", "deleted"):
            end = told
    if received is None or not window.holds(day_of(received)):
        return
    counter = _of(counts, holder)
    counter["qa.received"] += 1
    if end is not None and end.word == "deleted":
        counter["qa.deleted"] += 1
        return
    counter["qa.eligible"] += 1
    if due is not None:
        counter["qa.accepted"] += 1
    if end is None:
        counter["qa.waiting"] += 1
        evening = now if window.cut is None else min(now, (window.cut + 1) * 86_400 - OFFSET)
        if due is not None and due < evening:
            counter["qa.overdue"] += 1
        return
    _answered(counter, end, due, register.is_wrong_title(holder, end.data["answerer_title"], date_of(end.at)))


def _answered(counter: Counter[str], end: Told, due: int | None, wrong_title: bool) -> None:
    counter["qa.answered"] += 1
    on_time = None if due is None else _instant(end.data["answered_at"]) <= due
    if on_time is not None:
        counter["qa.answered_on_time" if on_time else "qa.answered_late"] += 1
    if wrong_title:
        counter["qa.wrong_title"] += 1
    if on_time and not wrong_title:
        counter["qa.answered_without_fault"] += 1


# ---------------------------------------------------------------------------------------------- dossiers


def _dossier(story: list[Told], window: Window, counts: Counts) -> None:
    opening = next((told for told in story if told.word in ("received", "rejected")), None)
    if opening is None:
        return
    if opening.word == "rejected":
        # Turned away at the door: refused, and never received.
        if window.holds(day_of(_instant(opening.data["rejected_at"]))):
            _of(counts, opening.agency)["dossier.rejected"] += 1
        return
    data = opening.data
    received = day_of(_instant(data["received_at"]))
    if received > window.last:
        return
    counter = _of(counts, opening.agency)
    end = next(
        (t for t in story if t.word in ("resolved", "withdrawn", "rejected") and t.at >= opening.at), None
    )
    ended = None if end is None else day_of(_instant(end.data[f"{end.word}_at"]))
    if window.holds(received):
        counter[f"dossier.received.{data['channel']}"] += 1
        counter["dossier.received"] += 1
    if received < window.first and (ended is None or ended >= window.first):
        counter["dossier.carried_over"] += 1
    if end is not None and ended is not None and window.holds(ended):
        _ended(counter, end, story, data)
    if ended is None or ended > window.last:
        counter["dossier.in_progress"] += 1
        evening = (window.last + 1) * 86_400 - OFFSET
        due, running = _clock(story, data, evening - 1)
        if running and due is not None and due < evening:
            counter["dossier.overdue"] += 1


def _ended(counter: Counter[str], end: Told, story: list[Told], data: Data) -> None:
    if end.word != "resolved":
        counter[f"dossier.{end.word}"] += 1
        counter["dossier.rejected.received"] += end.word == "rejected"
        return
    counter["dossier.resolved"] += 1
    due, _ = _clock(story, data, end.at)
    word = "no_due" if due is None else "on_time" if _instant(end.data["resolved_at"]) <= due else "late"
    counter[f"dossier.resolved.{word}"] += 1


def _clock(story: list[Told], data: Data, until: int) -> tuple[int | None, bool]:
    """The due instant as it stands at `until`, and whether the clock runs."""
    due = _instant(data["due_at"]) if data.get("due_at") else None
    stopped: int | None = None
    for told in story:
        if told.at > until:
            break
        if told.word == "supplement_requested":
            stopped = _instant(told.data["at"]) if stopped is None else stopped
        elif told.word == "supplemented" and stopped is not None:
            if due is not None:
                due = after_work(due, worked_before(_instant(told.data["at"])) - worked_before(stopped))
            stopped = None
        elif told.word == "extended":
            due = _instant(told.data["new_due_at"])
    return due, stopped is None


def _procedure(story: list[Told], window: Window, counts: Counts, decisions: set[tuple[str, str]]) -> None:
    for told in _seen(story, window):
        if window.holds(day_of(_instant(told.data["at"]))):
            _of(counts, told.agency)[f"procedure.{told.word}"] += 1
            decisions.add((told.agency, told.data["decision"]))
