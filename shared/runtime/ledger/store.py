"""One batch, one transaction: facts, entities, outbox and positions commit together or not at all."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from prometheus_client import Counter

from shared.contracts.facts import RETRACTED
from shared.runtime import logs, tracing
from shared.runtime.failpoints import AfterStep, nowhere
from shared.runtime.ledger import rejections, statements
from shared.runtime.ledger.decode import Candidate, Refusal
from shared.runtime.ledger.folding import (
    Cause,
    EntityFullError,
    EntityRow,
    UnfoldableError,
    fold_entity,
    key_candidates,
    records_for,
)
from shared.runtime.ledger.items import Item, Status
from shared.runtime.ledger.lifecycle import EntityRef, Lifecycle
from shared.runtime.ledger.statements import FactKey
from shared.runtime.outbox import Record
from shared.runtime.positions import Positions
from shared.runtime.postgres import Connection, Pool

Outcome = tuple[Item, Refusal | None, Status]
"""An item, why it was refused if it was, and what became of it."""

_MAX_ATTEMPTS = 20
_ENTITIES_PER_TURN = 100

EVENTS = Counter("bus_events", "Events by what became of them", ["entrance", "status", "reason"])

log = logs.get(__name__)


class _AgainError(Exception):
    """Roll back and take the batch again, knowing more."""


@dataclass(slots=True)
class _Work:
    """What is worked out for one batch in one attempt."""

    causes: dict[EntityRef, list[Cause]] = field(default_factory=dict)
    withdrawn: dict[EntityRef, set[FactKey]] = field(default_factory=dict)
    refused: dict[FactKey, Refusal] = field(default_factory=dict)
    accepted: set[FactKey] = field(default_factory=set)
    digests: dict[FactKey, bytes] = field(default_factory=dict)
    first_places: dict[FactKey, tuple[str | None, int | None, int | None]] = field(default_factory=dict)
    fresh: list[EntityRow] = field(default_factory=list)
    changed: list[EntityRow] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    followed: list[tuple[str, str, EntityRow]] = field(default_factory=list)
    """Trace, trace of the step before and the entity of each change that somebody follows."""
    began_ns: int = field(default_factory=time.time_ns)

    def follow(self, module: str, row: EntityRow, causes: Sequence[Cause]) -> str | None:
        """The trace of a change: that of the last fact behind it whose sender asked for one."""
        parent = None
        for cause in causes:
            parent = cause.trace or parent
        if parent is None:
            return None
        trace = tracing.child(parent, f"{module}:{row.key}:{row.version}")
        self.followed.append((trace, parent, row))
        return trace

    def tell_followed(self) -> None:
        """Into the log and the traces, once the batch is committed."""
        for trace, parent, row in self.followed:
            told = {"key": row.key, "version": row.version, "agency": row.agency}
            log.info("change", trace_id=tracing.trace_id(trace), **told)
            tracing.done(trace, parent, "change", self.began_ns, **told)


class Store:
    """Writes batches of one module. Safe to use from several tasks and processes at once."""

    def __init__(
        self,
        pool: Pool,
        lifecycle: Lifecycle,
        partitions: int,
        on_commit: Callable[[], None] = lambda: None,
        after_step: AfterStep = nowhere,
    ) -> None:
        self._pool = pool
        self._lifecycle = lifecycle
        self._partitions = partitions
        self._on_commit = on_commit
        self._after_step = after_step
        self._entities = asyncio.Lock()

    async def apply(self, items: Sequence[Item], positions: Positions, now: datetime) -> None:
        """Store a batch and say on each item what became of it. Harmless to repeat.

        Raises only faults of the database; the items are then as they were.
        """
        forced: dict[FactKey, Refusal] = {}
        careful = False
        for _ in range(_MAX_ATTEMPTS):
            async with self._pool.acquire() as connection:
                try:
                    outcome = await self._attempt(connection, items, positions, now, forced, careful)
                except _AgainError:
                    careful = True
                    continue
                finally:
                    if connection.is_in_transaction():
                        await connection.execute("ROLLBACK")
            self._on_commit()
            for item, refusal, status in outcome:
                if refusal is not None:
                    item.refuse(refusal)
                else:
                    item.status = status
            _count(items)
            self._after_step(8)
            return
        raise RuntimeError(f"a batch of {len(items)} events found no end after {_MAX_ATTEMPTS} attempts")

    async def _attempt(
        self,
        connection: Connection,
        items: Sequence[Item],
        positions: Positions,
        now: datetime,
        forced: dict[FactKey, Refusal],
        careful: bool,
    ) -> list[Outcome]:
        """The numbered steps. Ends committed, or raises with nothing done."""
        first: dict[FactKey, tuple[Candidate, Item]] = {}
        for item in items:
            content = item.content
            if isinstance(content, Candidate):
                first.setdefault((content.fact.source, content.fact.id), (content, item))
        work = _Work(refused=dict(forced))
        taking_back = {key: pair[0] for key, pair in first.items() if pair[0].retracts is not None}

        # 1. Begin, in step with other writers.
        await statements.begin(connection, alone=bool(taking_back))
        self._after_step(1)
        # 2. What retractions reach.
        if taking_back:
            await self._retract(connection, taking_back, first, work)
        self._after_step(2)
        # 3. Append what is new; tell repeats from conflicts.
        await self._append(connection, first, work, now)
        self._after_step(3)
        # From here on one batch of this process at a time: the next one appends its facts meanwhile, but
        # would often find the entities that this one is about to make.
        async with self._entities:
            return await self._finish(connection, items, first, work, positions, now, forced, careful)

    async def _finish(
        self,
        connection: Connection,
        items: Sequence[Item],
        first: dict[FactKey, tuple[Candidate, Item]],
        work: _Work,
        positions: Positions,
        now: datetime,
        forced: dict[FactKey, Refusal],
        careful: bool,
    ) -> list[Outcome]:
        # 4. Lock the entities, in sorted order.
        refs = sorted(
            work.causes.keys() | work.withdrawn.keys(), key=lambda ref: (ref.entity, ref.kind, ref.scope)
        )
        rows = await statements.lock_entities(connection, refs) if refs else {}
        self._after_step(4)
        # 5. Fold, purely.
        await self._fold(connection, refs, rows, work, forced, now, careful)
        self._after_step(5)
        # 6. Keep what was refused, count what was repeated.
        outcome, repeats = _outcome(items, first, work)
        await statements.count_repeats(connection, repeats, now)
        refused = [(item, refusal) for item, refusal, _ in outcome if refusal is not None]
        work.records += await rejections.keep(
            connection, self._lifecycle.module, refused, self._partitions, now
        )
        self._after_step(6)
        # 7. Entities, outbox and positions in one statement, then commit.
        if not await statements.write(connection, work.fresh, work.changed, work.records, positions, now):
            raise _AgainError
        self._after_step(7)
        await connection.execute("COMMIT")
        work.tell_followed()
        return outcome

    async def _retract(
        self,
        connection: Connection,
        taking_back: dict[FactKey, Candidate],
        first: dict[FactKey, tuple[Candidate, Item]],
        work: _Work,
    ) -> None:
        known = await statements.known_facts(connection, list(taking_back))
        named = [candidate.retracts for candidate in taking_back.values() if candidate.retracts is not None]
        found = await statements.targets(connection, named)
        effective = []
        for key, candidate in taking_back.items():
            assert candidate.retracts is not None
            if key in known or key in work.refused:
                continue
            target = found.get(candidate.retracts)
            beside = first.get(candidate.retracts)
            refusal = None
            if target is not None:
                refusal = _refuse_retraction(candidate, target["type"], target["agency"])
            elif beside is not None:
                refusal = _refuse_retraction(candidate, beside[0].fact.type, beside[0].fact.agency)
            if refusal is not None:
                work.refused[key] = refusal
                continue
            effective.append(candidate)
            if target is not None:
                ref = EntityRef(target["kind"], target["entity"], target["scope"])
                work.withdrawn.setdefault(ref, set()).add(candidate.retracts)
                work.causes.setdefault(ref, []).append(_cause(candidate, effective=False))
        await statements.add_retractions(connection, effective)

    async def _append(
        self,
        connection: Connection,
        first: dict[FactKey, tuple[Candidate, Item]],
        work: _Work,
        now: datetime,
    ) -> None:
        offered = [
            (candidate, item.origin) for key, (candidate, item) in first.items() if key not in work.refused
        ]
        if not offered:
            return
        added = await statements.insert_facts(connection, offered, now)
        for candidate, origin in offered:
            key = (candidate.fact.source, candidate.fact.id)
            retracted = added.get(key)
            if retracted is None:
                continue
            work.accepted.add(key)
            work.digests[key] = candidate.digest
            work.first_places[key] = (origin.topic, origin.partition, origin.offset)
            if candidate.ref is not None:
                work.causes.setdefault(candidate.ref, []).append(_cause(candidate, effective=not retracted))
        old = [key for key in first if key not in work.accepted and key not in work.refused]
        if old:
            for key, row in (await statements.known_facts(connection, old)).items():
                work.digests[key] = row["digest"]
                work.first_places[key] = (row["topic"], row["partition"], row["offset"])

    async def _fold(
        self,
        connection: Connection,
        refs: Sequence[EntityRef],
        rows: dict[EntityRef, EntityRow],
        work: _Work,
        forced: dict[FactKey, Refusal],
        now: datetime,
        careful: bool,
    ) -> None:
        """Fold every entity of the batch into rows and records. Facts that do not fit are forced out."""
        unborn = [ref for ref in refs if ref not in rows]
        keys = await self._new_keys(connection, unborn, careful) if unborn else {}
        again = False
        for number, ref in enumerate(refs, 1):
            if number % _ENTITIES_PER_TURN == 0:
                await asyncio.sleep(0)
            row = rows.get(ref)
            causes = work.causes.get(ref, [])
            try:
                folded = fold_entity(
                    self._lifecycle, ref, row, causes, frozenset(work.withdrawn.get(ref, ())), now,
                    row.key if row is not None else keys[ref],
                )  # fmt: skip
            except (EntityFullError, UnfoldableError) as error:
                _force_out(ref, causes, error, forced)
                again = True
                continue
            if folded is None:
                continue
            if row is None:
                work.fresh.append(folded)
            else:
                work.changed.append(folded)
            if row is None or folded.version != row.version:
                previous = row.agency if row is not None else None
                trace = work.follow(self._lifecycle.module, folded, causes)
                work.records += records_for(self._lifecycle.module, folded, previous, self._partitions, trace)
        if again:
            raise _AgainError

    async def _new_keys(
        self, connection: Connection, refs: Sequence[EntityRef], careful: bool
    ) -> dict[EntityRef, str]:
        """Record keys for entities that are new. Asks which are taken only when guessing has failed."""
        taken: set[str] = set()
        if careful:
            every = [key for ref in refs for key in key_candidates(ref)]
            taken = await statements.taken_keys(connection, every)
        keys = {}
        for ref in refs:
            key = next((key for key in key_candidates(ref) if key not in taken), None)
            if key is None:
                raise RuntimeError(f"no record key is left for {ref}")
            taken.add(key)
            keys[ref] = key
        return keys


def _cause(candidate: Candidate, *, effective: bool) -> Cause:
    fact = candidate.fact
    return Cause(
        fact.source, fact.id, fact.type, fact.time, fact.agency, fact if effective else None, candidate.trace
    )  # fmt: skip


def _refuse_retraction(candidate: Candidate, target_type: str, target_agency: str) -> Refusal | None:
    fact = candidate.fact
    pointers = (("/data/retracts", "cannot be taken back by this event"),)
    if target_type == RETRACTED:
        detail = "a retraction cannot be taken back; send the fact again under a new id"
    elif candidate.retracts is not None and candidate.retracts[0].startswith("/services/"):
        detail = "the clock's own facts cannot be taken back"
    elif target_type.startswith("ruling.") and (candidate.retracts or ("",))[0] != fact.source:
        detail = "a ruling is taken back only by who gave it"
    elif target_agency != fact.agency:
        detail = f"the fact to take back is not about {fact.agency}"
    else:
        return None
    return Refusal("retraction", detail, pointers, fact.source, fact.id, fact.type)


def _force_out(
    ref: EntityRef, causes: Sequence[Cause], error: Exception, forced: dict[FactKey, Refusal]
) -> None:
    """Refuse the newest facts of an entity that cannot take them: all at once, or one less each time."""
    new = [cause for cause in causes if cause.effective is not None] or list(causes)
    if isinstance(error, UnfoldableError):
        log.error("fold failed", entity=ref.entity, kind=ref.kind, scope=ref.scope, reason=str(error))
        if not new:
            raise error
        code, out = "unfoldable", new
    else:
        code, out = "entity_full", new[len(new) // 2 :]
    for cause in out:
        forced[(cause.source, cause.id)] = Refusal(code, str(error), (), cause.source, cause.id, cause.type)


def _outcome(
    items: Sequence[Item], first: dict[FactKey, tuple[Candidate, Item]], work: _Work
) -> tuple[list[Outcome], dict[FactKey, int]]:
    """What became of each item, and how often each fact was sent again."""
    outcome: list[Outcome] = []
    repeats: dict[FactKey, int] = {}
    for item in items:
        content = item.content
        if isinstance(content, Refusal):
            outcome.append((item, content, "rejected"))
            continue
        key = (content.fact.source, content.fact.id)
        refusal = work.refused.get(key)
        if refusal is not None:
            outcome.append((item, refusal, "rejected"))
        elif key in work.accepted and first[key][1] is item:
            outcome.append((item, None, "accepted"))
        elif work.digests[key] == content.digest:
            outcome.append((item, None, "duplicate"))
            origin = item.origin
            if work.first_places[key] != (origin.topic, origin.partition, origin.offset) or not origin.topic:
                repeats[key] = repeats.get(key, 0) + 1
        else:
            detail = "the ledger has another fact under this source and id; the first one stays"
            outcome.append((item, Refusal("conflict", detail, (), *key, content.fact.type), "rejected"))
    return outcome, repeats


def _count(items: Sequence[Item]) -> None:
    tally: dict[tuple[str, str, str], int] = {}
    for item in items:
        reason = item.content.code if isinstance(item.content, Refusal) else ""
        key = (item.origin.entrance, item.status or "", reason)
        tally[key] = tally.get(key, 0) + 1
    for labels, count in tally.items():
        EVENTS.labels(*labels).inc(count)
