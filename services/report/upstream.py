"""The public HTTP interfaces of the other services, asked with patience and limits.

Answers are values: a page shows "away" or the service's own problem text, and never a traceback.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from services.report.settings import ReportSettings

SERVICES = ("content", "qa", "dossier", "scoring")
TIMEOUT = httpx.Timeout(10.0, connect=2.0)
MAX_CONNECTIONS = 20
MAX_CACHED = 512
MAX_ANSWER_BYTES = 32 * 1024 * 1024
POLL_SECONDS = 3.0
SAMPLES_KEPT = 200


class UpstreamError(Exception):
    """A service did not give what was asked for. `away` is True when it could not be reached."""

    def __init__(self, service: str, status: int, detail: str, errors: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.errors = tuple(errors)
        self.service = service
        self.status = status
        self.detail = detail

    @property
    def away(self) -> bool:
        return self.status == 0

    @property
    def missing(self) -> bool:
        """The service runs, and knows no such thing (or has no such interface yet)."""
        return self.status in (404, 405, 501)


@dataclass(slots=True)
class ServiceState:
    """What the last question to a service told. `pending` is None while it cannot be reached."""

    name: str
    reachable: bool = False
    ready: bool = False
    pending: int | None = None
    latency_ms: float | None = None
    problem: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    samples: list[float] = field(default_factory=list)


def path(*parts: str) -> str:
    """A path under /v1 whose parts cannot break out of it."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def listed(service: str, answer: Any, name: str) -> Any:
    """A field of an answer. Raises UpstreamError when the service answers in another form."""
    if not isinstance(answer, dict) or name not in answer:
        raise UpstreamError(service, 200, f"the answer has no {name}")
    return answer[name]


class Upstream:
    """One shared HTTP client. Equal questions within `fresh_s` are answered once."""

    def __init__(self, settings: ReportSettings) -> None:
        self._base = {name: getattr(settings, f"{name}_url").rstrip("/") for name in SERVICES}
        limits = httpx.Limits(max_connections=MAX_CONNECTIONS)
        token = settings.operator_token
        self._operator = {"authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.AsyncClient(timeout=TIMEOUT, limits=limits, headers={"user-agent": "report"})
        self._cache: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self._flying: dict[str, asyncio.Future[Any]] = {}
        self.states = {name: ServiceState(name) for name in SERVICES}

    async def close(self) -> None:
        await self._client.aclose()

    def url(self, service: str) -> str:
        return str(self._base[service])

    async def get(
        self, service: str, where: str, params: Mapping[str, Any] | None = None, *, fresh_s: float = 0.0
    ) -> Any:
        """The JSON at `where`. Raises UpstreamError."""
        asked = {k: str(v) for k, v in (params or {}).items() if v is not None}
        key = f"{service} {where} {sorted(asked.items())}"
        known = self._cache.get(key)
        if known is not None and time.monotonic() - known[0] < fresh_s:
            return known[1]
        if key in self._flying:
            return await asyncio.shield(self._flying[key])
        future = asyncio.ensure_future(self._ask("GET", service, where, params=asked))
        self._flying[key] = future
        future.add_done_callback(lambda _: self._flying.pop(key, None))
        answer = await asyncio.shield(future)
        if fresh_s:
            self._cache[key] = (time.monotonic(), answer)
            self._cache.move_to_end(key)
            while len(self._cache) > MAX_CACHED:
                self._cache.popitem(last=False)
        return answer

    async def post(self, service: str, where: str, content: Any, *, operator: bool = False) -> Any:
        """Send JSON; `operator` adds the operator's token. Raises UpstreamError."""
        return await self._ask(
            "POST", service, where, json=content, headers=self._operator if operator else {}
        )

    async def post_signed(self, service: str, where: str, body: bytes, headers: Mapping[str, str]) -> Any:
        """Send a body byte for byte, under the headers that sign it. Raises UpstreamError."""
        return await self._ask("POST", service, where, content=body, headers=dict(headers))

    async def _ask(self, method: str, service: str, where: str, **kwargs: Any) -> Any:
        try:
            answer = await self._client.request(method, self._base[service] + where, **kwargs)
        except httpx.HTTPError as error:
            raise UpstreamError(service, 0, str(error) or type(error).__name__) from error
        if len(answer.content) > MAX_ANSWER_BYTES:
            raise UpstreamError(service, answer.status_code, "the answer is too large to show")
        try:
            content = answer.json() if answer.content else None
        except ValueError as error:
            raise UpstreamError(service, answer.status_code, "the answer is not JSON") from error
        if answer.is_success:
            return content
        problem = content if isinstance(content, dict) else {}
        errors = [str(one.get("detail", "")) for one in problem.get("errors", ()) if isinstance(one, dict)]
        detail = str(problem.get("detail") or answer.reason_phrase)
        raise UpstreamError(service, answer.status_code, detail, errors)

    async def text(self, service: str, where: str) -> str:
        """The text at `where`, such as `/metrics`. Raises UpstreamError."""
        try:
            answer = await self._client.get(self._base[service] + where)
        except httpx.HTTPError as error:
            raise UpstreamError(service, 0, str(error) or type(error).__name__) from error
        if not answer.is_success:
            raise UpstreamError(service, answer.status_code, answer.reason_phrase)
        return answer.text

    async def watch(self) -> None:
        """Ask every service for its status again and again, until cancelled."""
        while True:
            await asyncio.gather(*(self._look_at(name) for name in SERVICES))
            await asyncio.sleep(POLL_SECONDS)

    async def _look_at(self, name: str) -> None:
        state = self.states[name]
        began = time.perf_counter()
        try:
            answer = await self.get(name, "/v1/status")
        except UpstreamError as error:
            state.reachable, state.ready, state.pending = False, False, None
            state.latency_ms, state.problem = None, error.detail
            return
        state.latency_ms = (time.perf_counter() - began) * 1000
        state.samples = [*state.samples[-SAMPLES_KEPT + 1 :], state.latency_ms]
        state.reachable, state.problem = True, ""
        state.detail = answer if isinstance(answer, dict) else {}
        state.ready = bool(state.detail.get("ready"))
        pending = state.detail.get("pending")
        state.pending = pending if isinstance(pending, int) else None
