"""Webhooks to report services: signed as Standard Webhooks, in order, retried, replayable, switched off
when dead.

Each webhook has one position in the feed. A delivery carries up to `BATCH` entries; the position moves on
when the target answers with success, so a target sees each entry at least once and in order. A newcomer may
first be given every score as it stands (entries of topic `scores`, without a position), then what follows.
"""

import asyncio
import contextlib
import ipaddress
import json
import random
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx

from services.report.feed import TOPICS, Feed
from shared.runtime import logs, signature
from shared.runtime.access.sealing import Sealer, new_key, show_key
from shared.runtime.postgres import Pool, persistently

BATCH = 100
MAX_BODY_BYTES = 1_048_576
MAX_WEBHOOKS = 100
MAX_PARALLEL = 8
FIRST_RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 3600.0
DEAD_AFTER = timedelta(hours=24)
DEAD_AFTER_FAILURES = 20
"""A target that failed for a day and at least so often is switched off until somebody switches it on."""
LEASE_SECONDS = 60
TIMEOUT = httpx.Timeout(15.0, connect=5.0)

CurrentScores = Callable[[], Mapping[str, Any]]
"""Every score as it stands, by the key of its record."""

log = logs.get(__name__)


class WebhookError(ValueError):
    """What is wrong with a subscription; the text says what to do."""


def retry_seconds(failures: int, chance: float) -> float:
    """Wait before the next try: doubled each time, up to an hour, spread by a fifth either way."""
    base = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * float(1 << min(failures - 1, 20)))
    return base * (0.8 + 0.4 * chance)


def is_dead(failures: int, failing_since: datetime | None, now: datetime) -> bool:
    """Whether a target has been away for so long that trying on is of no use."""
    return failures >= DEAD_AFTER_FAILURES and failing_since is not None and now - failing_since >= DEAD_AFTER


