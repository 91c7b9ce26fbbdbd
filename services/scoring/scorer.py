"""From dirty counts to published scores, in one transaction.

One replica at a time has its turn (a table lock, waited for before the snapshot is taken); its transaction
is REPEATABLE READ, so the counts it sees are exactly those that the dirty rows it takes speak of, and every
change of a score names every fact behind it and no other.

  1. take the turn; while a rebuild is being read, do nothing
  2. note what the calendar and the rule book ask for (a new local day, other rules, a quarter that begins)
  3. take the dirty rows, count, score, compare with what was published
  4. store scores, revisions, changes and the records for the bus
  5. commit
"""

import hashlib
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from services.scoring import keeping, period_life, period_store, store, traces
from services.scoring.eligibility import Agencies
from services.scoring.fold import Epoch, RebuildStartedError, read_epoch
from services.scoring.indicators import STOCK_INDICATORS, flows_of, for_rules, onward_flows, span_of_period
from services.scoring.publish import (
    SOURCE,
    Published,
    canonical,
    change_document,
    change_record,
    content_of,
    following,
    period_record,
    score_record,
)
from services.scoring.queries import counts_of
from services.scoring.ruleset import RuleBook, RuleSet, Scored
from services.scoring.score import Document, score
from services.scoring.vocabulary import Vocabulary
from shared.calendar.local import iso, local_day
from shared.calendar.periods import Period, Window, quarter_of
from shared.runtime import logs, outbox
from shared.runtime.clock import Clock, system_clock
from shared.runtime.failpoints import AfterStep, nowhere
from shared.runtime.postgres import Connection, Pool

log = logs.get(__name__)

_TURN = "LOCK TABLE turn IN EXCLUSIVE MODE"

_TAKE = "DELETE FROM dirty RETURNING agency, quarter, onward, causes"

_PUBLISHED = (
    "SELECT agency, revision, as_of, content FROM score_published WHERE period = $1 AND agency = ANY($2)"
)

_STORE = """
WITH stored AS (
    INSERT INTO score AS s (agency, period, document)
    SELECT agency, $1, document FROM unnest($2::text[], $3::text[]) AS n (agency, document)
    ON CONFLICT (period, agency) DO UPDATE SET document = excluded.document
    WHERE s.document <> excluded.document)
INSERT INTO score_published AS p (agency, period, revision, as_of, content)
SELECT agency, $1, revision, as_of, content
FROM unnest($2::text[], $4::int[], $5::timestamptz[], $6::text[]) AS n (agency, revision, as_of, content)
ON CONFLICT (period, agency) DO UPDATE
SET revision = excluded.revision, as_of = excluded.as_of, content = excluded.content
WHERE p.revision < excluded.revision
"""

_CHANGES = """
INSERT INTO score_change (agency, period, revision, at, document, causes)
SELECT agency, $1, revision, $2, document, string_to_array(causes, E'\\n')
FROM unnest($3::text[], $4::int[], $5::text[], $6::text[]) AS n (agency, revision, document, causes)
"""


@dataclass(frozen=True, slots=True)
class Book:
    """What scores are worked out with: rules, agencies, and the version of the working calendar."""

    rules: RuleBook
    agencies: Agencies
    calendar: str
    digest: str
    """Of rules and register: another one means that every score is worked out again."""
    _scored: dict[str, dict[str, Scored]] = field(default_factory=dict, repr=False, compare=False)

    def rule_sets(self, agency: Scored, period: Period) -> tuple[RuleSet, ...]:
        """What an agency is scored under in a period."""
        return self.rules.of(agency, period.window)

    def scored(self, period: Period) -> dict[str, Scored]:
        """Everybody who has a score in a period: whom some rule set is for. Not to be changed."""
        found = self._scored.get(period.name)
        if found is None:
            everyone = self.agencies.scored_in(period.window)
            found = {name: one for name, one in everyone.items() if self.rule_sets(one, period)}
            self._scored[period.name] = found
        return found

    def names(self, window: Window) -> frozenset[str]:
        """Every count that the rules of a window look at."""
        return frozenset(name for rule_set in self.rules.on(window.first) for name in rule_set.names())

    def onward(self) -> frozenset[str]:
        """Flows that later quarters see too, under any of the rules."""
        return onward_flows(name for rule_set in self.rules.live() for name in rule_set.names())


def digest_of(rules: RuleBook, agencies: Agencies) -> str:
    """The digest of rules and register."""
    told = "\n".join(
        [
            *(repr(rule_set.row) for rule_set in rules.rule_sets),
            *(repr(agency) for agency in agencies.register.agencies.values()),
            *(repr(entry) for entry in agencies.register.eligibility),
        ]
    )
    return hashlib.sha256(told.encode()).hexdigest()


@dataclass(slots=True)
class Work:
    """Dirty agencies of one quarter with the facts that made them so."""

    period: Period
    causes: dict[str, list[str]] = field(default_factory=dict)

    def add(self, agency: str, causes: Iterable[str]) -> None:
        """One more reason."""
        self.causes.setdefault(agency, []).extend(causes)


