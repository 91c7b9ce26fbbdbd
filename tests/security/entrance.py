"""Both entrances of a domain service on a real ledger, without a bus: what attacks are tried on.

Requests come through the service's own HTTP application, records through the reader that the consumer calls;
both end in the same ledger. Only the way over the network is left out.
"""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from aiokafka import ConsumerRecord, TopicPartition
from fastapi import FastAPI

from services.dossier.lifecycle import lifecycle
from shared.runtime.access import Sealer, add_publisher, prepare_schema, write_master_key
from shared.runtime.access.cache import PublisherCache
from shared.runtime.access.sealing import read_key
from shared.runtime.clock import system_clock
from shared.runtime.ledger import engine as engines
from shared.runtime.ledger.decode import Vocabulary
from shared.runtime.ledger.engine import Engine
from shared.runtime.ledger.lifecycle import Lifecycle
from shared.runtime.ledger.records import RecordReader
from shared.runtime.ledger.service import Extend, make_app
from shared.runtime.ledger.settings import LedgerSettings
from shared.runtime.life import Life
from shared.runtime.migrate import migrate
from shared.runtime.postgres import BY_INDEX, Connection, Pool, open_pool
from shared.runtime.signature import sign

REGISTER = frozenset({"so-y-te", "so-noi-vu", "so-tu-phap"})
BATCH = "application/cloudevents-batch+json"


@dataclass(frozen=True, slots=True)
class Key:
    """What a publisher holds."""

    publisher: str
    secret: bytes

    def headers(self, payload: bytes, message_id: str = "m", seconds_ago: int = 0) -> dict[str, str]:
        """Signed headers for a payload."""
        at = int(time.time()) - seconds_ago
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(at),
            "webhook-signature": sign(self.secret, message_id, at, payload),
        }


@dataclass(frozen=True, slots=True)
class Entrance:
    """A service's two entrances, its ledger, and its administrator."""

    app: FastAPI
    http: httpx.AsyncClient
    engine: Engine
    records: RecordReader
    cache: PublisherCache
    pool: Pool
    admin: Connection
    sealer: Sealer
    offsets: list[int]

    async def publisher(self, name: str, agencies: str = "*", types: str = "*") -> Key:
        """Add a publisher."""
        shown = await add_publisher(self.admin, self.sealer, name, agencies.split(","), types.split(","))
        await self.cache.refresh()
        return Key(name, read_key(shown))

    async def post(
        self, events: list[dict[str, Any]], key: Key, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """A signed request; `headers` replaces the signature's own."""
        body = json.dumps(events).encode()
        signed = key.headers(body) if headers is None else headers
        return await self.http.post("/v1/events", content=body, headers={"content-type": BATCH, **signed})

    async def take(self, value: bytes | None, headers: dict[str, str]) -> str:
        """A record of the inbox; what became of it: its status, or the reason of its refusal."""
        offset = len(self.offsets)
        self.offsets.append(offset)
        pairs = [(name, text.encode()) for name, text in headers.items()]
        record = ConsumerRecord("dossier.inbox", 0, offset, 0, 0, b"", value, None, 0, 0, pairs)
        (item,) = await self.records.read([record])
        place = TopicPartition("dossier.inbox", 0)
        await self.engine.store.apply([item], {place: offset + 1}, system_clock())
        return getattr(item.content, "code", None) or str(item.status)

    async def facts(self) -> int:
        """How many facts the ledger has."""
        return int(await self.pool.fetchval("SELECT count(*) FROM fact"))

    async def state(self, entity: str, agency: str = "so-y-te") -> dict[str, Any]:
        """An entity's state."""
        answer = await self.http.get(f"/v1/entities/dossier/{entity}", params={"agency": agency})
        found: dict[str, Any] = answer.json().get("state") or {}
        return found

    async def refused(self) -> list[dict[str, Any]]:
        """The list of rejections, as operators see it."""
        answer = await self.http.get("/v1/rejections")
        found: list[dict[str, Any]] = answer.json()["rejections"]
        return found


@asynccontextmanager
async def entrance(
    admin_url: str,
    directory: Path,
    module: Lifecycle | None = None,
    extend: Extend | None = None,
    **settings: Any,
) -> AsyncIterator[Entrance]:
    """The entrances on the empty database of `admin_url`."""
    lifecycle_ = module or lifecycle()
    key_file = directory / "master.key"
    if not key_file.exists():
        write_master_key(key_file)
    admin = await asyncpg.connect(admin_url)
    await prepare_schema(admin, [])
    given = LedgerSettings.model_validate(
        {
            "kafka": "127.0.0.1:9", "database": admin_url, "port": 1, "partitions": 3,
            "master_key_file": key_file, **settings,
        }
    )  # fmt: skip
    life = Life()
    async with open_pool(admin_url, application="attacked", size=6, settings=BY_INDEX) as pool:
        async with pool.acquire() as connection:
            await migrate(connection, engines.MIGRATIONS)
        cache = PublisherCache(pool, Sealer.from_file(key_file))
        await cache.refresh()
        engine = engines._assemble(life, given, lifecycle_, REGISTER, system_clock, pool, cache)
        engine.lane.start()
        more = (extend,) if extend else ()
        app = make_app(lifecycle_.module, lambda: engine, life, *more)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        records = RecordReader(Vocabulary(lifecycle_), cache, REGISTER, system_clock)
        async with httpx.AsyncClient(transport=transport, base_url="http://service", timeout=60) as http:
            sealer = Sealer.from_file(key_file)
            yield Entrance(app, http, engine, records, cache, pool, admin, sealer, [])
        life.stopping.set()
        await life.finish(5)
    await admin.close()
