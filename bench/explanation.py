"""(f) Explanation: how long why-each-point and a page of evidence take, on the replayed quarter.

The quarter is sent through the front door to the four services, as `./run demo` does it. Then every scored
agency is asked for its explanation, and every criterion of it for its first page of evidence with the facts
from the ledgers. Beside each stands the bare query in the same run: asyncpg reads the same rows (the score's
document; the page's contributions and the facts of its entities) and doing nothing with them.
"""

import asyncio
import gzip
import random
import tempfile
import time
import zlib
from collections.abc import Coroutine
from contextlib import ExitStack
from pathlib import Path
from statistics import quantiles
from types import MappingProxyType
from typing import Any

import asyncpg
import httpx

from bench.stage import Stage, ready, stage
from deploy.replay.generate import read_file
from deploy.replay.run import generate
from deploy.replay.send import send
from deploy.replay.target import DATABASE, SERVICES, Target

PERIOD = "2024-Q1"
PAGE = 20
QUICK_SHARE = 10
"""A quick run sends the messages of every tenth entity."""
ROUNDS = 3
MOST_PAGES = 400

_DOCUMENT = "SELECT document FROM score WHERE period = $1 AND agency = $2"
_CONTRIBUTIONS = "SELECT key, version, marks, amounts FROM contribution WHERE key = ANY ($1)"
_FACTS = """
SELECT source, id, type, time, recorded_at, event FROM fact
WHERE (entity, kind) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""

Timed = list[tuple[float, str]]


def measure(quick: bool, port_base: int) -> dict[str, Any]:
    """Send the quarter, then time every explanation and the first page of every criterion's evidence."""
    with stage(port_base) as on, ExitStack() as running:
        for name in SERVICES:
            running.enter_context(on.service(name))
        return asyncio.run(_measure(on, quick))


async def _measure(on: Stage, quick: bool) -> dict[str, Any]:
    sent = await _replay(on, quick)
    base = on.layout.url("scoring")
    async with httpx.AsyncClient(timeout=60, base_url=base) as http:
        table = (await http.get("/v1/scores", params={"period": PERIOD})).raise_for_status().json()["scores"]
        agencies = [row["agency"] for row in table]
        asked = await _criteria(http, agencies)
        explanations = await _explanations(on, http, agencies)
        pages = await _pages(on, http, random.Random(1).sample(asked, min(len(asked), MOST_PAGES)))
    return {"messages": sent, "agencies": len(agencies), "explanation": explanations, "evidence_page": pages}


# ------------------------------------------------------------------------------------- the quarter


async def _replay(on: Stage, quick: bool) -> int:
    """Generate the quarter once for this version, and send it to the stage. How many messages."""
    path, number = generate(Path(tempfile.gettempdir()) / "bus-bench-replay")
    folder = on.layout.data / "replay"
    folder.mkdir(exist_ok=True)
    if quick:
        path, number = _part_of(path, folder / "part.ndjson.gz")
    urls = {name: on.layout.url(name) for name in SERVICES}
    target = Target(
        on.broker.address,
        MappingProxyType(urls),
        tuple(urls.values()),
        on.cluster.url("postgres", on.cluster.password, DATABASE),
        on.secrets.master_key_file,
        folder,
        on.layout.keys / "replay.keyring",
    )
    for url in urls.values():
        await ready(url)
    return (await send(path, number, target)).messages


def _part_of(path: Path, part: Path) -> tuple[Path, int]:
    """Every tenth entity's messages, as a file of the same form."""
    count = 0
    with gzip.open(path, "rb") as whole, gzip.open(part, "wb", 1) as file:
        for line, message in zip(whole, read_file(path), strict=True):
            if zlib.crc32(message.key.encode()) % QUICK_SHARE == 0:
                file.write(line)
                count += 1
    return part, count


# -------------------------------------------------------------------------------------- measuring


async def _criteria(http: httpx.AsyncClient, agencies: list[str]) -> list[tuple[str, str]]:
    """Every agency with every criterion that it is scored on."""
    found = []
    for agency in agencies:
        answer = await http.get(f"/v1/scores/{agency}", params={"period": PERIOD})
        for module, content in answer.raise_for_status().json()["modules"].items():
            found += [(agency, f"{module}/{criterion['id']}") for criterion in content["criteria"]]
    return found


async def _explanations(on: Stage, http: httpx.AsyncClient, agencies: list[str]) -> dict[str, Any]:
    connection = await asyncpg.connect(on.url("scoring"))
    service: Timed = []
    bare: Timed = []
    try:
        for _ in range(ROUNDS):
            for agency in agencies:
                told = _get(http, f"/v1/scores/{agency}/explanation", period=PERIOD)
                await _timed(service, agency, told)
                await _timed(bare, agency, connection.fetchval(_DOCUMENT, PERIOD, agency))
    finally:
        await connection.close()
    return _compared(service, bare, 50)


async def _pages(on: Stage, http: httpx.AsyncClient, asked: list[tuple[str, str]]) -> dict[str, Any]:
    connections = {name: await asyncpg.connect(on.url(name)) for name in SERVICES}
    service: Timed = []
    bare: Timed = []
    shown = 0
    try:
        for agency, criterion in asked:
            place = f"{agency} {criterion}"
            path = f"/v1/scores/{agency}/evidence"
            asking = _get(http, path, period=PERIOD, criterion=criterion, limit=PAGE)
            page = await _timed(service, place, asking)
            shown += len(page["entities"])
            await _timed(bare, place, _same_rows(connections, page["entities"]))
    finally:
        for connection in connections.values():
            await connection.close()
    return {**_compared(service, bare, 100), "pages": len(asked), "entities_shown": shown}


async def _same_rows(connections: dict[str, Any], entities: list[dict[str, Any]]) -> None:
    """The rows behind a page, read by key."""
    await connections["scoring"].fetch(_CONTRIBUTIONS, [entity["key"] for entity in entities])
    for module in {entity["module"] for entity in entities}:
        mine = [entity for entity in entities if entity["module"] == module]
        facts = [fact for entity in mine for fact in entity["facts"] or ()]
        names = sorted({(fact["entity"], fact["kind"]) for fact in facts if fact["entity"]})
        await connections[module].fetch(_FACTS, [name for name, _ in names], [kind for _, kind in names])


async def _get(http: httpx.AsyncClient, path: str, **query: str | int) -> Any:
    answer = await http.get(path, params=query)
    return answer.raise_for_status().json()


async def _timed(into: Timed, place: str, work: Coroutine[Any, Any, Any]) -> Any:
    begun = time.perf_counter()
    found = await work
    into.append((1000 * (time.perf_counter() - begun), place))
    return found


def _compared(service: Timed, bare: Timed, wanted_ms: int) -> dict[str, Any]:
    """Milliseconds of the service and of the bare query, their ratio, and the slowest one by name."""
    ours, theirs = _summary(service), _summary(bare)
    slowest, place = max(service)
    return {
        "service_ms": ours,
        "bare_query_ms": theirs,
        "ratio_of_medians": round(ours["p50"] / theirs["p50"], 1) if theirs["p50"] else None,
        "slowest": f"{place}: {slowest:.1f} ms",
        f"above_{wanted_ms}_ms": sum(ms > wanted_ms for ms, _ in service),
        "of": len(service),
    }


def _summary(timed: Timed) -> dict[str, float]:
    each = sorted(ms for ms, _ in timed)
    cut = quantiles(each, n=100)
    return {"p50": round(cut[49], 2), "p99": round(cut[98], 2), "max": round(each[-1], 2)}