class Scorer:
    """Works dirty scores out. `run_once` is safe to repeat, and to run in several replicas at once."""

    def __init__(
        self,
        pool: Pool,
        vocabulary: Vocabulary,
        book: Book,
        partitions: int,
        *,
        clock: Clock = system_clock,
        after_step: AfterStep = nowhere,
    ) -> None:
        self._pool = pool
        self.vocabulary = vocabulary
        self.book = book
        self._partitions = partitions
        self._clock = clock
        self._after_step = after_step

    async def run_once(self, begun: int | None = None) -> int:
        """Work out what is dirty; answers how many scores changed. Nothing happens during a rebuild.

        Raises RebuildStartedError when the tables were dropped since the process began in epoch `begun`.
        """
        now = self._clock()
        await self.vocabulary.learn(self._pool, self.book.agencies.register.agencies)
        async with self._pool.acquire() as connection:
            async with connection.transaction(isolation="repeatable_read"):
                await connection.execute(_TURN)
                epoch = await read_epoch(connection)
                if begun is not None and epoch.number != begun:
                    raise RebuildStartedError(
                        f"rebuild {epoch.number} began; starting again to read from the beginning"
                    )
                if epoch.until and not await self._rebuilt(connection, epoch):
                    return 0
                self._after_step(1)
                await self._look_around(connection, now)
                self._after_step(2)
                changed = await self._work(connection, now)
                self._after_step(4)
            self._after_step(5)
        return changed

    # ------------------------------------------------------------------------------ what is dirty

    async def _rebuilt(self, connection: Connection, epoch: Epoch) -> bool:
        """Whether the rebuild has read all it must; then everything published is worked out again."""
        rows = await connection.fetch("SELECT topic || '/' || partition AS place, next FROM position")
        reached = {row["place"]: row["next"] for row in rows}
        if any(reached.get(place, 0) < offset for place, offset in epoch.until.items()):
            return False
        await connection.execute("UPDATE rebuild SET until = NULL")
        await connection.execute("DELETE FROM dirty WHERE causes = '{}'")
        await self._everything(connection, f"rebuild/{epoch.number}")
        log.info("rebuild read to its end", epoch=epoch.number)
        return True

    async def _look_around(self, connection: Connection, now: datetime) -> None:
        """Dirty what no fact asks for: other rules, and the quarter whose elapsed weeks a new day changes."""
        noted = dict(await connection.fetch("SELECT name, value FROM noted"))
        if noted.get("rules") != self.book.digest:
            if "rules" in noted:
                await self._everything(connection, f"rules/{self.book.digest[:16]}")
            await self._note(connection, "rules", self.book.digest)
        today = local_day(now)
        if noted.get("day") != today.isoformat():
            begun = date.fromisoformat(noted["day"]) if "day" in noted else today
            for period in {quarter_of(begun), quarter_of(today)}:
                await self._everyone(connection, period, f"day/{today.isoformat()}")
            await self._note(connection, "day", today.isoformat())

    async def _note(self, connection: Connection, name: str, value: str) -> None:
        await connection.execute(
            """INSERT INTO noted (name, value) VALUES ($1, $2)
               ON CONFLICT (name) DO UPDATE SET value = excluded.value""",
            name, value,
        )  # fmt: skip

    async def _everything(self, connection: Connection, reason: str) -> None:
        """Every quarter that has scores, for everybody scored in it."""
        for row in await connection.fetch("SELECT period FROM period_state ORDER BY period"):
            await self._everyone(connection, _quarter(row["period"]), reason)

    async def _everyone(self, connection: Connection, period: Period, reason: str) -> None:
        await connection.execute(
            """INSERT INTO dirty (agency, quarter, onward, causes)
               SELECT number, $2, false, $3 FROM unnest($1::smallint[]) AS n (number)""",
            [self.vocabulary.agencies[name] for name in self.book.scored(period)],
            store.quarter_number(period),
            [f"{SOURCE} {reason}"],
        )

    async def _take(self, connection: Connection, known: Collection[str], now: datetime) -> list[Work]:
        """The dirty rows by quarter. A quarter that is not `known` yet opens for everybody."""
        works: dict[int, Work] = {}
        latest = max((store.quarter_number(_quarter(name)) for name in known), default=0)
        for number, quarter, onward, causes in await connection.fetch(_TAKE):
            agency = self.vocabulary.agency_names.get(number)
            if agency is None:
                await self.vocabulary.refresh(connection)
                agency = self.vocabulary.agency_names[number]
            for each in range(quarter, max(quarter, latest) + 1) if onward else (quarter,):
                works.setdefault(each, Work(store.QUARTERS[each])).add(agency, causes)
        for number in sorted(works):
            period = works[number].period
            if period.name not in known and self.book.rules.on(period.first):
                await self._open(connection, works[number], now)
        return [works[number] for number in sorted(works)]

    async def _open(self, connection: Connection, work: Work, now: datetime) -> None:
        period = work.period
        await connection.execute(
            "INSERT INTO period_state (period, state, at) VALUES ($1, 'open', $2)", period.name, now
        )
        document = {"period": period.name, "state": "open", "at": iso(now)}
        await outbox.add(connection, [period_record(document, self._partitions)])
        for agency in self.book.scored(period):
            work.add(agency, [f"{SOURCE} period/{period.name}"] if agency not in work.causes else [])

    # ------------------------------------------------------------------------------------ scoring

    async def _work(self, connection: Connection, now: datetime) -> int:
        changed = 0
        lives = await period_store.lives(connection)
        works = await self._take(connection, lives, now)
        for work in works:
            changed += await self._score(connection, work, lives.get(work.period.name), now)
        return changed

    async def _score(
        self, connection: Connection, work: Work, life: period_life.Life | None, now: datetime
    ) -> int:
        period = work.period
        everyone = self.book.scored(period)
        scored = {name: everyone[name] for name in work.causes if name in everyone}
        if not scored:
            return 0
        named = self.book.names(period.window)
        wanted = {flow for name in named for flow in flows_of(name)}
        stocks = not named.isdisjoint(STOCK_INDICATORS)
        span = span_of_period(period)
        counts = await counts_of(connection, self.vocabulary, scored, span, wanted, stocks=stocks)
        before = await self.read_published(connection, period, scored)
        day = keeping.day_of(life, now)
        would: dict[str, str] = {}
        for name, agency in scored.items():
            seen = for_rules(counts[name], period.window, day, named)
            result = score(agency, self.book.rule_sets(agency, period), seen)
            would[name] = canonical(content_of(result, period))
        published = {name: old.content for name, old in before.items()}
        allowed = await keeping.let_through(connection, life, published, would, work.causes, now)
        for name, causes in allowed.causes.items():
            work.add(name, causes)
        after = {name: following(before.get(name), text, now) for name, text in allowed.contents.items()}
        self._after_step(3)
        return await self.publish(connection, work, before, after, now)

    async def read_published(
        self, connection: Connection, period: Period, agencies: Iterable[str]
    ) -> dict[str, Published]:
        """What was last said about these agencies' scores."""
        rows = await connection.fetch(_PUBLISHED, period.name, list(agencies))
        return {row["agency"]: Published(row["revision"], row["as_of"], row["content"]) for row in rows}

    async def publish(
        self,
        connection: Connection,
        work: Work,
        before: dict[str, Published],
        after: dict[str, Published],
        now: datetime,
    ) -> int:
        """Store scores and what changed, and put both onto the bus; the caller holds the turn."""
        period = work.period.name
        names = sorted(after)
        await connection.execute(
            _STORE,
            period,
            names,
            [canonical(after[name].document()) for name in names],
            [after[name].revision for name in names],
            [after[name].as_of for name in names],
            [after[name].content for name in names],
        )
        moved = [name for name in names if after[name] is not before.get(name)]
        causes = {name: list(dict.fromkeys(work.causes[name])) for name in moved}
        changes = {name: change_document(before.get(name), after[name], self.book.calendar) for name in moved}
        await self._store_changes(connection, period, now, changes, causes)
        await self._send(connection, moved, after, changes, causes)
        return len(moved)

    async def _store_changes(
        self,
        connection: Connection,
        period: str,
        now: datetime,
        changes: dict[str, Document],
        causes: dict[str, list[str]],
    ) -> None:
        if changes:
            await connection.execute(
                _CHANGES,
                period,
                now,
                list(changes),
                [document["revision"] for document in changes.values()],
                [canonical(document) for document in changes.values()],
                ["\n".join(causes[name]) for name in changes],
            )

    async def _send(
        self,
        connection: Connection,
        moved: Sequence[str],
        after: dict[str, Published],
        changes: dict[str, Document],
        causes: dict[str, list[str]],
    ) -> None:
        records = []
        register = self.book.agencies.register
        began = time.time_ns()
        known = await traces.of_causes(connection, {cause for name in moved for cause in causes[name]})
        for name in moved:
            trace = traces.tell(after[name], causes[name], known, began) if known else None
            told = [change_record(changes[name], causes[name], self._partitions)]
            if register.agencies[name].parent is None:
                # `scores` is the table of the province, as `GET /v1/scores` is; districts have their own.
                told.insert(0, score_record(after[name], self._partitions))
            records += traces.carried(told, trace)
        await outbox.add(connection, records)

    # --------------------------------------------------------------------------------- once more

    async def again(self, keys: Sequence[tuple[str, bytes]]) -> None:
        """Put the newest record of these keys into the outbox once more (the relay asks after a fault)."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_TURN)
            records = []
            for topic, key in keys:
                if topic == "scores":
                    agency, _, period = key.decode().partition("|")
                    rows = await connection.fetch(_PUBLISHED, period, [agency])
                    records += [
                        score_record(
                            Published(row["revision"], row["as_of"], row["content"]), self._partitions
                        )
                        for row in rows
                    ]
                elif topic == "periods":
                    document = await period_store.period_document(connection, key.decode())
                    records += [period_record(document, self._partitions)] if document else []
            await outbox.add(connection, records)


def _quarter(name: str) -> Period:
    return store.QUARTERS[(int(name[:4]) - 2000) * 4 + int(name[-1]) - 1]
