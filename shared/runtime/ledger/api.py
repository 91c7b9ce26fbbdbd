"""The HTTP interface of a domain service."""

import hmac
import time
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Depends, FastAPI, Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.envelope import BATCH, STRUCTURED, Event, EventResults
from shared.contracts.facts import FactReference
from shared.contracts.words import MAX_EVENTS_PER_REQUEST, Agency, Identifier, Name, PublisherName, Text
from shared.runtime import problem
from shared.runtime.ledger import reading
from shared.runtime.ledger.engine import Engine
from shared.runtime.ledger.http import REFUSED, tell
from shared.runtime.ledger.reading import MAX_LOOKUP, MAX_PAGE
from shared.runtime.problem import ProblemError

GetEngine = Callable[[], Engine]

_PROBLEM: dict[str, Any] = {"content": {problem.MEDIA_TYPE: {"schema": {"type": "object"}}}}
_EVENTS_DOC: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            STRUCTURED: {"schema": {"$ref": "#/components/schemas/Event"}},
            BATCH: {
                "schema": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": MAX_EVENTS_PER_REQUEST,
                    "items": {"$ref": "#/components/schemas/Event"},
                }
            },
        },
    },
    "parameters": [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": text}
        for name, text in (
            ("webhook-id", "An id unique to the message."),
            ("webhook-timestamp", "Seconds since 1970, within five minutes of the server's clock."),
            ("webhook-signature", "`v1,<base64 HMAC-SHA256(key, id.timestamp.body)>`."),
        )
    ],
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Lookup(_Body):
    """Facts to look up by source and id."""

    facts: list[FactReference] = Field(min_length=1, max_length=MAX_LOOKUP)


class Settlement(_Body):
    """Who settles a rejection, and why."""

    by: Name
    note: Text | None = None


class Repair(Settlement):
    """A corrected event in place of the refused one."""

    event: Event


Kind = Annotated[str, Path(pattern=r"^[a-z_]{1,40}$", examples=["dossier"])]
EntityId = Annotated[str, Path(min_length=1, max_length=300)]
Number = Annotated[int, Path(ge=1, le=2**62)]
AgencyFilter = Annotated[Agency | None, Query(description="Only this agency.")]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]


def add_entrance(app: FastAPI, get: GetEngine) -> None:
    """`POST /v1/events`."""

    @app.post(
        "/v1/events",
        tags=["events"],
        summary="Send 1 to 1,000 facts; accepted means durable",
        responses={
            200: {"model": EventResults},
            400: {"description": "The body is no batch of events.", **_PROBLEM},
            401: {"description": "The signature does not hold.", **_PROBLEM},
            408: {"description": "The body came in too slowly.", **_PROBLEM},
            413: {"description": "The body is too large.", **_PROBLEM},
            415: {"description": "The content type is another one.", **_PROBLEM},
            429: {"description": "Too much is under way, or this publisher sends too much.", **_PROBLEM},
        },
        openapi_extra=_EVENTS_DOC,
        response_class=Response,
    )
    async def post_events(request: Request) -> Response:
        engine = get()
        began = time.time_ns()
        headers = dict(request.headers)
        try:
            async with engine.gate.admitted(request) as body:
                items = await engine.requests.read(headers, body)
                await engine.lane.submit(items)
                tell(headers, items, began)
                answer = msgspec.json.encode({"results": [item.result() for item in items]})
        except ProblemError as problem:
            REFUSED.labels(problem.code).inc()
            raise
        return Response(answer, media_type="application/json")


