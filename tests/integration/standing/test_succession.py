"""An agency merged within a quarter, on a real database: its heir counts what comes after its end."""

from dataclasses import replace
from datetime import date

import httpx

from services.scoring.app import open_book
from services.scoring.evidence import Evidence
from services.scoring.fold import Folder, read_epoch
from services.scoring.indicators import span_of
from services.scoring.succession import endings_of
from shared.calendar.periods import Window
from shared.register.register import AgencyRow, Register, shipped_register
from tests.integration.scoring.rig import NOW, Bus, Rig, rig, run
from tests.unit.scoring.world import world

OLD, HEIR, END = "so-noi-vu", "so-y-te", date(2024, 2, 10)
WINDOW = span_of(Window(date(2024, 1, 1), date(2024, 4, 30)))


def merged() -> Register:
    """The shipped register with one department merged into another."""
    shipped = shipped_register()
    rows = [AgencyRow(**one.model_dump(exclude={"bloc", "modules"})) for one in shipped.agencies.values()]
    ending = {"closed": END, "ending": "merged", "successors": (HEIR,), "heir": HEIR}
    rows = [AgencyRow(**(row.model_dump() | ending)) if row.slug == OLD else row for row in rows]
    return Register(rows, shipped.eligibility, shipped.categories, shipped.titles)


async def counted(one: Rig, register: Register) -> dict[str, dict[str, int]]:
    """The indicators of both agencies once a small world is folded under a register."""
    async with one.pool.acquire() as connection:
        epoch = await read_epoch(connection)
    endings = endings_of(register)
    folder = Folder(
        one.pool, one.vocabulary, register.is_wrong_title, epoch, endings=endings, clock=lambda: NOW
    )
    bus = Bus()
    records = [bus.put(change) for entity in world(5, 200) for change in entity.changes]
    await replace(one, folder=folder).fold(records)
    assert await one.tally() == await one.recounted()
    return await one.readings.indicators([OLD, HEIR], WINDOW)


def test_the_heir_counts_what_comes_after_the_end_and_evidence_says_for_whom_it_was_sent(
    postgres_url: str,
) -> None:
    async def work() -> None:
        async with rig(postgres_url) as one:
            apart = await counted(one, shipped_register())
            await one.execute("TRUNCATE contribution, tally, dirty, position")
        register = merged()
        async with rig(postgres_url, book=open_book(register)) as one:
            joined = await counted(one, register)
            for name in ("qa.received", "content.items", "dossier.received", "dossier.resolved.on_time",
                         "dossier.in_progress", "dossier.overdue"):  # fmt: skip
                before = [apart[agency].get(name, 0) for agency in (OLD, HEIR)]
                after = [joined[agency].get(name, 0) for agency in (OLD, HEIR)]
                assert sum(before) == sum(after), name
                assert after[1] >= before[1], name
            assert joined[OLD].get("dossier.in_progress", 0) == 0
            assert joined[HEIR]["qa.received"] > apart[HEIR]["qa.received"]

            async with httpx.AsyncClient() as client:
                evidence = Evidence(one.readings, {}, client)
                page = await evidence.page(HEIR, "dossier/online", WINDOW, "", 100, facts=False)
            sent_for = {entity["agency"] for entity in page["entities"]}
            assert sent_for == {OLD, HEIR}

    run(work())
