"""The scoring service: wiring."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from services.scoring import (
    api,
    comparison_api,
    families_api,
    fold,
    forecast_api,
    judgements_api,
    periods_api,
    rebuild,
    rule_changes_api,
    rule_office,
    ruleset,
    signals_api,
)
from services.scoring.batch import Batch
from services.scoring.comparison import read_scales
from services.scoring.eligibility import Agencies
from services.scoring.evidence import Evidence
from services.scoring.forecast_acts import read_acts
from services.scoring.loops import ScoringLoop
from services.scoring.period_office import PeriodOffice
from services.scoring.readings import Readings
from services.scoring.rule_office import RuleOffice
from services.scoring.scorer import Book, Scorer, digest_of
from services.scoring.settings import ScoringSettings
from services.scoring.signals_reading import SignalReader
from services.scoring.signals_rules import shipped_signal_rules
from services.scoring.stream import Stream
from services.scoring.succession import endings_of
from services.scoring.verifying import Verifier, topic_reader
from services.scoring.vocabulary import Vocabulary
from shared.calendar.working import vietnam
from shared.register.register import Register, shipped_register
from shared.runtime import health, problem, tracing
from shared.runtime.clock import Clock, system_clock
from shared.runtime.consumer import BatchConsumer, Reading
from shared.runtime.failpoints import Failpoints
from shared.runtime.http_limits import BodyLimits
from shared.runtime.life import Life, Service, main
from shared.runtime.migrate import migrate
from shared.runtime.postgres import Pool, open_pool, persistently
from shared.runtime.relay import Relay

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION = "1.0.0"
_FETCH_BYTES = 1_048_576
"""Per partition; with 18 partitions prefetched this bounds memory."""

_BY_RANGE = {"enable_seqscan": "off"}
"""Statistics lag behind a tally that grows quickly; a plan made for a small one would read all of it for
every probe."""


def open_book(register: Register | None = None, rules: Path = ruleset.RULESETS) -> Book:
    """Rules and register, checked against each other. Raises DataFileError or RegisterError."""
    agencies = Agencies(register or shipped_register())
    book = ruleset.read_rule_book(rules)
    book.check(agencies.everyone())
    return Book(book, agencies, vietnam().version, digest_of(book, agencies))


def make_app(get: api.Get, life: Life | None, status: health.StatusDetail) -> FastAPI:
    """The application; `get` gives the parts once a request comes."""
    app = FastAPI(
        title="Scoring bus: scoring",
        version=VERSION,
        description="Counts what the domain services emit, scores agencies, explains every point.",
    )
    problem.install(app)
    app.add_middleware(BodyLimits)
    health.install(app, life or Life(), status)
    api.add_lists(app, get)
    api.add_scores(app, get)
    api.add_indicators(app, get)
    api.add_changes(app, get)
    api.add_commands(app, get)
    judgements_api.add_judgements(app, lambda: get().judgements)
    comparison_api.add_comparison(app, lambda: get().comparisons)
    forecast_api.add_forecast(app, lambda: get().forecasts)
    periods_api.add_periods(app, lambda: get().periods, api.operator_guard(get))
    families_api.add_families(app, lambda: get().families)
    signals_api.add_signals(app, lambda: get().signals)

    def rules() -> RuleOffice:
        readings = get().readings
        return RuleOffice(readings.pool, readings.book, readings.clock)

    rule_changes_api.add_rule_changes(app, rules, api.operator_guard(get))
    return app


def describe_api() -> dict[str, Any]:
    """The OpenAPI document; nothing is connected to."""

    def never() -> api.Parts:
        raise RuntimeError("an application that only describes itself takes no requests")

    async def nothing() -> dict[str, Any]:
        return {"pending": 0}

    return make_app(never, None, nothing).openapi()


def service(settings: ScoringSettings, book: Book, clock: Clock = system_clock) -> Service:
    """What `life.main` runs."""

    @asynccontextmanager
    async def opened(life: Life) -> AsyncIterator[FastAPI]:
        async with (
            open_pool(
                settings.database_url(),
                application="scoring",
                size=settings.database_connections,
                settings=_BY_RANGE,
            ) as pool,
            httpx.AsyncClient(timeout=5.0, limits=httpx.Limits(max_connections=20)) as client,
            _running(life, settings, book, pool, client, clock) as app,
        ):
            yield app

    return opened


@asynccontextmanager
async def _running(
    life: Life, settings: ScoringSettings, book: Book, pool: Pool, client: httpx.AsyncClient, clock: Clock
) -> AsyncIterator[FastAPI]:
    vocabulary = Vocabulary()
    epoch = await persistently(lambda: _prepare(pool, vocabulary))
    failpoints = Failpoints(settings.failpoints, "scoring")
    clock = failpoints.clock(clock)
    book, edition = await rule_office.book_in_force(pool, book, clock)
    scorer = Scorer(
        pool, vocabulary, book, settings.partitions, clock=clock, after_step=failpoints.after("score")
    )
    relay = Relay(
        life, settings.database_url(), settings.kafka_servers(), "scoring", scorer.again,
        failpoints.after("relay"),
    )  # fmt: skip
    stream = Stream(life, pool, settings.stream_clients)
    scoring = ScoringLoop(life, scorer, epoch, (relay.wake, stream.wake))
    folder = fold.Folder(
        pool,
        vocabulary,
        book.agencies.wrong_title,
        epoch,
        onward=sorted(vocabulary.flows[flow] for flow in book.onward()),
        endings=endings_of(book.agencies.register),
        on_stored=scoring.stored,
        clock=clock,
        after_step=failpoints.after("fold"),
    )
    consumer = BatchConsumer(life, pool, _reading(settings), folder.prepare, folder.apply, clock)
    readings = Readings(pool, vocabulary, book, clock)
    parts = api.Parts(
        settings,
        readings,
        Evidence(readings, settings.domain_urls(), client),
        stream,
        _periods(settings, pool, scorer, clock),
        judgements_api.Judgements(readings, settings.domain_urls()["content"], client),
        comparison_api.Comparisons(readings, read_scales()),
        forecast_api.Forecasts(readings, read_acts(), settings.domain_urls(), client),
        lambda: _begin_rebuild(settings, pool),
        families_api.Families(readings, settings.domain_urls(), client),
        _signals(settings, readings, client),
    )
    app = make_app(lambda: parts, life, lambda: _status(consumer, readings, relay))
    tracing.spans.start(life, "scoring", settings.traces)
    rule_office.watch(life, pool, edition)
    relay.start()
    stream.start()
    scoring.start()
    consumer.start()
    try:
        yield app
    finally:
        await asyncio.sleep(0)
        await consumer.close()
        await life.finish()


def _reading(settings: ScoringSettings) -> Reading:
    return Reading(
        settings.kafka_servers(), fold.TOPICS, "scoring", "scoring", settings.partitions,
        max_records=settings.batch_records, max_partition_fetch_bytes=_FETCH_BYTES,
    )  # fmt: skip


async def _begin_rebuild(settings: ScoringSettings, pool: Pool) -> int:
    ends = await rebuild.ends_of(settings.kafka_servers(), settings.partitions)
    async with pool.acquire() as connection:
        return await rebuild.begin(connection, ends)


def _periods(settings: ScoringSettings, pool: Pool, scorer: Scorer, clock: Clock) -> periods_api.PeriodParts:
    reader = topic_reader(settings.kafka_servers(), settings.partitions)
    return periods_api.PeriodParts(
        pool,
        PeriodOffice(pool, scorer, settings.partitions, clock),
        Verifier(pool, scorer.vocabulary, scorer.book, reader),
        clock,
    )


def _signals(settings: ScoringSettings, readings: Readings, client: httpx.AsyncClient) -> signals_api.Signals:
    reader = SignalReader(settings.domain_urls(), client, shipped_signal_rules(), vietnam())
    return signals_api.Signals(readings, reader)


async def _prepare(pool: Pool, vocabulary: Vocabulary) -> fold.Epoch:
    async with pool.acquire() as connection:
        await migrate(connection, MIGRATIONS)
    await vocabulary.load(pool)
    async with pool.acquire() as connection:
        return await fold.read_epoch(connection)


async def _status(consumer: BatchConsumer[Batch], readings: Readings, relay: Relay) -> dict[str, Any]:
    lag = await consumer.lag()
    waiting = await readings.pending()
    faults = waiting.pop("faults", 0)
    return {
        "pending": lag + consumer.in_hand() + sum(waiting.values()),
        "events": lag,
        **waiting,
        "in_flight": consumer.in_hand(),
        "faults": faults,
        "relay": relay.elected,
    }


def run() -> int:
    """Run until asked to stop; answers the exit code. Raises pydantic.ValidationError for bad settings."""
    settings = ScoringSettings()
    return main("scoring", settings, service(settings, open_book()))