def add_reading(app: FastAPI, get: GetEngine) -> None:
    """Entities, facts and deadlines."""

    @app.get("/v1/entities/{kind}/{entity:path}/facts", tags=["ledger"], summary="Every fact of an entity")
    async def entity_facts(kind: Kind, entity: EntityId, agency: AgencyFilter = None) -> dict[str, Any]:
        return await reading.facts_of_entity(get().pool, kind, entity, agency)

    @app.get("/v1/entities/{kind}/{entity:path}", tags=["ledger"], summary="An entity's state")
    async def entity_state(kind: Kind, entity: EntityId, agency: AgencyFilter = None) -> dict[str, Any]:
        return await reading.find_entity(get().pool, kind, entity, agency)

    @app.get("/v1/facts", tags=["ledger"], summary="One fact by source and id")
    async def one_fact(
        source: Annotated[str, Query(min_length=1, max_length=120)],
        id: Annotated[str, Query(min_length=1, max_length=200)],
    ) -> dict[str, Any]:
        (fact,) = await reading.find_facts(get().pool, [(source, id)])
        if fact is None:
            raise ProblemError(404, "not-found", "The ledger has no such fact.")
        return fact

    @app.post("/v1/facts/lookup", tags=["ledger"], summary="Up to 500 facts by source and id")
    async def lookup(body: Lookup) -> dict[str, Any]:
        keys = [(reference.source, reference.id) for reference in body.facts]
        return {"facts": await reading.find_facts(get().pool, keys)}

    @app.get("/v1/deadlines", tags=["ledger"], summary="What waits, by due instant")
    async def deadlines(
        agency: AgencyFilter = None,
        state: Literal["overdue", "due_soon", "ahead"] | None = None,
        after: Annotated[str | None, Query(max_length=1_000)] = None,
        limit: Limit = 100,
    ) -> dict[str, Any]:
        engine = get()
        return await reading.deadlines(engine.pool, engine.clock(), agency, state, after, limit)


def add_operation(app: FastAPI, get: GetEngine) -> None:
    """Rejections and the operator's commands."""

    def operator(authorization: Annotated[str | None, Header()] = None) -> None:
        token = get().settings.operator_token
        offered = (authorization or "").removeprefix("Bearer ")
        if token is not None and not hmac.compare_digest(offered.encode(), token.encode()):
            raise ProblemError(
                401, "operator", "This needs the operator's token as `Authorization: Bearer …`.",
                headers={"WWW-Authenticate": "Bearer"},
            )  # fmt: skip

    only_operator = [Depends(operator)]

    @app.get("/v1/rejections", tags=["rejections"], summary="What was refused, and why")
    async def rejections(
        publisher: PublisherName | None = None,
        reason: Annotated[Identifier | None, Query()] = None,
        state: Literal["parked", "repaired", "replayed", "dropped"] | None = None,
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        limit: Limit = 100,
        order: Literal["oldest", "newest"] = "oldest",
    ) -> dict[str, Any]:
        return await get().rejections.list(publisher, reason, state, after, limit, order == "newest")

    @app.get("/v1/rejections/{number}", tags=["rejections"], summary="One rejection with the original")
    async def rejection(number: Number) -> dict[str, Any]:
        return await get().rejections.one(number)

    @app.post("/v1/rejections/{number}/drop", tags=["rejections"], dependencies=only_operator)
    async def drop(number: Number, body: Settlement) -> dict[str, Any]:
        return await get().rejections.drop(number, body.by, body.note)

    @app.post("/v1/rejections/{number}/replay", tags=["rejections"], dependencies=only_operator)
    async def replay(number: Number, body: Settlement) -> dict[str, Any]:
        return await get().rejections.replay(number, body.by, body.note)

    @app.post("/v1/rejections/{number}/repair", tags=["rejections"], dependencies=only_operator)
    async def repair(number: Number, body: Repair) -> dict[str, Any]:
        event = body.event.model_dump(mode="json")
        return await get().rejections.repair(number, event, body.by, body.note)

    @app.post(
        "/v1/emit-again", tags=["operation"], status_code=202, dependencies=only_operator,
        summary="Send every entity again",
    )  # fmt: skip
    async def emit_again() -> dict[str, Any]:
        return {"entities": await get().again.all()}
