"""The scoring service's public interface, asked for everything that the documents need."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from shared.calendar.periods import Period, Window, parse_period, window_a_year_before

TIMEOUT = httpx.Timeout(60.0, connect=5.0)
ATTEMPTS = 4
TIMES_ASKED = 3
AT_ONCE = 4
"""Questions under way at a time: few, so that the service goes on counting."""
PAUSE_SECONDS = 0.5
LARGEST_ANSWER_BYTES = 64 * 1024 * 1024
FIRST_DAY = date(2000, 1, 1)
LONGEST_PIECE_YEARS = 10
BOARDS_SINCE = date(2020, 1, 1)
"""Editorial boards are counted from the beginning of the provincial regulation's term (report, IV.2)."""


class ScoringAway(RuntimeError):
    """The scoring service gave no usable answer; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON answer and the address it came from, without the host."""

    address: str
    body: dict[str, Any]


@dataclass(slots=True)
class Answers:
    """All answers for one period. `details` holds the score of each scored agency with its criteria."""

    period: Period
    window: Window
    agencies: Answer
    periods: Answer
    rulesets: Answer
    scores: Answer
    counts: dict[str, Answer]
    details: dict[str, Answer] = field(default_factory=dict)


class Scoring:
    """A client that reads only. `url` is the service's base address, for example http://127.0.0.1:8004."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url.rstrip("/"), timeout=TIMEOUT)
        self._url = url

    def __enter__(self) -> "Scoring":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """One answer; a busy or restarting service is asked again. Raises ScoringAway."""
        address = f"{path}?{urlencode(query)}" if query else path
        problem = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
            try:
                response = self._client.get(address)
            except httpx.TransportError as error:
                problem = f"cannot be reached ({type(error).__name__}); is the scoring service running?"
                continue
            if response.status_code >= 500:
                problem = f"answered {response.status_code}"
                continue
            return _checked(self._url, address, response)
        raise ScoringAway(f"{self._url}{address} {problem}")


def _checked(url: str, address: str, response: httpx.Response) -> Answer:
    if response.status_code != 200:
        try:
            detail = response.json().get("detail") or response.json().get("title")
        except (ValueError, AttributeError):
            detail = response.text[:200]
        raise ScoringAway(f"{url}{address} answered {response.status_code}: {detail}")
    if len(response.content) > LARGEST_ANSWER_BYTES:
        raise ScoringAway(f"{url}{address} answered more than {LARGEST_ANSWER_BYTES} bytes")
    body = response.json()
    if not isinstance(body, dict):
        raise ScoringAway(f"{url}{address} did not answer with a JSON object")
    return Answer(address, body)


def window_of(period: str, last: date | None) -> tuple[Period, Window]:
    """The days of a report. Raises ValueError for a last day outside of the period."""
    parsed = parse_period(period)
    if last is None or last == parsed.last:
        return parsed, parsed.window
    if not parsed.first <= last <= parsed.last:
        raise ValueError(f"{last} lies outside of {period}; give a day from {parsed.first} to {parsed.last}")
    return parsed, Window(parsed.first, last)


def windows_of(window: Window) -> dict[str, Window]:
    """The windows to count over, by name.

    `now`; `before`, the same days a year earlier; `last_year`, whole, for what stood at its end;
    `this_year` up to the last day; `between`, from the end of `before` to the end of `now`; `boards`;
    `history_1` … up to the last day in pieces that the interface allows.
    """
    year_before = window.first.year - 1
    before = window_a_year_before(window)
    windows = {
        "now": window,
        "before": before,
        "last_year": Window(date(year_before, 1, 1), date(year_before, 12, 31)),
        "this_year": Window(date(window.first.year, 1, 1), window.last),
        "between": Window(before.last + timedelta(days=1), window.last),
        "boards": Window(min(BOARDS_SINCE, window.first), window.last),
    }
    first, piece = FIRST_DAY, 1
    while first <= window.last:
        last = min(window.last, date(first.year + LONGEST_PIECE_YEARS - 1, 12, 31))
        windows[f"history_{piece}"] = Window(first, last)
        first, piece = date(first.year + LONGEST_PIECE_YEARS, 1, 1), piece + 1
    return windows


_COUNTED = ("content.", "qa.", "dossier.", "procedure.", "portal.")


def drift(answers: Answers) -> list[str]:
    """Agencies whose scores were made from other counts than those read: facts arrived in between.

    After a period was sealed the scores stay and the counts may go on; then it says who was adjusted since.
    """
    counts = answers.counts["now"].body["agencies"]
    found: list[str] = []
    for agency, answer in answers.details.items():
        criteria = (c for module in answer.body["modules"].values() for c in module.get("criteria", ()))
        seen = {name: count for c in criteria for name, count in c.get("indicators", {}).items()}
        own = counts.get(agency, {})
        if any(
            count is not None and name.startswith(_COUNTED) and count != own.get(name, 0)
            for name, count in seen.items()
        ):
            found.append(agency)
    return found


def ask_settled(scoring: "Scoring", period: str, last: date | None = None) -> Answers:
    """Like `ask`, again when facts arrived while it asked. Gives the last answers when they keep arriving."""
    answers = ask(scoring, period, last)
    for _ in range(TIMES_ASKED - 1):
        if not drift(answers):
            break
        time.sleep(PAUSE_SECONDS)
        answers = ask(scoring, period, last)
    return answers


def ask(scoring: Scoring, period: str, last: date | None = None) -> Answers:
    """Everything for a report on `period` up to `last`. Raises ScoringAway or ValueError."""
    parsed, window = window_of(period, last)
    asked = {"period": period} if window == parsed.window else _days(window)
    windows = windows_of(window)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        counting = pool.map(lambda w: scoring.get("/v1/indicators", _days(w)), windows.values())
        scores = scoring.get("/v1/scores", asked)
        scored = [row["agency"] for row in scores.body["scores"] if row["modules"]]
        details = pool.map(lambda agency: scoring.get(f"/v1/scores/{agency}", asked), scored)
        return Answers(
            period=parsed,
            window=window,
            agencies=scoring.get("/v1/agencies", {"ended": "true"}),
            periods=scoring.get("/v1/periods"),
            rulesets=scoring.get("/v1/rulesets"),
            scores=scores,
            counts=dict(zip(windows, counting, strict=True)),
            details=dict(zip(scored, details, strict=True)),
        )


def _days(window: Window) -> dict[str, str]:
    return {"from": window.first.isoformat(), "to": window.last.isoformat()}
