"""Prepare an empty PostgreSQL and Kafka for the services: database, roles, schemas, publishers, topics.

    python -m deploy.setup

Run before the services start, by the administrator's role; safe to repeat, also by two at once. Settings:

    BUS_ADMIN_DATABASE    postgresql://ADMIN:PASSWORD@host:port/ANY; the database `scorebus` is made beside it
    BUS_KAFKA             host:port[,host:port…]
    BUS_PARTITIONS        partitions of every topic (6)
    BUS_REPLICATION       copies of every topic (1)
    BUS_PASSWORD_<ROLE>   password of each role: CONTENT, QA, DOSSIER, SCORING, REPORT
    BUS_MASTER_KEY_FILE   where given, the publisher `scoring-office` is added, which signs rulings
    BUS_DISPUTE_KEY_FILE  where given too, the publisher `dashboard` is added with the key in it, which signs
                          disputes of agencies' people: {"publisher": "dashboard", "key": "whsec_…"}
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, TopicAlreadyExistsError, for_code
from pydantic import Field, PostgresDsn, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.contracts.topics import DEFAULT_PARTITIONS, TOPICS, Topic
from shared.runtime import audit_trail
from shared.runtime.access import Sealer, SealError, prepare_schema
from shared.runtime.access.office import add_dashboard, add_office
from shared.runtime.access.sealing import read_key
from shared.runtime.kafka_security import client_options
from shared.runtime.postgres import PASSING_FAULTS, Connection
from shared.runtime.settings import Servers

DATABASE = "scorebus"
DOMAIN_ROLES = ("content", "qa", "dossier")
# Two set-ups at once wait for each other on this advisory lock, as the administrator in its own database.
_LOCK = 0x5345_5455
_PATIENCE_SECONDS = 90.0


class SetupError(Exception):
    """Something an operator must decide; the text says what."""


class SetupSettings(BaseSettings):
    """What the set-up is told from outside."""

    model_config = SettingsConfigDict(env_prefix="BUS_", frozen=True, extra="ignore")

    admin_database: PostgresDsn
    kafka: Servers
    partitions: int = Field(default=DEFAULT_PARTITIONS, ge=1, le=1_000)
    replication: int = Field(default=1, ge=1, le=15)
    master_key_file: Path | None = None
    dispute_key_file: Path | None = None
    password_content: SecretStr = Field(min_length=8)
    password_qa: SecretStr = Field(min_length=8)
    password_dossier: SecretStr = Field(min_length=8)
    password_scoring: SecretStr = Field(min_length=8)
    password_report: SecretStr = Field(min_length=8)

    def passwords(self) -> dict[str, str]:
        """The password of each role."""
        return {
            "content": self.password_content.get_secret_value(),
            "qa": self.password_qa.get_secret_value(),
            "dossier": self.password_dossier.get_secret_value(),
            "scoring": self.password_scoring.get_secret_value(),
            "report": self.password_report.get_secret_value(),
        }


# PostgreSQL -------------------------------------------------------------------------------------------------


async def prepare_postgres(admin_url: str, passwords: Mapping[str, str], database: str = DATABASE) -> None:
    """Make the database, a role and a schema for each service, and the tables of publishers."""
    outside = await _connect(admin_url)
    try:
        await outside.execute("SELECT pg_advisory_lock($1)", _LOCK)
        if not await outside.fetchval("SELECT true FROM pg_database WHERE datname = $1", database):
            await outside.execute(
                await _statement(outside, "CREATE DATABASE %I ENCODING 'UTF8' TEMPLATE template0", database)
            )
        for role, password in passwords.items():
            await _prepare_role(outside, role, password)
        inside = await _connect(urlunsplit(urlsplit(admin_url)._replace(path=f"/{database}")))
        try:
            await _prepare_schemas(inside, tuple(passwords), database)
        finally:
            await inside.close()
    finally:
        await outside.close()


async def prepare_office(
    admin_url: str, master_key_file: Path, dispute_key_file: Path | None = None, database: str = DATABASE
) -> None:
    """Add the publisher of the scoring office, whose key the content service signs with, and where it is
    given a key the dashboard's.
    """
    sealer = Sealer.from_file(master_key_file)
    dispute_key = None if dispute_key_file is None else _dispute_key(dispute_key_file)
    inside = await _connect(urlunsplit(urlsplit(admin_url)._replace(path=f"/{database}")))
    try:
        await add_office(inside, sealer)
        if dispute_key is not None:
            await add_dashboard(inside, sealer, dispute_key)
    finally:
        await inside.close()


def _dispute_key(file: Path) -> bytes | None:
    """The key in a file; None where there is no such file."""
    try:
        return read_key(str(json.loads(file.read_text(encoding="utf-8"))["key"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, SealError) as error:
        told = f"BUS_DISPUTE_KEY_FILE: {file} holds no key of a publisher ({type(error).__name__})"
        raise SetupError(told) from error


async def _connect(url: str) -> Connection:
    """Connect, waiting for a server that is still starting."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    while True:
        try:
            return await asyncpg.connect(url, timeout=10, server_settings={"application_name": "setup"})
        except asyncpg.InvalidPasswordError as error:
            raise SetupError(f"PostgreSQL refuses: {error}. See BUS_ADMIN_DATABASE.") from error
        except PASSING_FAULTS as error:
            if asyncio.get_running_loop().time() > deadline:
                raise SetupError(f"PostgreSQL does not answer: {error}. See BUS_ADMIN_DATABASE.") from error
            await asyncio.sleep(0.25)


