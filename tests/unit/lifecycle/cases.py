"""Facts for the tests of the lifecycles: a short way to write them, and a generator of whole entities."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st

from shared.calendar.local import LOCAL
from shared.contracts.facts import CONTENT_FACTS, DOSSIER_FACTS, HAPPENED_AT, QA_FACTS
from shared.runtime.ledger.lifecycle import Fact

AGENCY = "so-y-te"
OTHER = "thi-xa-sa-pa"
STRANGER = "huyen-bat-xat"
PORTAL = "/publishers/cong-thanh-phan"
CENTRAL = "/publishers/mot-cua"
OFFICE = "/publishers/scoring-office"

MODELS = {**CONTENT_FACTS, **QA_FACTS, **DOSSIER_FACTS}

_ID_OF = {
    "article": {"article_id": "bai-1"},
    "question": {"question_id": "hoi-1"},
    "dossier": {"dossier_code": "000.00.10.H38-240115-0001"},
    "procedure": {"procedure_code": "1.000123"},
    "portal": {},
    "audience": {},
    "board": {},
    "channel": {},
    "report": {"period": "2024-Q1"},
    "assessment": {"period": "2024-Q1", "criterion": "leaders-schedule"},
    "dispute": {"dispute_id": "kn-1"},
    "ruling": {"dispute_id": "kn-1"},
}

_REST: dict[str, dict[str, Any]] = {
    "article.published": {"title": "Tin", "url": "https://soyte.example/1", "kind": "news"},
    "article.removed": {"reason": "sai"},
    "audience.measured": {"channel": "portal", "visits": 10},
    "assessment.recorded": {"points": "2.5", "assessed_by": "canbo"},
    "dispute.submitted": {"about": "score", "period": "2024-Q1", "claim": "Thiếu 2 tin"},
    "ruling.opened": {"officer": "lan"},
    "ruling.given": {"officer": "lan", "ruling": "upheld", "reason": "đúng"},
    "question.answered": {"answerer_title": "Giám đốc"},
    "question.deleted": {"reason": "duplicate"},
    "question.forwarded": {"to_agency": OTHER},
    "dossier.received": {"procedure_code": "1.000123", "channel": "online"},
    "dossier.rejected": {"reason": "thiếu giấy tờ"},
    "dossier.extended": {"apology": True, "new_due_at": "2024-02-20T17:00:00+07:00"},
    "dossier.resolved": {"outcome": "approved"},
    "procedure.published": {"level": "province", "service_level": "full", "decision": "12/QĐ-UBND"},
    "procedure.abolished": {"level": "province", "service_level": "full", "decision": "13/QĐ-UBND"},
}

_numbers = count(1)


def at(text: str) -> datetime:
    """`01-15 09:30` of 2024, local; a year before it is taken as written."""
    padded = text if len(text) > 11 else f"2024-{text}"
    return datetime.fromisoformat(padded).replace(tzinfo=LOCAL)


def fact(
    fact_type: str,
    when: str | datetime,
    *,
    id: str | None = None,
    source: str = PORTAL,
    agency: str = AGENCY,
    **more: Any,
) -> Fact:
    """A fact that its contract accepts: `fact("dossier.received", "01-15 09:30", due_at=...)`."""
    instant = when if isinstance(when, datetime) else at(when)
    field = HAPPENED_AT.get(fact_type, "at")
    said = instant.date().isoformat() if field == "date" else instant.isoformat()
    data = {"agency": agency, **_ID_OF[fact_type.partition(".")[0]], field: said}
    data |= _REST.get(fact_type, {})
    data |= {key: value.isoformat() if isinstance(value, datetime) else value for key, value in more.items()}
    MODELS[fact_type].model_validate(data)
    return Fact(source, id or f"f{next(_numbers)}", fact_type, instant.astimezone(UTC), agency, data)


instants = st.integers(0, 60 * 24 * 45).map(lambda minutes: at("01-08 00:00") + timedelta(minutes=minutes))
"""Any minute of six weeks that hold weekends and Tết; close together, so that ties and odd orders occur."""

nows = st.integers(0, 60 * 24 * 90).map(lambda minutes: at("01-08 00:00") + timedelta(minutes=minutes))


@st.composite
def _dossier(draw: st.DrawFn, /, kind: str, **who: Any) -> Fact:
    when = draw(instants)
    more: dict[str, Any] = {}
    if kind == "received":
        more["due_at"] = draw(st.none() | instants)
        more["channel"] = draw(st.sampled_from(["online", "one_stop"]))
    elif kind == "extended":
        more = {"new_due_at": draw(instants), "apology": draw(st.booleans())}
    elif kind == "resolved":
        more["outcome"] = draw(st.sampled_from(["approved", "refused"]))
    return fact(f"dossier.{kind}", when, **who, **more)


@st.composite
def _question(draw: st.DrawFn, /, kind: str, **who: Any) -> Fact:
    more: dict[str, Any] = {}
    if kind == "forwarded":
        more["to_agency"] = draw(st.sampled_from([AGENCY, OTHER]))
    elif kind == "received":
        more["field"] = draw(st.none() | st.just("đất đai"))
    return fact(f"question.{kind}", draw(instants), **who, **more)


@st.composite
def _article(draw: st.DrawFn, /, kind: str, **who: Any) -> Fact:
    more: dict[str, Any] = {}
    if kind != "removed":
        optional = kind == "corrected"
        for field, values in (
            ("title", ["Tin một", "Tin hai"]),
            ("kind", ["news", "dataset", "spokesperson"]),
            ("channel", ["portal", "zalo"]),
            ("category", ["budget", "legal"]),
            ("language", ["vi", "en"]),
        ):
            drawn = draw(st.none() | st.sampled_from(values) if optional else st.sampled_from(values))
            if drawn is not None:
                more[field] = drawn
        if optional and draw(st.booleans()):
            more["published_at"] = draw(instants)
    return fact(f"article.{kind}", draw(instants), **who, **more)


@st.composite
def _other(draw: st.DrawFn, /, fact_type: str, **who: Any) -> Fact:
    more: dict[str, Any] = {}
    when = draw(instants)
    if fact_type == "audience.measured":
        more = {"date": "2024-01-20", "visits": draw(st.integers(0, 9))}
    elif fact_type == "assessment.recorded":
        more["points"] = draw(st.sampled_from(["2", "2.50", 2, 1.25]))
    elif fact_type == "ruling.given":
        more["ruling"] = draw(st.sampled_from(["upheld", "dismissed"]))
    elif fact_type == "report.received":
        more["document"] = draw(st.none() | st.sampled_from(["01/BC", "02/BC"]))
    return fact(fact_type, when, **who, **more)


def _any_of(fact_type: str, **who: Any) -> st.SearchStrategy[Fact]:
    kind = fact_type.partition(".")[2]
    if fact_type.startswith("dossier."):
        return _dossier(kind, **who)
    if fact_type.startswith("question."):
        return _question(kind, **who)
    if fact_type.startswith("article."):
        return _article(kind, **who)
    return _other(fact_type, **who)


_FAMILIES = {"dispute.": ("dispute.", "ruling."), "ruling.": ("dispute.", "ruling.")}
"""Entities that facts of several families are about."""


def entities(prefix: str, *, max_size: int = 9) -> st.SearchStrategy[list[Fact]]:
    """Facts of one entity whose types begin with `prefix`: any number, any order, sensible or not.

    Ids are few, so that two facts may differ in nothing but their source; each (source, id) is one fact.
    """
    types = sorted(name for name in MODELS if name.startswith(_FAMILIES.get(prefix, (prefix,))))
    agencies = [AGENCY, OTHER, STRANGER] if prefix == "question." else [AGENCY]

    def one(drawn: tuple[str, str, str, int]) -> st.SearchStrategy[Fact]:
        fact_type, agency, source, number = drawn
        return _any_of(fact_type, id=f"n{number}", source=source, agency=agency)

    facts = st.tuples(
        st.sampled_from(types),
        st.sampled_from(agencies),
        st.sampled_from([PORTAL, CENTRAL]),
        st.integers(0, 30),
    ).flatmap(one)
    return st.lists(facts, max_size=max_size, unique_by=lambda known: (known.source, known.id))


def without(facts: Sequence[Fact], *gone: Fact) -> list[Fact]:
    """The effective facts once some of them are retracted."""
    ids = {(known.source, known.id) for known in gone}
    return [known for known in facts if (known.source, known.id) not in ids]