def check_url(url: str) -> str:
    """The address, or WebhookError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WebhookError("url: write an address that begins with https:// or http://")
    if parts.username or parts.password:
        raise WebhookError("url: leave out name and password; deliveries are signed")
    if len(url) > 2_000:
        raise WebhookError("url: at most 2,000 characters")
    return url


async def refuse_private(url: str) -> None:
    """Refuse a target inside of our own machine or network, unless the setting allows it.

    A subscriber could otherwise make this service call what only it can reach.
    """
    host = urlsplit(url).hostname or ""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise WebhookError(f"url: {host} has no address ({error})") from error
    for *_, address in found:
        if not ipaddress.ip_address(address[0]).is_global:
            raise WebhookError(
                f"url: {host} lies in a private network; set BUS_WEBHOOK_PRIVATE_TARGETS=true to allow that"
            )


class Webhooks:
    """The subscriptions and their deliveries."""

    def __init__(
        self, pool: Pool, feed: Feed, sealer: Sealer | None, current: CurrentScores, *, private_targets: bool
    ) -> None:
        self._pool = pool
        self._current = current
        self._feed = feed
        self._sealer = sealer
        self._private_targets = private_targets
        self._client = httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False)

    async def close(self) -> None:
        await self._client.aclose()

    # ------------------------------------------------------------------ subscriptions

    async def add(
        self,
        name: str,
        url: str,
        topics: Sequence[str],
        agencies: Sequence[str],
        officer: str,
        *,
        position: int | None = None,
        catch_up: bool = False,
    ) -> str:
        """Subscribe; answers the key, which is shown once. Raises WebhookError.

        Without a position it begins with what comes next; `catch_up` sends all scores as they stand first.
        """
        if self._sealer is None:
            raise WebhookError("webhooks need BUS_MASTER_KEY_FILE, the key that seals their keys at rest")
        check_url(url)
        if not self._private_targets:
            await refuse_private(url)
        unknown = sorted(set(topics) - set(TOPICS))
        if unknown or not topics:
            raise WebhookError(f"topics: choose some of {', '.join(TOPICS)}")
        key = new_key()
        try:
            done = await self._pool.execute(
                """INSERT INTO webhook (name, url, topics, agencies, sealed_key, next_position, created_by,
                                        catch_up)
                   SELECT $1, $2, $3, $4, $5, coalesce($6, (SELECT coalesce(max(position) + 1, 0) FROM feed)),
                          $7, $9
                   WHERE (SELECT count(*) FROM webhook) < $8""",
                name, url, list(topics), list(agencies), self._sealer.seal(f"webhook/{name}", key),
                position, officer, MAX_WEBHOOKS, "" if catch_up else None,
            )  # fmt: skip
        except asyncpg.UniqueViolationError:
            raise WebhookError(f"name: there is a webhook {name}") from None
        except asyncpg.CheckViolationError:
            raise WebhookError("name: small letters, digits, and . _ - between them") from None
        if done == "INSERT 0 0":
            raise WebhookError(f"there are {MAX_WEBHOOKS} webhooks; remove one first")
        self._feed.appended.set()
        return show_key(key)

    async def all(self) -> list[dict[str, Any]]:
        """Every subscription with its state; never the key."""
        rows = await self._pool.fetch(
            """SELECT name, url, topics, agencies, state, next_position, failures, failing_since, last_status,
                      last_error, delivered, last_success_at, next_attempt_at, created_by, created_at,
                      (SELECT count(*) FROM feed f WHERE f.position >= w.next_position
                         AND f.topic = ANY (w.topics)) AS waiting
               FROM webhook w ORDER BY name"""
        )
        return [dict(row) for row in rows]

    async def remove(self, name: str) -> bool:
        return bool(await self._pool.execute("DELETE FROM webhook WHERE name = $1", name) != "DELETE 0")

    async def switch(self, name: str, *, on: bool) -> bool:
        """Switch deliveries on (also of a dead one) or off."""
        done = await self._pool.execute(
            """UPDATE webhook SET state = $2, failures = 0, failing_since = NULL, next_attempt_at = now(),
                      last_error = '' WHERE name = $1""",
            name, "active" if on else "off",
        )  # fmt: skip
        self._feed.appended.set()
        return bool(done != "UPDATE 0")

    async def replay(self, name: str, position: int) -> bool:
        """Deliver again from `position` on."""
        done = await self._pool.execute(
            "UPDATE webhook SET next_position = $2, next_attempt_at = now() WHERE name = $1", name, position
        )
        self._feed.appended.set()
        return bool(done != "UPDATE 0")

    # ------------------------------------------------------------------ deliveries

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._feed.appended.wait()
            self._feed.appended.clear()
            more = True
            while more:
                more = await persistently(self.deliver_due)

    async def deliver_due(self) -> bool:
        """Let every webhook that is due try once. True when some may have more to send."""
        due = await self._pool.fetch(
            """UPDATE webhook SET next_attempt_at = now() + make_interval(secs => $2)
               WHERE name IN (SELECT name FROM webhook WHERE state = 'active' AND next_attempt_at <= now()
                              ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED)
               RETURNING *""",
            MAX_PARALLEL, LEASE_SECONDS,
        )  # fmt: skip
        moved = await asyncio.gather(*(self._deliver(row) for row in due))
        return any(moved)

    async def _deliver(self, webhook: Mapping[str, Any]) -> bool:
        if webhook["catch_up"] is not None:
            return await self._deliver_current(webhook)
        entries = await self._pool.fetch(
            """SELECT position, topic, key, body FROM feed
               WHERE position >= $1 AND topic = ANY ($2)
                 AND (cardinality($3::text[]) = 0 OR split_part(key, '|', 1) = ANY ($3))
               ORDER BY position LIMIT $4""",
            webhook["next_position"], webhook["topics"], webhook["agencies"], BATCH,
        )  # fmt: skip
        if not entries:
            await self._pool.execute(
                "UPDATE webhook SET next_attempt_at = now() WHERE name = $1", webhook["name"]
            )
            return False
        payload, last, count = payload_of(webhook["name"], entries)
        status, problem = await self._send(webhook, payload, f"{webhook['name']}-{last}")
        now = datetime.now(UTC)
        if 200 <= status < 300:
            # The position moves only if nobody asked for a replay in the meantime.
            await self._pool.execute(
                """UPDATE webhook SET
                          next_position = CASE next_position WHEN $3 THEN $2 ELSE next_position END,
                          delivered = delivered + $4, failures = 0, failing_since = NULL, last_status = $5,
                          last_error = '', last_success_at = $6, next_attempt_at = $6 WHERE name = $1""",
                webhook["name"], last + 1, webhook["next_position"], count, status, now,
            )  # fmt: skip
            return True
        await self._failed(webhook, status, problem, now)
        return False

    async def _deliver_current(self, webhook: Mapping[str, Any]) -> bool:
        """A newcomer's next portion of the scores as they stand; the feed follows when all were sent."""
        name, wanted = webhook["name"], webhook["agencies"]
        current = self._current()
        keys = sorted(key for key in current if key > webhook["catch_up"])
        keys = [key for key in keys if not wanted or key.partition("|")[0] in wanted][:BATCH]
        if not keys:
            await self._pool.execute(
                "UPDATE webhook SET catch_up = NULL, next_attempt_at = now() WHERE name = $1", name
            )
            return True
        entries = [{"topic": "scores", "key": key, "record": current[key]} for key in keys]
        payload = json.dumps({"webhook": name, "entries": entries}, ensure_ascii=False).encode()
        status, problem = await self._send(webhook, payload, f"{name}-current-{keys[-1]}")
        if not 200 <= status < 300:
            await self._failed(webhook, status, problem, datetime.now(UTC))
            return False
        await self._pool.execute(
            """UPDATE webhook SET catch_up = $2, delivered = delivered + $3, failures = 0,
                      failing_since = NULL,
                      last_status = $4, last_error = '', last_success_at = now(), next_attempt_at = now()
               WHERE name = $1""",
            name, keys[-1], len(keys), status,
        )  # fmt: skip
        return True

    async def _failed(self, webhook: Mapping[str, Any], status: int, problem: str, now: datetime) -> None:
        failures = webhook["failures"] + 1
        since = webhook["failing_since"] or now
        gone = status == 410
        dead = gone or is_dead(failures, since, now)
        wait = retry_seconds(failures, random.random())
        log.warning("webhook failed", name=webhook["name"], status=status, problem=problem, dead=dead)
        await self._pool.execute(
            """UPDATE webhook SET failures = $2, failing_since = $3, last_status = $4, last_error = $5,
                      next_attempt_at = $6,
                      state = CASE WHEN $7 AND state = 'active' THEN 'dead' ELSE state END
               WHERE name = $1""",
            webhook["name"], failures, since, status, problem[:500], now + timedelta(seconds=wait), dead,
        )  # fmt: skip

    async def _send(self, webhook: Mapping[str, Any], payload: bytes, message_id: str) -> tuple[int, str]:
        """The status of the answer (0 when there was none) and what went wrong."""
        if self._sealer is None:
            return 0, "BUS_MASTER_KEY_FILE is not set"
        try:
            if not self._private_targets:
                await refuse_private(webhook["url"])
            key = self._sealer.open(f"webhook/{webhook['name']}", bytes(webhook["sealed_key"]))
            timestamp = int(datetime.now(UTC).timestamp())
            headers = {
                "content-type": "application/json",
                "user-agent": "scoring-bus-report",
                signature.ID_HEADER: message_id,
                signature.TIMESTAMP_HEADER: str(timestamp),
                signature.SIGNATURE_HEADER: signature.sign(key, message_id, timestamp, payload),
            }
            async with self._client.stream(
                "POST", webhook["url"], content=payload, headers=headers
            ) as answer:
                return answer.status_code, "" if answer.is_success else answer.reason_phrase
        except (httpx.HTTPError, WebhookError) as error:
            return 0, str(error) or type(error).__name__


def payload_of(name: str, entries: Sequence[Mapping[str, Any]]) -> tuple[bytes, int, int]:
    """The body of a delivery, the last position in it, and how many entries it holds.

    At least one entry goes, then as many as fit: records are JSON already and are not written anew.
    """
    parts: list[str] = []
    size = 0
    for entry in entries:
        part = (
            f'{{"position":{entry["position"]},"topic":{json.dumps(entry["topic"])},'
            f'"key":{json.dumps(entry["key"], ensure_ascii=False)},"record":{entry["body"]}}}'
        )
        size += len(part.encode())
        if parts and size > MAX_BODY_BYTES:
            break
        parts.append(part)
    body = f'{{"webhook":{json.dumps(name)},"entries":[{",".join(parts)}]}}'
    return body.encode(), entries[len(parts) - 1]["position"], len(parts)
