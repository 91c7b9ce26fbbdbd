"""The envelope: CloudEvents 1.0 in JSON, as publishers send it and as the services emit it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.contracts.facts import Moment
from shared.contracts.words import FactId, Source

Subject = Annotated[str, StringConstraints(pattern=r"^[a-z_]+/.+$", max_length=300)]
EventType = Annotated[str, StringConstraints(pattern=r"^vn\.laocai\.[a-z_]+\.[a-z_]+\.v\d+$", max_length=120)]

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


class Event(BaseModel):
    """One CloudEvent. Extension attributes are allowed; `traceparent` is followed, others go no further."""

    model_config = ConfigDict(extra="allow", frozen=True)

    specversion: Literal["1.0"]
    id: FactId
    source: Source
    type: EventType
    subject: Subject
    time: Moment
    datacontenttype: Literal["application/json"] = "application/json"
    data: dict[str, Any] = Field(description="The fact itself; its shape follows from `type`.")


class EventResult(BaseModel):
    """What became of one event of a request, in the request's order."""

    id: str | None
    status: Literal["accepted", "duplicate", "rejected"]
    problem: dict[str, Any] | None = Field(default=None, description="RFC 9457, when rejected.")


class EventResults(BaseModel):
    """The answer of `POST /v1/events`. `accepted` means durable."""

    results: list[EventResult]
