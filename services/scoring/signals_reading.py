"""Reading what signals are made of: the ledgers, asked when somebody looks. None of it is kept or scored."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from services.scoring import signals
from services.scoring.signals import Fact, Signal
from services.scoring.signals_rules import MODULE_OF, SignalBook, SignalRules
from shared.calendar.periods import Window
from shared.calendar.working import WorkingCalendar
from shared.runtime import logs

PAGE_FACTS = 2_000
LOOKUP_ENTITIES = 500
MAX_FACTS = 200_000
"""Facts of one type read for one answer; beyond it the answer says that it is not complete."""
EXAMPLES = 20
FRESH_SECONDS = 30.0
"""An answer is kept so long, so that pages and readers of the same days share one reading."""
KEPT = 8

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Looked:
    """The signals of some days, and what could not be read for them."""

    signals: list[Signal]
    unread: list[str]


class _AwayError(Exception):
    """A ledger does not answer, or holds more than is read for one answer."""


class SignalReader:
    """Asks the ledgers and looks for signals."""

    def __init__(
        self, urls: Mapping[str, str], client: httpx.AsyncClient, book: SignalBook, calendar: WorkingCalendar
    ) -> None:
        self._urls = {module: url.rstrip("/") for module, url in urls.items()}
        self._client = client
        self.book = book
        self._calendar = calendar
        self._kept: dict[tuple[Window, str | None], tuple[float, asyncio.Task[Looked]]] = {}

    async def look(self, window: Window, agency: str | None) -> Looked:
        """Every signal of a window, of one agency or of all; what was read a moment ago is not read again."""
        key = (window, agency)
        known = self._kept.get(key)
        if known is None or time.monotonic() - known[0] >= FRESH_SECONDS:
            self._kept.pop(key, None)
            while len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)))
            known = (time.monotonic(), asyncio.create_task(self._look(window, agency)))
            self._kept[key] = known
        looked = await asyncio.shield(known[1])
        if looked.unread:
            # What was out of reach is asked for again by the next reader.
            self._kept.pop(key, None)
        return looked

    async def _look(self, window: Window, agency: str | None) -> Looked:
        rules = self.book.on(window.first)
        found: list[Signal] = []
        unread: list[str] = []
        for name, part in (
            ("content", self._content(window, agency, rules)),
            ("backdated", self._backdated(window, agency, rules)),
            ("dossier", self._pauses(window, agency, rules)),
        ):
            try:
                found += await part
            except (_AwayError, httpx.HTTPError) as error:
                log.info("signals not read", part=name, reason=repr(error))
                unread.append(f"{name}: {error}" if str(error) else f"{name}: {type(error).__name__}")
        return Looked(found, unread)

    async def _content(self, window: Window, agency: str | None, rules: SignalRules) -> list[Signal]:
        facts = await self._of_type("content", "article.published", window, agency)

        def work() -> list[Signal]:
            items = signals.items_of(facts, window)
            bulk = signals.bulk_before_cutoff(items, window, rules.bulk_before_cutoff)
            return bulk + signals.near_identical_titles(items, rules.near_identical_titles)

        return await asyncio.to_thread(work)

    async def _backdated(self, window: Window, agency: str | None, rules: SignalRules) -> list[Signal]:
        groups: list[Mapping[str, Any]] = []
        types: dict[str, list[str]] = {}
        for fact_type in rules.backdated.types:
            types.setdefault(MODULE_OF[fact_type], []).append(fact_type)
        for module, named in types.items():
            query = {
                **_days(window, agency),
                "type": named,
                "after_days": rules.backdated.days,
                "examples": EXAMPLES,
            }
            answer = await self._get(module, "/v1/facts/late", query)
            groups += answer["groups"]
            if not answer["complete"]:
                raise _AwayError(f"{module} has more late days than one answer holds; name an agency")
        return signals.backdated(groups, rules.backdated)

    async def _pauses(self, window: Window, agency: str | None, rules: SignalRules) -> list[Signal]:
        asked = await self._of_type("dossier", "dossier.supplement_requested", window, agency)
        effective = [fact for fact in asked if fact["effective"]]
        names = list(dict.fromkeys((fact["agency"], fact["entity"]) for fact in effective))
        states: dict[tuple[str, str], Mapping[str, Any]] = {}
        for start in range(0, len(names), LOOKUP_ENTITIES):
            page = names[start : start + LOOKUP_ENTITIES]
            body = {"kind": "dossier", "entities": [{"agency": a, "entity": e} for a, e in page]}
            answer = await self._client.post(f"{self._urls['dossier']}/v1/entities/lookup", json=body)
            answer.raise_for_status()
            for name, one in zip(page, answer.json()["entities"], strict=True):
                if one is not None:
                    states[name] = one["state"]
        return signals.paused_before_due(effective, states, self._calendar, rules.paused_before_due)

    async def _of_type(self, module: str, fact_type: str, window: Window, agency: str | None) -> list[Fact]:
        found: list[Fact] = []
        after: str | None = None
        while True:
            query = {**_days(window, agency), "type": fact_type, "limit": PAGE_FACTS, "after": after}
            answer = await self._get(module, "/v1/facts/of-type", query)
            found += answer["facts"]
            after = answer["next"]
            if after is None:
                return found
            if len(found) >= MAX_FACTS:
                raise _AwayError(f"{module} has more than {MAX_FACTS} facts {fact_type} in these days")

    async def _get(self, module: str, path: str, query: Mapping[str, Any]) -> Any:
        given = {name: value for name, value in query.items() if value is not None}
        answer = await self._client.get(self._urls[module] + path, params=given, timeout=30.0)
        answer.raise_for_status()
        return answer.json()


def _days(window: Window, agency: str | None) -> dict[str, Any]:
    return {"from": window.first.isoformat(), "to": window.last.isoformat(), "agency": agency}
