"""A deadline step by step over HTTP: the account that an officer follows with a finger on a wall calendar."""

from datetime import datetime
from typing import Any

from fastapi import FastAPI
from pydantic import Field

from shared.calendar.explain import DeadlineExplanation
from shared.calendar.local import iso
from shared.calendar.steps import EXPLAIN, DeadlineStep, steps_of
from shared.calendar.working import vietnam
from shared.runtime.ledger import reading
from shared.runtime.ledger.api import AgencyFilter, EntityId, GetEngine, Kind
from shared.runtime.problem import ProblemError


class DeadlineAnswer(DeadlineExplanation):
    """A deadline with its steps. The steps' `adds_seconds` sum to `term_seconds` exactly."""

    kind: str
    entity: str
    agency: str
    as_of: str
    steps: list[DeadlineStep] = Field(description="In words too, Vietnamese and English.")


def add_deadline(app: FastAPI, get: GetEngine) -> None:
    """`GET /v1/entities/{kind}/{entity}/deadline`. Comes before the routes that take any path."""

    @app.get("/v1/entities/{kind}/{entity:path}/deadline", tags=["ledger"], summary="A deadline step by step")
    async def deadline(kind: Kind, entity: EntityId, agency: AgencyFilter = None) -> DeadlineAnswer:
        engine = get()
        found = await reading.find_entity(engine.pool, kind, entity, agency)
        return answer_for(found, engine.clock())


def answer_for(found: dict[str, Any], now: datetime) -> DeadlineAnswer:
    """The deadline of an entity as `reading.find_entity` gives it. Raises ProblemError 404."""
    explain = EXPLAIN.get(found["kind"])
    if explain is None:
        kinds = ", ".join(sorted(EXPLAIN))
        raise ProblemError(404, "no-deadline", f"No clock runs for a {found['kind']}; it does for: {kinds}.")
    calendar = vietnam()
    explained = explain(calendar, found["state"], now)
    if explained is None:
        raise ProblemError(
            404, "no-deadline", f"The clock of {found['kind']} {found['entity']} has never started."
        )
    return DeadlineAnswer(
        **dict(explained),
        kind=found["kind"],
        entity=found["entity"],
        agency=found["agency"],
        as_of=iso(now),
        steps=steps_of(calendar, explained, now),
    )
