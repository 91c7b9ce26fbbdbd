"""Small random worlds: facts of a few entities, folded step by step by the real lifecycles into changes."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from services.content.lifecycle import lifecycle as content
from services.dossier.lifecycle import lifecycle as dossier
from services.qa.lifecycle import lifecycle as qa
from services.scoring.contribution import Mark, contribution
from shared.calendar.local import LOCAL
from shared.contracts.words import full_type
from shared.register.register import shipped_register
from shared.runtime.ledger.lifecycle import EntityRef, Fact, Lifecycle

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
AGENCIES = ("so-y-te", "so-noi-vu", "thi-xa-sa-pa", "ban-tuyen-giao-tinh-uy")
LIFECYCLES: dict[str, Lifecycle] = {"content": content(), "qa": qa(), "dossier": dossier()}
FIRST = datetime(2024, 1, 1, 8, tzinfo=LOCAL)
wrong_title = shipped_register().is_wrong_title


@dataclass(frozen=True, slots=True)
class Change:
    """One record of `<module>.events`, with what it says."""

    module: str
    key: bytes
    value: bytes
    kind: str
    version: int
    agency: str
    state: bytes
    causes: tuple[str, ...]
    offset: int = 0


@dataclass(slots=True)
class Entity:
    """One entity's facts in the order they arrive, and the changes they make."""

    module: str
    ref: EntityRef
    changes: list[Change] = field(default_factory=list)


def instant(rng: random.Random, days: int = 100) -> datetime:
    """Some moment of working life in early 2024."""
    return FIRST + timedelta(days=rng.randrange(days), minutes=rng.randrange(600))


def fact(rng: random.Random, name: str, when: datetime, agency: str, /, **data: Any) -> Fact:
    """A fact with an id of its own."""
    plain = {key: value.isoformat() if isinstance(value, datetime) else value for key, value in data.items()}
    number = rng.getrandbits(60)
    return Fact("/publishers/cong", f"f-{number}", name, when, agency, {"agency": agency, **plain})


def question_facts(rng: random.Random, number: int) -> list[Fact]:
    """A question's life, perhaps cut short."""
    agency, other = rng.sample(AGENCIES, 2)
    identity = {"question_id": f"q-{number}"}
    at = instant(rng)
    facts = [fact(rng, "question.received", at, agency, received_at=at, **identity)]
    for name, keyword, chance in (
        ("question.accepted", "accepted_at", 0.9),
        ("question.forwarded", "forwarded_at", 0.4),
        ("question.answered", "answered_at", 0.7),
        ("question.deleted", "deleted_at", 0.2),
    ):
        if rng.random() > chance:
            continue
        at += timedelta(hours=rng.randrange(1, 150))
        extra: dict[str, Any] = {}
        holder = other if any(f.type == "question.forwarded" for f in facts) else agency
        if name == "question.forwarded":
            extra, holder = {"to_agency": other}, agency
        if name == "question.answered":
            extra = {"answerer_title": rng.choice(["Giám đốc", "Phó Giám đốc", "Chuyên viên"])}
        if name == "question.deleted":
            extra = {"reason": "duplicate"}
        facts.append(fact(rng, name, at, holder, **{keyword: at}, **identity, **extra))
    return facts


def dossier_facts(rng: random.Random, number: int) -> list[Fact]:
    """A dossier's life."""
    agency = rng.choice(AGENCIES)
    identity = {"dossier_code": f"000.00.31.H38-240115-{number:04d}"}
    at = instant(rng)
    due = at + timedelta(days=rng.randrange(1, 20)) if rng.random() < 0.9 else None
    opening: dict[str, Any] = {"procedure_code": "1.001234", "channel": rng.choice(["online", "one_stop"])}
    facts = [fact(rng, "dossier.received", at, agency, received_at=at, due_at=due, **opening, **identity)]

    def later(name: str, keyword: str, **extra: Any) -> None:
        nonlocal at
        at += timedelta(hours=rng.randrange(1, 200))
        facts.append(fact(rng, name, at, agency, **{keyword: at}, **identity, **extra))

    if rng.random() < 0.3:
        later("dossier.supplement_requested", "at")
        if rng.random() < 0.8:
            later("dossier.supplemented", "at")
    if due is not None and rng.random() < 0.3:
        later("dossier.extended", "at", new_due_at=due + timedelta(days=10), apology=True)
    end = rng.random()
    if end < 0.7:
        later("dossier.resolved", "resolved_at", outcome="approved")
        if rng.random() < 0.5:
            later("dossier.returned", "returned_at")
    elif end < 0.8:
        later("dossier.withdrawn", "withdrawn_at")
    elif end < 0.9:
        later("dossier.rejected", "rejected_at", reason="thiếu giấy tờ")
    return facts


