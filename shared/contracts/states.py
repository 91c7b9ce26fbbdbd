"""The public shape of each entity's `state`, as it stands in a change on `<module>.events`.

The services build states as plain dictionaries, since they are folded for every fact; these models say
what a reader may rely on, and the tests hold the two together. Every key is always there, null when
nothing is known. Instants are ISO-8601 with the offset +07:00.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.facts import (
    ArticleKind,
    Channel,
    Contested,
    Day,
    DeletionReason,
    DossierChannel,
    FactReference,
    Language,
    Level,
    ModuleName,
    Moment,
    Outcome,
    ServiceLevel,
)
from shared.contracts.words import Agency, Period


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SetAside(_Shape):
    """A fact that had no effect, and why."""

    type: str
    at: Moment
    source: str
    id: str
    code: str = Field(description="A stable word for programs, such as `not_holder`.")
    reason: str = Field(description="A plain sentence for people.")


class Step(_Shape):
    """A fact that had an effect, with what held after it."""

    at: Moment = Field(description="The fact's own time.")
    type: str
    source: str
    id: str
    agency: Agency = Field(description="Who answered for the entity after this step.")
    status: str
    due_at: Moment | None = Field(description="The due instant in force after this step; null while paused.")


class ArticleStep(Step):
    kind: ArticleKind
    category: str | None
    language: Language
    channel: Channel
    published_at: Moment


class AudienceStep(Step):
    visits: int | None
    reach: int | None
    followers: int | None


class PortalStep(Step):
    reason: str | None


class BoardStep(Step):
    decision: str | None
    title: str | None


class ReportStep(Step):
    document: str | None


class AssessmentStep(Step):
    points: str
    assessed_by: str


class State(_Shape):
    """What every state holds. `unopened`: the first fact is missing or was retracted; it counts nowhere."""

    set_aside: list[SetAside]


class ArticleState(State):
    status: Literal["unopened", "published", "removed"]
    agency: Agency
    title: str | None
    url: str | None
    kind: ArticleKind | None
    category: str | None
    language: Language | None
    channel: Channel | None
    published_at: Moment | None = Field(description="Counts on this local day while not removed.")
    concerns_date: Day | None
    removed_at: Moment | None
    removal_reason: str | None
    history: list[ArticleStep]


class QuestionState(State):
    status: Literal["unopened", "received", "accepted", "answered", "deleted"]
    received_at: Moment | None
    accepted_at: Moment | None = Field(description="The first acceptance; the clock to answer starts here.")
    answered_at: Moment | None
    answerer_title: str | None
    deleted_at: Moment | None
    deletion_reason: DeletionReason | None
    field: str | None
    asker_locality: str | None
    due_at: Moment | None = Field(description="Null before the first acceptance.")
    on_time: bool | None = Field(description="Null while unanswered, and when it never was accepted.")
    overdue: bool = Field(description="Waiting past the due instant when this state was worked out.")
    calendar: str | None = Field(description="Version of the working calendar behind `due_at`.")
    history: list[Step]


class Pause(_Shape):
    """A wait for the citizen; `to` is null while it goes on."""

    from_: Moment = Field(alias="from")
    to: Moment | None


class Extension(_Shape):
    at: Moment
    new_due_at: Moment
    apology: bool
    reason: str | None


class Irregularity(_Shape):
    """A fact that kept its effect although it breaks a rule; for people to judge."""

    at: Moment
    rule: Literal[
        "second_extension",
        "no_apology",
        "extended_late",
        "extended_after_due",
        "new_date_not_later",
        "supplement_asked_late",
        "paused_after_due",
    ]
    source: str
    id: str


class DossierState(State):
    status: Literal[
        "unopened", "received", "paused", "in_progress", "resolved", "returned", "withdrawn", "rejected"
    ]
    procedure_code: str | None
    channel: DossierChannel | None
    received_at: Moment | None
    due_at: Moment | None = Field(description="As first given; null when the dossier came without one.")
    effective_due_at: Moment | None = Field(description="After pauses and extensions.")
    resolved_at: Moment | None
    outcome: Outcome | None
    on_time: bool | None = Field(description="Null until resolved, and when there is no due instant.")
    returned_at: Moment | None
    withdrawn_at: Moment | None
    rejected_at: Moment | None
    rejection_reason: str | None
    overdue: bool = Field(description="Open, the clock running, past due when this state was worked out.")
    pauses: list[Pause]
    extensions: list[Extension]
    irregular: list[Irregularity]
    calendar: str | None = Field(description="Version of the working calendar; null without a due instant.")
    history: list[Step]


class ProcedureEntry(_Shape):
    at: Moment
    action: Literal["published", "abolished"]
    level: Level
    service_level: ServiceLevel
    decision: str
    working_days: int | None


class ProcedureState(State):
    status: Literal["unopened", "published", "abolished"]
    entries: list[ProcedureEntry]
    history: list[Step]


class AudienceState(State):
    status: Literal["unopened", "measured"]
    channel: Channel
    date: Day
    visits: int | None
    reach: int | None
    followers: int | None
    measured_at: Moment | None
    history: list[AudienceStep]


class PortalState(State):
    status: Literal["unopened", "open", "closed"]
    opened_at: Moment | None
    closed_at: Moment | None
    url: str | None
    reason: str | None
    history: list[PortalStep]


class BoardState(State):
    status: Literal["unopened", "established"]
    established_at: Moment | None
    decision: str | None
    title: str | None
    history: list[BoardStep]


class ChannelState(State):
    status: Literal["unopened", "open"]
    opened_at: Moment | None
    title: str | None
    decision: str | None
    history: list[Step]


class ReportState(State):
    status: Literal["unopened", "received"]
    period: Period | None
    received_at: Moment | None = Field(description="The first receipt, which decides on late.")
    document: str | None = Field(description="The newest text sent.")
    history: list[ReportStep]


class AssessmentState(State):
    status: Literal["unopened", "assessed"]
    period: Period | None
    criterion: str | None
    points: str | None = Field(description="A decimal with two places, as text.")
    assessed_by: str | None
    assessed_at: Moment | None
    note: str | None
    evidence_url: str | None
    history: list[AssessmentStep]


class DisputeState(State):
    status: Literal["unopened", "submitted", "taken_up", "upheld", "dismissed", "withdrawn", "expired"] = (
        Field(description="`expired`: the term ran out and nobody had decided.")
    )
    about: Contested | None
    period: Period | None
    module: ModuleName | None
    criterion: str | None
    fact: FactReference | None
    claim: str | None
    evidence_url: str | None
    submitted_at: Moment | None = Field(description="The term to decide starts here.")
    due_at: Moment | None
    taken_up_at: Moment | None
    taken_up_by: str | None
    ruled_at: Moment | None
    ruled_by: str | None
    ruling_reason: str | None
    corrections: list[FactReference] = Field(description="The facts that the ruling put right.")
    withdrawn_at: Moment | None
    withdrawal_reason: str | None
    calendar: str | None = Field(description="Version of the working calendar behind `due_at`.")
    history: list[Step]


STATE_OF_KIND: Mapping[str, type[State]] = MappingProxyType(
    {
        "article": ArticleState,
        "audience": AudienceState,
        "portal": PortalState,
        "board": BoardState,
        "channel": ChannelState,
        "report": ReportState,
        "assessment": AssessmentState,
        "dispute": DisputeState,
        "question": QuestionState,
        "dossier": DossierState,
        "procedure": ProcedureState,
    }
)
"""The model of `state` by the entity's kind."""
