"""Webhooks: the feed is stored once, deliveries are signed, in order, retried, replayable, switched off."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.report.bus import Record
from services.report.feed import Feed
from services.report.webhooks import BATCH, DEAD_AFTER_FAILURES, WebhookError, Webhooks
from shared.runtime import signature
from shared.runtime.access.sealing import Sealer, read_key
from shared.runtime.postgres import Pool
from tests.running_parts import free_port

pytestmark = pytest.mark.anyio


@dataclass
class Receiver:
    """A report service that takes deliveries, and answers as it is told."""

    url: str = ""
    status: int = 200
    deliveries: list[tuple[signature.SignatureHeaders, bytes]] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        headers = signature.SignatureHeaders(
            *(request.headers[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature"))
        )
        self.deliveries.append((headers, await request.body()))
        return Response(status_code=self.status)

    def entries(self) -> list[dict[str, Any]]:
        return [entry for _, body in self.deliveries for entry in json.loads(body)["entries"]]

    def positions(self) -> list[int]:
        return [entry["position"] for entry in self.entries()]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    taker = Receiver()
    app = Starlette(routes=[Route("/take", taker.take, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    # It listens before the server starts, so that no delivery comes too early.
    listening = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    taker.url = f"http://127.0.0.1:{listening.getsockname()[1]}/take"
    yield taker
    server.should_exit = True
    await task


def change(n: int, agency: str = "so-y-te") -> Record:
    body = json.dumps({"agency": agency, "revision": n}).encode()
    return Record("score.changes", 0, n, agency.encode(), body, 1_700_000_000_000 + n)


@dataclass
class Office:
    """A feed and its webhooks, driven step by step."""

    pool: Pool
    feed: Feed
    hooks: Webhooks
    scores: dict[str, Any]

    async def publish(self, *records: Record) -> None:
        self.feed.take(records)
        while self.feed.pending:
            await self.feed.store()

    async def deliver(self) -> None:
        await self.pool.execute("UPDATE webhook SET next_attempt_at = now() - interval '1 second'")
        while await self.hooks.deliver_due():
            await self.pool.execute("UPDATE webhook SET next_attempt_at = now() - interval '1 second'")

    async def state(self) -> dict[str, Any]:
        (row,) = await self.hooks.all()
        return row


@pytest.fixture
async def office(pool: Pool) -> AsyncIterator[Office]:
    feed = Feed(pool, keep_days=30)
    await feed.open()
    scores: dict[str, Any] = {}
    hooks = Webhooks(pool, feed, Sealer(b"k" * 32), lambda: scores, private_targets=True)
    yield Office(pool, feed, hooks, scores)
    await hooks.close()


async def test_a_record_that_is_read_again_is_stored_once(office: Office) -> None:
    await office.publish(change(1), change(2))
    again = Feed(office.pool, keep_days=30)
    again.take([change(1), change(2), change(3)])
    while again.pending:
        await again.store()
    assert await office.pool.fetchval("SELECT count(*) FROM feed") == 3


async def test_a_restarted_feed_goes_on_where_it_was(office: Office) -> None:
    await office.publish(change(1), change(2))
    again = Feed(office.pool, keep_days=30)
    await again.open()
    again.take([change(1), change(2), change(3)])
    assert again.pending == 1


async def test_deliveries_are_signed_and_in_order(office: Office, receiver: Receiver) -> None:
    key = read_key(await office.hooks.add("bao-cao", receiver.url, ["score.changes"], [], "an"))
    await office.publish(*(change(n) for n in range(1, BATCH + 20)))
    await office.deliver()
    assert len(receiver.deliveries) == 2
    for headers, body in receiver.deliveries:
        signature.verify([key], headers, body)
    revisions = [entry["record"]["revision"] for entry in receiver.entries()]
    assert revisions == list(range(1, BATCH + 20))
    assert receiver.positions() == sorted(set(receiver.positions()))


async def test_a_failed_delivery_waits_and_is_tried_again(office: Office, receiver: Receiver) -> None:
    await office.hooks.add("bao-cao", receiver.url, ["score.changes"], [], "an")
    await office.publish(change(1))
    receiver.status = 503
    await office.deliver()
    failed = await office.state()
    assert (failed["failures"], failed["last_status"], failed["delivered"]) == (1, 503, 0)
    assert await office.pool.fetchval("SELECT next_attempt_at > now() FROM webhook")
    receiver.status = 204
    await office.deliver()
    assert (await office.state())["delivered"] == 1
    assert (await office.state())["failures"] == 0


async def test_a_target_that_is_gone_is_switched_off_at_once_and_can_be_switched_on(
    office: Office, receiver: Receiver
) -> None:
    await office.hooks.add("bao-cao", receiver.url, ["score.changes"], [], "an")
    await office.publish(change(1))
    receiver.status = 410
    await office.deliver()
    assert (await office.state())["state"] == "dead"
    receiver.status = 200
    await office.deliver()
    assert (await office.state())["delivered"] == 0
    await office.hooks.switch("bao-cao", on=True)
    await office.deliver()
    assert (await office.state())["delivered"] == 1


async def test_a_target_that_failed_for_a_day_is_switched_off_and_shown(
    office: Office, receiver: Receiver
) -> None:
    await office.hooks.add("bao-cao", receiver.url, ["score.changes"], [], "an")
    await office.publish(change(1))
    await office.pool.execute(
        "UPDATE webhook SET failures = $1, failing_since = now() - interval '25 hours'", DEAD_AFTER_FAILURES
    )
    receiver.status = 500
    await office.deliver()
    state = await office.state()
    assert state["state"] == "dead"
    assert state["waiting"] == 1


async def test_a_target_that_does_not_answer_is_a_failure_and_no_fault(office: Office) -> None:
    await office.hooks.add("bao-cao", f"http://127.0.0.1:{free_port()}/", ["score.changes"], [], "an")
    await office.publish(change(1))
    await office.deliver()
    assert (await office.state())["last_status"] == 0


async def test_replay_delivers_again_from_a_position(office: Office, receiver: Receiver) -> None:
    await office.hooks.add("bao-cao", receiver.url, ["score.changes"], [], "an")
    await office.publish(change(1), change(2), change(3))
    await office.deliver()
    positions = receiver.positions()
    receiver.deliveries.clear()
    await office.hooks.replay("bao-cao", positions[1])
    await office.deliver()
    assert receiver.positions() == positions[1:]


async def test_a_webhook_may_follow_some_agencies_and_topics_only(office: Office, receiver: Receiver) -> None:
    await office.hooks.add("bao-cao", receiver.url, ["score.changes"], ["so-y-te"], "an")
    await office.publish(change(1), change(2, "so-tu-phap"), Record("periods", 0, 1, b"2024-Q1", b"{}", 0))
    await office.deliver()
    assert [entry["key"] for entry in receiver.entries()] == ["so-y-te"]


async def test_a_newcomer_gets_every_score_first_and_then_what_follows(
    office: Office, receiver: Receiver
) -> None:
    await office.publish(change(1))
    for n in range(BATCH + 5):
        office.scores[f"agency-{n:03}|2024-Q1"] = {"revision": n}
    await office.hooks.add("moi", receiver.url, ["score.changes"], [], "an", catch_up=True)
    await office.publish(change(2))
    await office.deliver()
    topics = [entry["topic"] for entry in receiver.entries()]
    assert topics == ["scores"] * (BATCH + 5) + ["score.changes"]
    assert receiver.entries()[-1]["record"]["revision"] == 2


async def test_without_catching_up_it_begins_with_what_comes_next(office: Office, receiver: Receiver) -> None:
    await office.publish(change(1))
    await office.hooks.add("bao-cao", receiver.url, ["score.changes"], [], "an")
    await office.publish(change(2))
    await office.deliver()
    assert [entry["record"]["revision"] for entry in receiver.entries()] == [2]


@pytest.mark.parametrize(
    ("name", "url", "topics", "said"),
    [
        ("Bad Name", "http://127.0.0.1:1/", ["score.changes"], "name"),
        ("x", "file:///etc/passwd", ["score.changes"], "url"),
        ("x", "http://127.0.0.1:1/", ["nothing"], "topics"),
        ("x", "http://127.0.0.1:1/", [], "topics"),
    ],
)
async def test_a_bad_subscription_is_refused(
    office: Office, name: str, url: str, topics: list[str], said: str
) -> None:
    with pytest.raises(WebhookError, match=said):
        await office.hooks.add(name, url, topics, [], "an")


async def test_a_target_in_a_private_network_is_refused_unless_allowed(pool: Pool) -> None:
    feed = Feed(pool, keep_days=30)
    hooks = Webhooks(pool, feed, Sealer(b"k" * 32), dict, private_targets=False)
    with pytest.raises(WebhookError, match="private network"):
        await hooks.add("x", "http://127.0.0.1:9/", ["score.changes"], [], "an")
    await hooks.close()


async def test_the_key_is_sealed_at_rest(office: Office, receiver: Receiver) -> None:
    key = read_key(await office.hooks.add("bao-cao", receiver.url, ["score.changes"], [], "an"))
    assert key not in bytes(await office.pool.fetchval("SELECT sealed_key FROM webhook"))
    assert "sealed_key" not in await office.state()
