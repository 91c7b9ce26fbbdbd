"""What officers do with periods: propose, confirm, withdraw, reopen, decide about adjustments.

Every step is one transaction under the scorer's turn: it reads where the period stands, asks the pure rules
(`period_life`), stores, keeps the step for ever, and puts the period onto the topic.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec

from services.scoring import keeping, period_life, period_store, sealing
from services.scoring.fold import read_epoch
from services.scoring.period_life import Life, RefusedError, Scope
from services.scoring.publish import SOURCE, following
from services.scoring.ruleset import Scored
from services.scoring.score import Document
from services.scoring.scorer import Scorer, Work
from services.scoring.store import quarter_number
from shared.calendar.periods import Period, parse_period
from shared.runtime import audit_trail
from shared.runtime.audit_trail import Deed
from shared.runtime.clock import Clock, system_clock
from shared.runtime.postgres import Connection, Pool
from shared.runtime.problem import ProblemError

_TURN = "LOCK TABLE turn IN EXCLUSIVE MODE"

_UNSETTLED = """
SELECT EXISTS (SELECT FROM dirty WHERE quarter = $1 OR (onward AND quarter <= $1))
"""


@asynccontextmanager
async def turn(pool: Pool) -> AsyncIterator[Connection]:
    """A transaction under the turn; a refused step becomes problem 409."""
    try:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_TURN)
            yield connection
    except RefusedError as refused:
        raise ProblemError(409, refused.code, refused.detail) from None


class PeriodOffice:
    """The officers' commands. `scorer` publishes what a decision changes."""

    def __init__(self, pool: Pool, scorer: Scorer, partitions: int, clock: Clock = system_clock) -> None:
        self._pool = pool
        self._scorer = scorer
        self._partitions = partitions
        self._clock = clock

    # ------------------------------------------------------------------------------------- closing

    async def close(self, period: str, officer: str, reason: str, cut_off: datetime | None) -> Document:
        """Propose to close; while another officer's proposal to close waits, confirm that.

        Raises ProblemError 404 (no scores), 409 (what the rules refuse).
        """
        async with turn(self._pool) as connection:
            life = await self._life(connection, period)
            if life.state == "closing":
                if cut_off is not None and cut_off != life.cut_off:
                    raise RefusedError("cut-off", "Another cut-off is proposed: confirm or withdraw that.")
                return await self._confirm(connection, life, officer)
            proposed = period_life.propose_close(life, officer, reason, self._clock(), cut_off)
            return await self._take(connection, proposed, "propose-close", {})

    async def confirm(self, period: str, officer: str) -> Document:
        """Confirm what another officer proposed: the next seal. Raises ProblemError 404, 409."""
        async with turn(self._pool) as connection:
            return await self._confirm(connection, await self._life(connection, period), officer)

    async def withdraw(self, period: str, officer: str, reason: str) -> Document:
        """Take a proposal back; what its cut-off held back is counted again."""
        async with turn(self._pool) as connection:
            before = await self._life(connection, period)
            life = period_life.withdraw(before, officer, reason, self._clock())
            if life.state == "open":
                await keeping.take_in_again(connection, period)
            if before.state == "closing":
                await self._dirty(connection, life, f"withdrawn/{period}")
            return await self._take(connection, life, "withdraw", {})

    async def reopen(self, period: str, officer: str, reason: str, scope: Scope, until: datetime) -> Document:
        """Let part of a closed period move for a time."""
        async with turn(self._pool) as connection:
            life = await self._life(connection, period)
            reopened = period_life.reopen(life, officer, reason, self._clock(), scope, until)
            await self._dirty(connection, reopened, f"reopened/{period}")
            return await self._take(connection, reopened, "reopen", {"scope": scope.document()})

    # --------------------------------------------------------------------------------- adjustments

    async def propose_acceptance(
        self, period: str, officer: str, reason: str, numbers: Sequence[int] | None
    ) -> Document:
        """Propose that adjustments count (all that are pending when none is named)."""
        async with turn(self._pool) as connection:
            life = await self._life(connection, period)
            asked = await period_store.pending_numbers(connection, period) if numbers is None else numbers
            proposed = period_life.propose_acceptance(life, officer, reason, self._clock(), asked)
            await self._decidable(connection, period, asked, ("pending", "refused"))
            return await self._take(connection, proposed, "propose-acceptance", {"numbers": sorted(asked)})

    async def refuse(self, period: str, officer: str, reason: str, numbers: Sequence[int]) -> Document:
        """Decide that adjustments do not count. Nothing changes, so one officer is enough."""
        async with turn(self._pool) as connection:
            life = period_life.note(await self._life(connection, period), officer, reason, self._clock())
            await self._decidable(connection, period, numbers, ("pending",))
            await period_store.decide(connection, period, numbers, "refused", life)
            detail = {"numbers": sorted(numbers)}
            await period_store.note_step(connection, life, "refuse", life.officer or "", detail)
            await _record(
                connection,
                life,
                "refuse",
                life.officer or "",
                {"state": "pending"},
                {"state": "refused", **detail},
            )
            return {"period": period, "refused": sorted(set(numbers))}

    async def _decidable(
        self, connection: Connection, period: str, numbers: Sequence[int], states: Sequence[str]
    ) -> None:
        rows = {row["number"]: row["state"] for row in await period_store.chosen(connection, period, numbers)}
        for number in numbers:
            if number not in rows:
                raise RefusedError("numbers", f"{period} has no adjustment {number}.")
            if rows[number] not in states:
                raise RefusedError("numbers", f"Adjustment {number} is {rows[number]} already.")

    # ---------------------------------------------------------------------------------------- seal

    async def _confirm(self, connection: Connection, life: Life, officer: str) -> Document:
        proposal = life.proposal
        closed = period_life.confirm(life, officer, self._clock())
        await self._settled(connection, life.period)
        accepted: list[int] = []
        if proposal is not None and proposal.kind == "accept":
            accepted = await self._accept(connection, closed, proposal.numbers)
        await self._seal(connection, closed, accepted)
        detail = {"seal": closed.seals, "proposed_by": closed.officer, "accepted": accepted}
        return await self._take(connection, closed, "confirm", detail, closed.confirmed_by)

    async def _settled(self, connection: Connection, period: str) -> None:
        """A seal is made of scores that follow from everything that is known."""
        quarter = quarter_number(parse_period(period))
        if (await read_epoch(connection)).until or await connection.fetchval(_UNSETTLED, quarter):
            raise RefusedError("unsettled", "Facts are still being counted; confirm again in a moment.")

    async def _accept(self, connection: Connection, life: Life, numbers: Sequence[int]) -> list[int]:
        """Publish the scores as they were counted after the accepted adjustments; answers which they are.

        An adjustment stands on those before it, so accepting one takes in all of that agency before it; and
        where a later one counts already, all before that.
        """
        newest = await period_store.reached(connection, life.period, numbers)
        rows = await period_store.not_counted_up_to(
            connection, life.period, {agency: number for agency, (number, _) in newest.items()}
        )
        work = Work(parse_period(life.period))
        for row in rows:
            work.add(row["agency"], row["causes"])
        for agency in newest:
            work.add(agency, [f"{SOURCE} decision/{life.period}/{life.seals}"])
        before = await self._scorer.read_published(connection, work.period, newest)
        after = {
            agency: following(before.get(agency), content, life.at) for agency, (_, content) in newest.items()
        }
        await self._scorer.publish(connection, work, before, after, life.at)
        accepted = [row["number"] for row in rows]
        await period_store.decide(connection, life.period, accepted, "accepted", life)
        return accepted

    async def _seal(self, connection: Connection, life: Life, accepted: Sequence[int]) -> None:
        rows = await connection.fetch(
            "SELECT agency, content FROM score_published WHERE period = $1", life.period
        )
        contents = {row["agency"]: row["content"] for row in rows}
        document = sealing.sealed_text(life.period, contents)
        inputs = await self._inputs(connection, life, contents)
        hashes = sealing.sha256(document), sealing.sha256(inputs)
        await period_store.add_seal(connection, life, accepted, (document, inputs), hashes)

    async def _inputs(self, connection: Connection, life: Life, contents: Mapping[str, str]) -> str:
        """Rules and agencies as they are; what a kept part of the score needs, as the seal before had it."""
        book = self._scorer.book
        last = await period_store.seal(connection, life.period, None)
        old: Document = msgspec.json.decode(last["inputs"]) if last else {"rulesets": {}, "agencies": {}}
        texts = old["rulesets"] | {rule_set.name: rule_set.text for rule_set in book.rules.rule_sets}
        period = parse_period(life.period)
        now = book.agencies.scored_in(period.window)
        cited = {
            module["ruleset"]
            for content in contents.values()
            for module in msgspec.json.decode(content)["modules"].values()
        }
        return sealing.inputs_text(
            [now[name] if name in now else _as_before(name, old) for name in sorted(contents)],
            {name: texts[name] for name in sorted(cited)},
            day=period_life.counting_day(life, life.at).isoformat(),
            calendar=book.calendar,
        )

    # -------------------------------------------------------------------------------------- inside

    async def _life(self, connection: Connection, period: str) -> Life:
        life = await period_store.one_life(connection, period)
        if life is None:
            raise ProblemError(404, "unknown-period", f"{period} has no scores; GET /v1/periods lists those.")
        return life

    async def _take(
        self, connection: Connection, life: Life, action: str, detail: Document, by: str | None = None
    ) -> Document:
        """Store a step, tell it, and enter it into the audit trail."""
        officer = by or life.officer or ""
        before = await period_store.period_document(connection, life.period)
        await period_store.save(connection, life)
        await period_store.note_step(connection, life, action, officer, detail)
        after = await period_store.announce(connection, life.period, self._partitions)
        await _record(connection, life, action, officer, before, {**after, "detail": detail})
        return after

    async def _dirty(self, connection: Connection, life: Life, reason: str) -> None:
        numbers = [row["number"] for row in await connection.fetch("SELECT number FROM agency")]
        quarter = quarter_number(parse_period(life.period))
        await keeping.make_dirty(connection, quarter, numbers, reason)


async def _record(
    connection: Connection, life: Life, action: str, officer: str, before: Document | None, after: Document
) -> None:
    deed = Deed("scoring", officer, f"period.{action}", life.period, life.reason or "", before, after)
    await audit_trail.append(connection, deed)


def _as_before(name: str, old: Document) -> Scored:
    kept = old["agencies"].get(name, {"group": "", "bloc": "none", "parent": None, "modules": []})
    return Scored(name, kept["group"], kept["bloc"], kept["parent"], tuple(kept["modules"]))


def quarter_of_name(period: str) -> Period:
    """A quarter by its name. Raises ProblemError 400."""
    try:
        found = parse_period(period)
    except ValueError as error:
        raise ProblemError(400, "period", f"{error}.") from None
    if found.kind != "quarter":
        raise ProblemError(400, "period", "Quarters are closed, not halves or years; write it as 2024-Q1.")
    return found
