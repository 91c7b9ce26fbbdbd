"""What becomes of an agency's content: its articles, and the records beside them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from services.content.article import fold_article
from services.content.dispute import fold_dispute
from services.content.dispute_terms import Term, read_terms
from services.content.records import fold_record
from shared.calendar.dated import Dated
from shared.calendar.working import WorkingCalendar, vietnam
from shared.contracts.facts import CONTENT_FACTS
from shared.runtime.ledger.lifecycle import EntityRef, Fact, Folded

_REF_OF: Mapping[str, Callable[[Mapping[str, Any], str], tuple[str, str]]] = {
    "article.published": lambda data, _: ("article", data["article_id"]),
    "article.corrected": lambda data, _: ("article", data["article_id"]),
    "article.removed": lambda data, _: ("article", data["article_id"]),
    "audience.measured": lambda data, _: (
        "audience",
        f"{data['agency']}/{data['channel']}/{data['date']}",
    ),
    "portal.opened": lambda data, _: ("portal", data["agency"]),
    "portal.closed": lambda data, _: ("portal", data["agency"]),
    "board.established": lambda data, _: ("board", data["agency"]),
    "channel.opened": lambda data, fact_id: ("channel", f"{data['agency']}/{fact_id}"),
    "report.received": lambda data, _: ("report", f"{data['agency']}/{data['period']}"),
    "assessment.recorded": lambda data, _: (
        "assessment",
        f"{data['agency']}/{data['period']}/{data['criterion']}",
    ),
    "dispute.submitted": lambda data, _: ("dispute", data["dispute_id"]),
    "dispute.withdrawn": lambda data, _: ("dispute", data["dispute_id"]),
    "ruling.opened": lambda data, _: ("dispute", data["dispute_id"]),
    "ruling.given": lambda data, _: ("dispute", data["dispute_id"]),
}


class ContentLifecycle:
    """The lifecycles of everything the content service keeps. Of it, disputes have a deadline."""

    module = "content"
    fact_models: Mapping[str, type[BaseModel]] = CONTENT_FACTS

    def __init__(self, calendar: WorkingCalendar, terms: Dated[Term]) -> None:
        self._calendar = calendar
        self._terms = terms

    def entity_of(self, fact_type: str, data: Mapping[str, Any], fact_id: str) -> EntityRef:
        """Each entity belongs to its agency, so no agency can reach another's by its id."""
        kind, entity = _REF_OF[fact_type](data, fact_id)
        return EntityRef(kind, entity, data["agency"])

    def fold(self, ref: EntityRef, facts: Sequence[Fact], now: datetime) -> Folded:
        """The state of an article, a dispute, or one of the records."""
        if ref.kind == "article":
            return fold_article(ref, facts)
        if ref.kind == "dispute":
            return fold_dispute(ref, facts, now, self._calendar, self._terms)
        return fold_record(ref, facts)


def lifecycle() -> ContentLifecycle:
    """The lifecycle with the calendar and the terms that ship. Raises DataFileError."""
    return ContentLifecycle(vietnam(), read_terms())