async def _statement(connection: Connection, template: str, *names: str) -> str:
    """A statement with its names and literals quoted by the server itself."""
    places = ", ".join(f"${number}::text" for number in range(2, len(names) + 2))
    return str(await connection.fetchval(f"SELECT format($1::text, {places})", template, *names))


async def _prepare_role(connection: Connection, role: str, password: str) -> None:
    if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
        await connection.execute(await _statement(connection, "CREATE ROLE %I", role))
    template = "ALTER ROLE %I WITH LOGIN NOCREATEDB NOCREATEROLE PASSWORD %L"
    await connection.execute(await _statement(connection, template, role, password))
    if not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        # An administrator who is no superuser (a managed PostgreSQL) makes schemas for roles it belongs to.
        await connection.execute(await _statement(connection, "GRANT %I TO CURRENT_USER", role))


async def _prepare_schemas(connection: Connection, roles: tuple[str, ...], database: str) -> None:
    """Each role owns its schema, sees no other, and finds its own tables without naming the schema."""
    await connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    await connection.execute(await _statement(connection, "REVOKE ALL ON DATABASE %I FROM PUBLIC", database))
    for role in roles:
        for template in (
            "CREATE SCHEMA IF NOT EXISTS %2$I AUTHORIZATION %2$I",
            "GRANT CONNECT, TEMPORARY ON DATABASE %1$I TO %2$I",
            "ALTER ROLE %2$I IN DATABASE %1$I SET search_path = %2$I",
        ):
            await connection.execute(await _statement(connection, template, database, role))
    await prepare_schema(connection, DOMAIN_ROLES)
    await audit_trail.prepare_schema(connection, roles)


# Kafka ------------------------------------------------------------------------------------------------------


async def prepare_topics(servers: str, partitions: int, replication: int) -> list[str]:
    """Make the topics that are missing, and give the others their declared settings. Names the new ones."""
    admin = await _admin_client(servers)
    try:
        there = {entry["topic"]: len(entry["partitions"]) for entry in await _describe(admin)}
        for topic in TOPICS:
            number = there.get(topic.name, partitions)
            if number != partitions:
                raise SetupError(
                    f"topic {topic.name} has {number} partitions, BUS_PARTITIONS says {partitions}. "
                    "The number is settled when the topics are made, because an agency never leaves its "
                    "partition; start with the old number."
                )
        missing = [topic for topic in TOPICS if topic.name not in there]
        await _create(admin, missing, partitions, replication)
        await _settle_settings(admin, [topic for topic in TOPICS if topic.name in there])
        return [topic.name for topic in missing]
    finally:
        await admin.close()


async def _admin_client(servers: str) -> AIOKafkaAdminClient:
    deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    while True:
        client = AIOKafkaAdminClient(
            bootstrap_servers=servers.split(","), client_id="setup", **client_options()
        )
        try:
            await client.start()
            return client
        except KafkaConnectionError as error:
            await client.close()
            if asyncio.get_running_loop().time() > deadline:
                raise SetupError(f"Kafka at {servers} does not answer: {error}. See BUS_KAFKA.") from error
            await asyncio.sleep(0.25)


async def _describe(admin: AIOKafkaAdminClient) -> list[dict[str, Any]]:
    declared = {topic.name for topic in TOPICS}
    names = sorted(declared.intersection(await admin.list_topics()))
    return list(await admin.describe_topics(names)) if names else []


async def _create(admin: AIOKafkaAdminClient, topics: list[Topic], partitions: int, replication: int) -> None:
    if not topics:
        return
    answer = await admin.create_topics(
        [NewTopic(topic.name, partitions, replication, topic_configs=topic.config()) for topic in topics],
        timeout_ms=30_000,
    )
    for name, code, *rest in answer.topic_errors:
        # Another set-up may have made it in the meantime.
        if code not in (0, TopicAlreadyExistsError.errno):
            reason = f"{for_code(code).__name__} {rest[0] if rest else ''}"
            raise SetupError(f"topic {name} could not be made: {reason}")


async def _settle_settings(admin: AIOKafkaAdminClient, topics: list[Topic]) -> None:
    """Bring the settings of existing topics to what this version declares, when they differ."""
    if not topics:
        return
    answers = await admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    )
    present: dict[str, dict[str, str]] = {
        resource[3]: {entry[0]: entry[1] for entry in resource[4]}
        for answer in answers
        for resource in answer.resources
    }
    changed = [
        ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=topic.config())
        for topic in topics
        if not topic.config().items() <= {**topic.config(), **present.get(topic.name, {})}.items()
    ]
    if changed:
        await admin.alter_configs(changed)


async def prepare(settings: SetupSettings) -> list[str]:
    """Prepare both. Names the topics that were made."""
    _, topics = await asyncio.gather(
        prepare_postgres(str(settings.admin_database), settings.passwords()),
        prepare_topics(settings.kafka, settings.partitions, settings.replication),
    )
    if settings.master_key_file is not None and settings.master_key_file.exists():
        await prepare_office(
            str(settings.admin_database), settings.master_key_file, settings.dispute_key_file
        )
    return topics


def main() -> int:
    try:
        made = asyncio.run(prepare(SetupSettings()))
    except ValidationError as error:
        missing = ", ".join("BUS_" + str(fault["loc"][0]).upper() for fault in error.errors())
        sys.stderr.write(f"setup: these settings are missing or wrong: {missing}\n")
        return 2
    except (SetupError, SealError, asyncpg.PostgresError) as error:
        sys.stderr.write(f"setup: {error}\n")
        return 1
    sys.stderr.write(f"setup: the database is ready; topics made: {', '.join(made) or 'none were missing'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
