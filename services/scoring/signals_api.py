"""The interface of signals: what somebody should look at, with its evidence. It reads, and moves nothing."""

from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query
from fastapi.responses import JSONResponse

from services.scoring.readings import Readings, asked_span
from services.scoring.score import Document
from services.scoring.signals import Fact, Signal
from services.scoring.signals_reading import SignalReader
from services.scoring.signals_rules import SignalRules
from shared.calendar.local import iso
from shared.calendar.periods import Window
from shared.contracts.words import Agency

MAX_SIGNALS = 200
SHOWN_FACTS = 20

Kind = Literal["bulk_before_cutoff", "near_identical_titles", "backdated", "paused_before_due"]


class Signals:
    """Signals of a span, page by page."""

    def __init__(self, readings: Readings, reader: SignalReader) -> None:
        self._readings = readings
        self._reader = reader

    async def page(
        self,
        window: Window,
        agency: str | None,
        parent: str | None,
        kind: str | None,
        after: int,
        limit: int,
    ) -> Document:
        """One page of signals, by kind and agency. Raises ProblemError 404 for an unknown agency."""
        for name in (agency, parent):
            if name is not None:
                self._readings.known(name)
        looked = await self._reader.look(window, agency)
        rules = self._reader.book.on(window.first)
        register = self._readings.book.agencies.register
        chosen = [
            one
            for one in looked.signals
            if (kind is None or one.kind == kind)
            and (parent is None or getattr(register.get(one.agency), "parent", None) == parent)
        ]
        shown = chosen[after : after + limit]
        return {
            "from": window.first.isoformat(),
            "to": window.last.isoformat(),
            "as_of": iso(self._readings.clock()),
            "thresholds": {"from": rules.first.isoformat(), "provenance": rules.provenance},
            "counts": dict(Counter(one.kind for one in chosen)),
            "signals": [signal_shown(one, rules) for one in shown],
            "unread": looked.unread,
            "next": after + limit if after + limit < len(chosen) else None,
        }

    def window_of(self, period: str | None, first: str | None, to: str | None) -> Window:
        """The days asked for. A period that is not over ends today: its last days are the latest ones.

        Raises ProblemError 400.
        """
        today = self._readings.today()
        window = asked_span(period, first, to, today).window
        return Window(window.first, min(window.last, max(today, window.first)))


def signal_shown(one: Signal, rules: SignalRules) -> Document:
    """A signal with its texts and the first of its facts."""
    kind = getattr(rules, one.kind)
    return {
        "kind": one.kind,
        "agency": one.agency,
        "on": one.on.isoformat(),
        "title": kind.title.model_dump(),
        "innocent": kind.innocent.model_dump(),
        "numbers": dict(one.numbers),
        "facts_total": len(one.facts),
        "facts": [fact_shown(fact) for fact in one.facts[:SHOWN_FACTS]],
    }


def fact_shown(fact: Fact) -> Document:
    """A fact as evidence: where it stands in the ledger, when it happened and when it was recorded."""
    data = fact["event"]["data"]
    return {
        "source": fact["source"],
        "id": fact["id"],
        "type": fact["type"],
        "kind": fact["kind"],
        "entity": fact["entity"],
        "title": data.get("title"),
        "time": fact["time"],
        "recorded_at": fact["recorded_at"],
        "publisher": fact["publisher"],
        "entrance": fact["entrance"],
        "inbox": fact["inbox"],
    }


def add_signals(app: FastAPI, get: Callable[[], Signals]) -> None:
    """Signals of gaming."""

    @app.get(
        "/v1/signals",
        tags=["signals"],
        summary="What may be gaming, with its evidence; it moves no point",
    )
    async def signals(
        period: Annotated[str | None, Query(max_length=20, description="A quarter, half or year.")] = None,
        first: Annotated[str | None, Query(alias="from", max_length=20)] = None,
        to: Annotated[str | None, Query(max_length=20, description="Last day: the cut-off.")] = None,
        agency: Annotated[Agency | None, Query()] = None,
        parent: Annotated[Agency | None, Query(description="A district: only its communes.")] = None,
        kind: Annotated[Kind | None, Query()] = None,
        after: Annotated[int, Query(ge=0, le=1_000_000, description="`next` of the page before.")] = 0,
        limit: Annotated[int, Query(ge=1, le=MAX_SIGNALS)] = 50,
    ) -> JSONResponse:
        parts = get()
        window = parts.window_of(period, first, to)
        answer: dict[str, Any] = await parts.page(window, agency, parent, kind, after, limit)
        return JSONResponse({"period": period, **answer})
