"""What the clock says ahead of a breach, and at it: the records of the topic `alerts`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.changes import Module
from shared.contracts.facts import Moment
from shared.contracts.words import Agency

Word = Literal["due_soon", "overdue"]


class Alert(BaseModel):
    """`data` of a warning about one due instant of one open entity. Each is given once.

    A relay that was interrupted may send a record again; its `id` is then the same.
    """

    model_config = ConfigDict(frozen=True)

    agency: Agency = Field(description="Who answers for the entity as the warning leaves.")
    module: Module
    kind: str = Field(description="`question`, `dossier` or `dispute`.")
    entity: str
    word: Word
    at: Moment = Field(description="The instant that the warning is about: ahead of the due instant, or it.")
    due_at: Moment
    sent_at: Moment
    held: bool = Field(description="Whether it waited for the office to open.")
    left_seconds: int = Field(ge=0, description="Working time left until due; 0 once it is past.")
    late_by_seconds: int = Field(ge=0, description="Working time past due; 0 before.")
    calendar: str | None = Field(description="Version of the calendar that the deadline was computed with.")
