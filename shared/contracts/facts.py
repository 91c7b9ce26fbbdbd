"""What publishers send: one model per fact type, and the one table that names them all.

A field that the contract does not know is refused rather than dropped: a misspelt optional field would
otherwise vanish in silence, and personal data that nobody asked for would be kept.
"""

import re
from collections.abc import Mapping
from datetime import date as Date
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from shared.contracts.words import (
    Agency,
    Category,
    Count,
    FactId,
    Identifier,
    Instant,
    Name,
    Period,
    Points,
    Source,
    Text,
    Title,
    Url,
)

ArticleKind = Literal["news", "dataset", "spokesperson", "press_digest"]
Language = Literal["vi", "en"]
Channel = Literal["portal", "facebook", "zalo"]
DossierChannel = Literal["online", "one_stop"]
DeletionReason = Literal["violation", "duplicate", "handled_elsewhere"]
Outcome = Literal["approved", "refused"]
Level = Literal["province", "district", "commune"]
ServiceLevel = Literal["full", "partial", "none"]
Contested = Literal["score", "fact"]
Ruling = Literal["upheld", "dismissed"]
ModuleName = Literal["content", "qa", "dossier"]

MAX_CORRECTIONS = 20
"""Facts that one ruling may put right; a bigger mistake is several disputes."""


FIRST_YEAR, LAST_YEAR = 1999, 2088
"""Days are counted within these years; the ends leave room for any offset."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _only_a_day(value: object) -> object:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("must be a day: 2024-01-15")
    return value


def _only_rfc3339(value: object) -> object:
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError(
            "must be an instant with an offset, as RFC 3339 writes it: 2024-01-15T09:30:00+07:00"
        )
    return value


def _in_counted_years(value: datetime) -> datetime:
    if not FIRST_YEAR < value.year <= LAST_YEAR:
        raise ValueError(f"lies outside the years {FIRST_YEAR + 1} to {LAST_YEAR}")
    return value


Moment = Annotated[
    Instant,
    BeforeValidator(_only_rfc3339),
    AfterValidator(_in_counted_years),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Day = Annotated[Date, BeforeValidator(_only_a_day)]


class FactData(BaseModel):
    """The `data` of any fact. `agency` is the unit that the fact is about."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agency: Agency


# ---------------------------------------------------------------------------------------- content


class ArticlePublished(FactData):
    article_id: Identifier
    title: Title
    url: Url
    kind: ArticleKind
    category: Category | None = None
    language: Language = "vi"
    channel: Channel = "portal"
    published_at: Moment
    concerns_date: Day | None = None


class ArticleCorrected(FactData):
    """Any field that changes stands beside `corrected_at`; what is absent stays as it was."""

    article_id: Identifier
    corrected_at: Moment
    title: Title | None = None
    url: Url | None = None
    kind: ArticleKind | None = None
    category: Category | None = None
    language: Language | None = None
    channel: Channel | None = None
    published_at: Moment | None = None
    concerns_date: Day | None = None


class ArticleRemoved(FactData):
    article_id: Identifier
    removed_at: Moment
    reason: Text


class AudienceMeasured(FactData):
    """One day's audience of one channel. The last measurement of an agency, channel and date counts."""

    channel: Channel
    date: Day
    visits: Count | None = None
    reach: Count | None = None
    followers: Count | None = None

    @model_validator(mode="after")
    def _measures_something(self) -> Self:
        if self.visits is None and self.reach is None and self.followers is None:
            raise ValueError("give at least one of visits, reach and followers")
        return self


class PortalOpened(FactData):
    at: Moment
    url: Url | None = None
    reason: Text | None = None


class PortalClosed(PortalOpened):
    pass


class BoardEstablished(FactData):
    at: Moment
    decision: Name | None = None
    title: Title | None = None


class ChannelOpened(BoardEstablished):
    pass


class ReportReceived(FactData):
    period: Period
    received_at: Moment
    document: Text | None = None


class AssessmentRecorded(FactData):
    """What a person must judge. `points` has at most two decimals."""

    period: Period
    criterion: Name
    points: Points
    assessed_by: Name
    assessed_at: Moment
    note: Text | None = None
    evidence_url: Url | None = None


# --------------------------------------------------------------------------------------------- qa


class QuestionReceived(FactData):
    question_id: Identifier
    received_at: Moment
    field: Name | None = None
    asker_locality: Name | None = None


class QuestionAccepted(FactData):
    question_id: Identifier
    accepted_at: Moment


class QuestionForwarded(FactData):
    question_id: Identifier
    to_agency: Agency
    forwarded_at: Moment


class QuestionAnswered(FactData):
    question_id: Identifier
    answered_at: Moment
    answerer_title: Name


class QuestionDeleted(FactData):
    question_id: Identifier
    deleted_at: Moment
    reason: DeletionReason


# ---------------------------------------------------------------------------------------- dossier


class DossierReceived(FactData):
    dossier_code: Identifier
    procedure_code: Identifier
    channel: DossierChannel
    received_at: Moment
    due_at: Moment | None = None


class DossierRejected(FactData):
    dossier_code: Identifier
    rejected_at: Moment
    reason: Text


class DossierSupplementRequested(FactData):
    dossier_code: Identifier
    at: Moment


class DossierSupplemented(DossierSupplementRequested):
    pass


class DossierExtended(FactData):
    dossier_code: Identifier
    at: Moment
    new_due_at: Moment
    apology: bool
    reason: Text | None = None


class DossierResolved(FactData):
    dossier_code: Identifier
    resolved_at: Moment
    outcome: Outcome


