"""The HTTP interface of rule changes: everybody may read them; two officers make one."""

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from services.scoring.rule_life import MAX_TEXT_CHARACTERS
from services.scoring.rule_office import RuleOffice
from shared.contracts.words import Name, Text

Get = Callable[[], RuleOffice]
Guard = Callable[..., None]
"""A dependency that lets only operators pass."""

Number = Annotated[int, Path(ge=1, le=2**62)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Signed(_Body):
    """Which officer decides."""

    officer: Name


class Reasoned(Signed):
    """Which officer decides, and why."""

    reason: Text = Field(min_length=1)


class RuleProposal(Reasoned):
    """A rule set, as YAML text or as an object, to come into force when another officer confirms."""

    ruleset: Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS)] | dict[str, Any]


def add_rule_changes(app: FastAPI, get: Get, operator: Guard) -> None:
    """Rule changes: the list, one with its difference, and the officers' steps."""
    only_operator = [Depends(operator)]

    @app.get("/v1/rule-changes", tags=["rules"], summary="Every change of the rules, and what waits")
    async def changes(
        state: Annotated[Literal["proposed", "in_force", "refused", "withdrawn"] | None, Query()] = None,
    ) -> dict[str, Any]:
        return {"changes": await get().changes(state)}

    @app.get("/v1/rule-changes/{number}", tags=["rules"], summary="One change, line by line")
    async def one(number: Number) -> dict[str, Any]:
        return await get().one(number)

    @app.post(
        "/v1/rule-changes", tags=["rules"], status_code=201, dependencies=only_operator,
        summary="Propose a rule set; another officer confirms",
    )  # fmt: skip
    async def propose(body: RuleProposal) -> dict[str, Any]:
        given = body.ruleset
        text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, indent=1)
        return await get().propose(text, body.officer, body.reason)

    @app.post(
        "/v1/rule-changes/{number}/confirm", tags=["rules"], dependencies=only_operator,
        summary="Bring a proposal into force: another officer than the one who made it",
    )  # fmt: skip
    async def confirm(number: Number, body: Signed) -> dict[str, Any]:
        return await get().confirm(number, body.officer)

    @app.post(
        "/v1/rule-changes/{number}/refuse", tags=["rules"], dependencies=only_operator,
        summary="Refuse a proposal, or take one's own back",
    )  # fmt: skip
    async def refuse(number: Number, body: Reasoned) -> dict[str, Any]:
        return await get().refuse(number, body.officer, body.reason)
