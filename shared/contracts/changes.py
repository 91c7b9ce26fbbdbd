"""What the domain services emit on `<module>.events` and `rejections`."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.facts import FactReference
from shared.contracts.words import Agency

Module = Literal["content", "qa", "dossier"]


class Change(BaseModel):
    """`data` of a change: the whole state of an entity.

    Who reads the newest record of each key knows everything; a version that is not newer is dropped.
    """

    model_config = ConfigDict(frozen=True)

    entity: str
    kind: str
    version: int = Field(ge=1)
    agency: Agency
    state: dict[str, Any] = Field(description="Its shape follows from `kind`: see the state schemas.")
    causes: list[FactReference] = Field(description="The facts that made this version.")


class Rejection(BaseModel):
    """`data` of a record on `rejections`: what was refused, where it lies, and why."""

    rejection: int = Field(description="Number in the service's list, for repair and replay.")
    module: Module
    publisher: str | None
    source: str | None
    id: str | None
    reason: str = Field(description="A stable code, such as `signature` or `schema`.")
    detail: str
    errors: list[dict[str, str]] = Field(
        default_factory=list, description="`pointer` and `detail` per field."
    )
    entrance: Literal["http", "kafka"]
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