class DossierReturned(FactData):
    dossier_code: Identifier
    returned_at: Moment


class DossierWithdrawn(FactData):
    dossier_code: Identifier
    withdrawn_at: Moment


class ProcedurePublished(FactData):
    procedure_code: Identifier
    level: Level
    service_level: ServiceLevel
    decision: Name
    at: Moment
    working_days: Count | None = None


class ProcedureAbolished(ProcedurePublished):
    pass


# ------------------------------------------------------------------------------------------ all


class FactReference(BaseModel):
    """The identity of a fact."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Source
    id: FactId


class FactRetracted(FactData):
    """The fact stays in the ledger, and its entity is worked out again without it."""

    retracts: FactReference
    reason: Text


# --------------------------------------------------------------------------------------- disputes

DisputeId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
"""An id that the agency gives; the facts of the ruling carry it in theirs."""


class DisputeSubmitted(FactData):
    """An agency contests its score in a period, one criterion of it, or a fact about it."""

    dispute_id: DisputeId
    about: Contested
    claim: Text = Field(min_length=1, description="What is wrong, and why.")
    submitted_at: Moment
    period: Period | None = None
    module: ModuleName | None = Field(default=None, description="Of the criterion, or of the fact.")
    criterion: Name | None = None
    fact: FactReference | None = None
    evidence_url: Url | None = None

    @model_validator(mode="after")
    def _says_what_is_contested(self) -> Self:
        if self.about == "score" and self.period is None:
            raise ValueError("a dispute about a score names its period")
        if self.about == "fact" and (self.fact is None or self.module is None):
            raise ValueError("a dispute about a fact names the fact and the module that keeps it")
        return self


class DisputeWithdrawn(FactData):
    dispute_id: DisputeId
    withdrawn_at: Moment
    reason: Text | None = None


class RulingOpened(FactData):
    """The office takes a dispute up. Who sent the dispute cannot rule on it."""

    dispute_id: DisputeId
    opened_at: Moment
    officer: Name


class RulingGiven(FactData):
    """The decision, with its reason. `corrections` names the facts that put right what was wrong."""

    dispute_id: DisputeId
    given_at: Moment
    officer: Name
    ruling: Ruling
    reason: Text = Field(min_length=1)
    corrections: list[FactReference] = Field(default_factory=list, max_length=MAX_CORRECTIONS)

    @model_validator(mode="after")
    def _corrects_only_what_it_upholds(self) -> Self:
        if self.ruling == "dismissed" and self.corrections:
            raise ValueError("a dispute that is dismissed corrects nothing")
        return self


RETRACTED = "fact.retracted"

CONTENT_FACTS: Mapping[str, type[FactData]] = MappingProxyType(
    {
        "article.published": ArticlePublished,
        "article.corrected": ArticleCorrected,
        "article.removed": ArticleRemoved,
        "audience.measured": AudienceMeasured,
        "portal.opened": PortalOpened,
        "portal.closed": PortalClosed,
        "board.established": BoardEstablished,
        "channel.opened": ChannelOpened,
        "report.received": ReportReceived,
        "assessment.recorded": AssessmentRecorded,
        "dispute.submitted": DisputeSubmitted,
        "dispute.withdrawn": DisputeWithdrawn,
        "ruling.opened": RulingOpened,
        "ruling.given": RulingGiven,
    }
)
QA_FACTS: Mapping[str, type[FactData]] = MappingProxyType(
    {
        "question.received": QuestionReceived,
        "question.accepted": QuestionAccepted,
        "question.forwarded": QuestionForwarded,
        "question.answered": QuestionAnswered,
        "question.deleted": QuestionDeleted,
    }
)
DOSSIER_FACTS: Mapping[str, type[FactData]] = MappingProxyType(
    {
        "dossier.received": DossierReceived,
        "dossier.rejected": DossierRejected,
        "dossier.supplement_requested": DossierSupplementRequested,
        "dossier.supplemented": DossierSupplemented,
        "dossier.extended": DossierExtended,
        "dossier.resolved": DossierResolved,
        "dossier.returned": DossierReturned,
        "dossier.withdrawn": DossierWithdrawn,
        "procedure.published": ProcedurePublished,
        "procedure.abolished": ProcedureAbolished,
    }
)
FACTS_OF_MODULE: Mapping[str, Mapping[str, type[FactData]]] = MappingProxyType(
    {"content": CONTENT_FACTS, "qa": QA_FACTS, "dossier": DOSSIER_FACTS}
)
"""Per module, the model of each fact type by its short name. `fact.retracted` belongs to all three."""

HAPPENED_AT: Mapping[str, str] = MappingProxyType(
    {
        "article.published": "published_at",
        "article.corrected": "corrected_at",
        "article.removed": "removed_at",
        "audience.measured": "date",
        "report.received": "received_at",
        "assessment.recorded": "assessed_at",
        "dispute.submitted": "submitted_at",
        "dispute.withdrawn": "withdrawn_at",
        "ruling.opened": "opened_at",
        "ruling.given": "given_at",
        "question.received": "received_at",
        "question.accepted": "accepted_at",
        "question.forwarded": "forwarded_at",
        "question.answered": "answered_at",
        "question.deleted": "deleted_at",
        "dossier.received": "received_at",
        "dossier.rejected": "rejected_at",
        "dossier.resolved": "resolved_at",
        "dossier.returned": "returned_at",
        "dossier.withdrawn": "withdrawn_at",
    }
)
"""The field of `data` that holds the instant of the fact; every type that is not here calls it `at`."""
