"""A ledger on a real database, and a whole engine on a real bus."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from services.dossier.lifecycle import DossierLifecycle, lifecycle
from shared.runtime.access import Sealer, add_publisher, prepare_schema, write_master_key
from shared.runtime.access.sealing import read_key
from shared.runtime.ledger.decode import Candidate, Refusal, Vocabulary, open_event
from shared.runtime.ledger.engine import MIGRATIONS, Engine, open_engine
from shared.runtime.ledger.items import HTTP, Item
from shared.runtime.ledger.settings import LedgerSettings
from shared.runtime.life import Life
from shared.runtime.migrate import migrate
from shared.runtime.postgres import BY_INDEX, Pool, open_pool
from shared.runtime.signature import sign

REGISTER = frozenset({"so-y-te", "so-noi-vu"})
NOW = datetime(2024, 3, 22, 5, 0, tzinfo=UTC)
VOCABULARY = Vocabulary(lifecycle())
_numbers = count(1)


def event(kind: str, code: str, id_: str, at: str, agency: str = "so-y-te", **data: Any) -> dict[str, Any]:
    """A dossier fact as an agency writes it; `at` is `2024-01-15T08:00`."""
    instant = f"{at}:00+07:00"
    field = {"received": "received_at", "resolved": "resolved_at", "returned": "returned_at"}.get(kind, "at")
    body: dict[str, Any] = {"dossier_code": code, "agency": agency, field: instant}
    if kind == "received":
        body |= {"procedure_code": "1.004379", "channel": "online"}
    if kind == "resolved":
        body |= {"outcome": "approved"}
    return {
        "specversion": "1.0", "id": id_, "source": "/publishers/cong", "time": instant,
        "type": f"vn.laocai.dossier.{kind}.v1", "subject": f"dossier/{code}", "data": body | data,
    }  # fmt: skip


def retraction(id_: str, target: str, agency: str = "so-y-te") -> dict[str, Any]:
    """A retraction of the fact `target` of the same publisher."""
    return {
        "specversion": "1.0", "id": id_, "source": "/publishers/cong", "time": "2024-02-01T08:00:00+07:00",
        "type": "vn.laocai.fact.retracted.v1", "subject": f"fact/{target}",
        "data": {"agency": agency, "retracts": {"source": "/publishers/cong", "id": target}, "reason": "x"},
    }  # fmt: skip


def item(body: dict[str, Any]) -> Item:
    """An event as it comes out of an entrance."""
    raw = json.dumps(body).encode()
    envelope = open_event(raw)
    content: Candidate | Refusal = (
        envelope if isinstance(envelope, Refusal) else VOCABULARY.read(envelope, raw, NOW)
    )
    return Item(HTTP, "cong", raw, (), content)


class RenamedLifecycle(DossierLifecycle):
    """The dossier's lifecycle under a module name of its own, so that tests share a broker."""

    def __init__(self, module: str) -> None:
        original = lifecycle()
        super().__init__(original._calendar, original._rules)
        self.module = module


@asynccontextmanager
async def schema(admin_url: str) -> AsyncIterator[str]:
    """A schema of its own with the tables of a ledger; yields its name."""
    name = f"module_{next(_numbers)}_{time.time_ns()}"
    connection = await asyncpg.connect(admin_url)
    try:
        await prepare_schema(connection, [])
        await connection.execute(f"CREATE SCHEMA {name}")
        await connection.execute(f"SET search_path = {name}")
        await migrate(connection, MIGRATIONS)
        yield name
        await connection.execute(f"DROP SCHEMA {name} CASCADE")
    finally:
        await connection.close()


OpenPool = Callable[[], AbstractAsyncContextManager[Pool]]


@pytest.fixture
def ledger_pool(postgres_url: str) -> OpenPool:
    """Opens a pool on an empty ledger."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Pool]:
        async with (
            schema(postgres_url) as name,
            open_pool(
                postgres_url, application="test", size=6, settings={**BY_INDEX, "search_path": name}
            ) as pool,
        ):
            yield pool

    return opened


class Running:
    """An engine with its publisher's key."""

    def __init__(self, engine: Engine, life: Life, module: str, key: bytes, admin_url: str) -> None:
        self.engine = engine
        self.life = life
        self.module = module
        self.key = key
        self.admin_url = admin_url

    def headers(self, message_id: str, payload: bytes, key: bytes | None = None) -> dict[str, str]:
        """Signed headers."""
        now = int(time.time())
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(now),
            "webhook-signature": sign(key or self.key, message_id, now, payload),
        }

    async def settled(self, seconds: float = 60.0) -> dict[str, Any]:
        """Wait until nothing is pending."""
        deadline = asyncio.get_running_loop().time() + seconds
        calm = 0
        status: dict[str, Any] = {}
        while calm < 2:
            assert asyncio.get_running_loop().time() < deadline, status
            status = await self.engine.status()
            calm = calm + 1 if status["pending"] == 0 else 0
            await asyncio.sleep(0.05)
        return status


OpenEngine = Callable[[], AbstractAsyncContextManager[Running]]


@pytest.fixture
def running_engine(empty_postgres_url: str, kafka_bootstrap: str, tmp_path: Path) -> OpenEngine:
    """Opens a whole engine with topics of its own."""
    module = f"m{time.time_ns()}"

    @asynccontextmanager
    async def opened() -> AsyncIterator[Running]:
        key_file = tmp_path / "master.key"
        fresh = not key_file.exists()
        connection = await asyncpg.connect(empty_postgres_url)
        if fresh:
            write_master_key(key_file)
            await make_topics(
                kafka_bootstrap, [f"{module}.inbox", f"{module}.events", "rejections", "alerts"]
            )
            await prepare_schema(connection, [])
            shown = await add_publisher(connection, Sealer.from_file(key_file), "cong", ["*"], ["*"])
            (tmp_path / "publisher.key").write_text(shown)
        await connection.close()
        settings = LedgerSettings.model_validate(
            {
                "kafka": kafka_bootstrap, "database": empty_postgres_url, "port": 1, "partitions": 3,
                "master_key_file": key_file,
            }
        )  # fmt: skip
        life = Life()
        key = read_key((tmp_path / "publisher.key").read_text())
        async with open_engine(life, settings, RenamedLifecycle(module), REGISTER) as engine:
            yield Running(engine, life, module, key, empty_postgres_url)
            life.stopping.set()
        assert life.exit_code() == 0

    return opened


async def make_topics(servers: str, names: Sequence[str]) -> None:
    """Make topics with three partitions; those that exist stay."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        there = set(await admin.list_topics())
        await admin.create_topics([NewTopic(name, 3, 1) for name in names if name not in there])
    finally:
        await admin.close()
