"""The HTTP interface of disputes: everything may be read by anyone; the office's steps are the officers'.

A dispute itself comes in like any fact, signed, by `POST /v1/events` or the inbox: `dispute.submitted`.
"""

import hmac
from collections.abc import Callable, Collection
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from services.content.dispute_office import DisputeOffice
from shared.contracts.facts import MAX_CORRECTIONS, DisputeId, ModuleName, Ruling
from shared.contracts.words import Agency, Name, Text
from shared.runtime.ledger.api import AgencyFilter, GetEngine, Limit
from shared.runtime.ledger.service import Extend
from shared.runtime.problem import ProblemError

Status = Literal["unopened", "submitted", "taken_up", "upheld", "dismissed", "withdrawn", "expired"]
AgencyPath = Annotated[Agency, Path()]
DisputePath = Annotated[DisputeId, Path()]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TakingUp(_Body):
    """Which officer takes it up."""

    officer: Name


class Correction(_Body):
    """A fact that puts right what was wrong. What is left out of `data` follows from the dispute."""

    type: str = Field(max_length=80, examples=["assessment.recorded", "fact.retracted"])
    data: dict[str, Any]
    module: ModuleName | None = Field(
        default=None, description="Of a retraction: the module that keeps the fact, where it is another one."
    )


class Decision(_Body):
    """The ruling, with its reason."""

    officer: Name
    ruling: Ruling
    reason: Text = Field(min_length=1)
    corrections: list[Correction] = Field(default_factory=list, max_length=MAX_CORRECTIONS)


def disputes_of(register: Collection[str]) -> Extend:
    """Adds the routes; `register` holds the agencies that a grant `*` means."""

    def extend(app: FastAPI, get: GetEngine) -> None:
        offices: list[DisputeOffice] = []

        def office() -> DisputeOffice:
            if not offices:
                engine = get()
                settings = engine.settings
                offices.append(
                    DisputeOffice(
                        engine.pool, settings.master_key_file, settings.partitions, register, engine.clock
                    )
                )
            return offices[0]

        _add_reading(app, office)
        _add_steps(app, office, get)

    return extend


def _add_reading(app: FastAPI, office: Callable[[], DisputeOffice]) -> None:
    @app.get("/v1/disputes", tags=["disputes"], summary="Disputes, those that moved last first")
    async def disputes(
        agency: AgencyFilter = None,
        status: Annotated[Status | None, Query()] = None,
        after: Annotated[str | None, Query(max_length=1_000)] = None,
        limit: Limit = 100,
    ) -> dict[str, Any]:
        return await office().page(agency, status, after, limit)

    @app.get("/v1/disputes/{agency}/{dispute}", tags=["disputes"], summary="One dispute with its history")
    async def dispute(agency: AgencyPath, dispute: DisputePath) -> dict[str, Any]:
        return await office().one(agency, dispute)


def _add_steps(app: FastAPI, office: Callable[[], DisputeOffice], get: GetEngine) -> None:
    def operator(authorization: Annotated[str | None, Header()] = None) -> None:
        token = get().settings.operator_token
        offered = (authorization or "").removeprefix("Bearer ")
        if token is not None and not hmac.compare_digest(offered.encode(), token.encode()):
            raise ProblemError(
                401, "operator", "This needs the operator's token as `Authorization: Bearer …`.",
                headers={"WWW-Authenticate": "Bearer"},
            )  # fmt: skip

    only_operator = [Depends(operator)]

    @app.post(
        "/v1/disputes/{agency}/{dispute}/take-up", tags=["disputes"], dependencies=only_operator,
        summary="The office takes a dispute up",
    )  # fmt: skip
    async def take_up(agency: AgencyPath, dispute: DisputePath, body: TakingUp) -> dict[str, Any]:
        return await office().take_up(agency, dispute, body.officer)

    @app.post(
        "/v1/disputes/{agency}/{dispute}/decide", tags=["disputes"], dependencies=only_operator,
        summary="Uphold or dismiss a dispute; its corrections become facts",
    )  # fmt: skip
    async def decide(agency: AgencyPath, dispute: DisputePath, body: Decision) -> dict[str, Any]:
        corrections = [(one.type, one.module, one.data) for one in body.corrections]
        return await office().decide(agency, dispute, body.officer, body.ruling, body.reason, corrections)