def article_facts(rng: random.Random, number: int) -> list[Fact]:
    """An article's life."""
    agency = rng.choice(AGENCIES)
    identity = {"article_id": f"a-{number}"}
    at = instant(rng)
    told: dict[str, Any] = {"title": "Tin", "url": "https://example.vn/a", "published_at": at}
    told["kind"] = rng.choice(["news", "news", "dataset", "spokesperson", "press_digest"])
    told["channel"] = rng.choice(["portal", "portal", "facebook", "zalo"])
    if rng.random() < 0.5:
        told["category"] = rng.choice(["contacts", "procedures", "statistics"])
    if rng.random() < 0.2:
        told["language"] = "en"
    facts = [fact(rng, "article.published", at, agency, **identity, **told)]
    if rng.random() < 0.4:
        at += timedelta(days=rng.randrange(0, 40), hours=1)
        change: dict[str, Any] = rng.choice(
            [{"category": "contacts"}, {"kind": "dataset"}, {"published_at": instant(rng)}]
        )
        facts.append(fact(rng, "article.corrected", at, agency, corrected_at=at, **identity, **change))
    if rng.random() < 0.3:
        at += timedelta(days=rng.randrange(0, 40), hours=1)
        facts.append(fact(rng, "article.removed", at, agency, removed_at=at, reason="trùng", **identity))
    return facts


def other_facts(rng: random.Random, number: int) -> tuple[str, list[Fact]]:
    """A procedure, a day's audience, a report or a judgement."""
    agency = rng.choice(AGENCIES)
    at = instant(rng)
    choice = rng.randrange(4)
    if choice == 0:
        told = {"level": "province", "service_level": "full", "decision": f"QĐ-{rng.randrange(4)}"}
        code = {"procedure_code": f"1.00{number:04d}"}
        return "dossier", [fact(rng, "procedure.published", at, agency, at=at, **told, **code)]
    if choice == 1:
        counts: dict[str, Any] = {"visits": rng.randrange(3000), "followers": rng.randrange(3)}
        day = at.date().isoformat()
        told_channel = {"channel": rng.choice(["portal", "facebook"]), "date": day}
        return "content", [fact(rng, "audience.measured", at, agency, **told_channel, **counts)]
    if choice == 2:
        period = rng.choice(["2024-Q1", "2024-H1", "2023"])
        return "content", [fact(rng, "report.received", at, agency, period=period, received_at=at)]
    judged: dict[str, Any] = {"period": "2024-Q1", "criterion": "leadership", "points": "7.5"}
    judged |= {"assessed_by": "Sở Nội vụ", "assessed_at": at}
    return "content", [fact(rng, "assessment.recorded", at, agency, **judged)]


def entity(rng: random.Random, number: int) -> Entity:
    """An entity whose facts arrive in some order, one change each; perhaps the last one is retracted."""
    choice = rng.randrange(4)
    if choice == 3:
        module, facts = other_facts(rng, number)
    else:
        make = (question_facts, dossier_facts, article_facts)[choice]
        module, facts = ("qa", "dossier", "content")[choice], make(rng, number)
    first = facts[0]
    ref = LIFECYCLES[module].entity_of(first.type, first.data, first.id)
    found = Entity(module, ref)
    arrived: list[Fact] = []
    arriving = facts if rng.random() < 0.6 else rng.sample(facts, len(facts))
    for one in arriving:
        arrived.append(one)
        _add_change(found, arrived, one.type, f"{one.source} {one.id}")
    if rng.random() < 0.15:
        gone = arrived.pop(rng.randrange(len(arrived)))
        _add_change(found, arrived, "fact.retracted", f"/publishers/cong r-{gone.id}")
    return found


def _add_change(found: Entity, facts: list[Fact], name: str, cause: str) -> None:
    folded = LIFECYCLES[found.module].fold(found.ref, facts, NOW)
    agency = folded.agency or found.ref.scope or AGENCIES[0]
    version = len(found.changes) + 1
    source, _, identifier = cause.partition(" ")
    data = {
        "entity": found.ref.entity,
        "kind": found.ref.kind,
        "version": version,
        "agency": agency,
        "state": folded.state,
        "causes": [{"source": source, "id": identifier}],
    }
    key = f"{found.ref.scope}~{found.ref.entity}" if found.ref.scope else found.ref.entity
    event = {
        "specversion": "1.0",
        "id": f"{found.module}:{key}:{version}",
        "source": f"/services/{found.module}",
        "type": full_type(name),
        "subject": f"{found.ref.kind}/{found.ref.entity}",
        "time": NOW.isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }
    value, state = msgspec.json.encode(event), msgspec.json.encode(folded.state)
    found.changes.append(
        Change(found.module, key.encode(), value, found.ref.kind, version, agency, state, (cause,))
    )


def world(seed: int, size: int) -> list[Entity]:
    """Some entities, the same for the same seed."""
    rng = random.Random(seed)
    found = {(one.module, one.ref): one for one in (entity(rng, number) for number in range(size))}
    return list(found.values())


def marks_of(change: Change) -> list[Mark]:
    """What a change adds to the counts. It must be readable."""
    found = contribution(change.kind, change.agency, change.state, wrong_title)
    assert found.fault is None, found.fault
    return found.marks


def recount(entities: list[Entity]) -> dict[tuple[str, str, int, int], int]:
    """The tally from scratch: the marks of every entity's newest change."""
    tally: dict[tuple[str, str, int, int], int] = {}
    for one in entities:
        for agency, flow, cohort, effective, amount in marks_of(one.changes[-1]):
            place = (agency, flow, cohort, effective)
            tally[place] = tally.get(place, 0) + amount
    return {place: n for place, n in tally.items() if n}
