"""The operator's commands inside a compose project or a cluster, where there is no `./run`.

    docker compose run --rm tools publisher add NAME --agencies 'a,b' --types 'dossier.*,fact.retracted'
    docker compose run --rm tools publisher rotate | retire | revoke NAME
    docker compose run --rm tools publisher grants NAME --agencies '*' --types '*'
    docker compose run --rm tools publisher limit NAME --events-per-second 50
    docker compose run --rm tools publisher list
    docker compose run --rm tools audit-trail verify [--witness NUMBER:SHA256] | head

What a program would read goes to standard output as JSON, everything else to standard error. Settings:
BUS_ADMIN_DATABASE (any database of the server), BUS_MASTER_KEY_FILE.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from deploy.setup import DATABASE
from shared.runtime import access, audit_trail, logs
from shared.runtime.postgres import Connection, connect

Command = Callable[[Connection, argparse.Namespace], Awaitable[Any]]


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _sealer() -> access.Sealer:
    return access.Sealer.from_file(Path(os.environ.get("BUS_MASTER_KEY_FILE", "/run/secrets/master.key")))


async def add(connection: Connection, asked: argparse.Namespace) -> Any:
    key = await access.add_publisher(
        connection, _sealer(), asked.name, _words(asked.agencies), _words(asked.types)
    )
    return {"publisher": asked.name, "key": key}


async def rotate(connection: Connection, asked: argparse.Namespace) -> Any:
    return {
        "publisher": asked.name,
        "key": await access.rotate_publisher(connection, _sealer(), asked.name),
    }


async def retire(connection: Connection, asked: argparse.Namespace) -> Any:
    return {"publisher": asked.name, "retired": await access.retire_old_keys(connection, asked.name)}


async def grants(connection: Connection, asked: argparse.Namespace) -> Any:
    agencies, types = _words(asked.agencies), _words(asked.types)
    await access.change_grants(connection, asked.name, agencies, types)
    return {"publisher": asked.name, "agencies": agencies, "types": types}


async def revoke(connection: Connection, asked: argparse.Namespace) -> Any:
    await access.revoke_publisher(connection, asked.name)
    return {"publisher": asked.name, "revoked": True}


async def limit(connection: Connection, asked: argparse.Namespace) -> Any:
    await access.limit_publisher(connection, asked.name, asked.events_per_second)
    return {"publisher": asked.name, "events_per_second": asked.events_per_second}


async def verify_trail(connection: Connection, asked: argparse.Namespace) -> Any:
    return audit_trail.shown(
        await audit_trail.walk(connection, audit_trail.read_witnesses(asked.witness or ()))
    )


async def head(connection: Connection, asked: argparse.Namespace) -> Any:
    del asked
    found = await audit_trail.walk(connection, {})
    return {"number": found.entries, "sha256": found.head}


async def everyone(connection: Connection, asked: argparse.Namespace) -> Any:
    del asked
    return {"publishers": [asdict(row) for row in await access.list_publishers(connection)]}


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments."""
    root = argparse.ArgumentParser(prog="tools", description="Commands of the operator.")
    areas = root.add_subparsers(required=True, metavar="AREA")
    publisher = areas.add_parser("publisher", help="keys and grants of those who send facts")
    verbs = publisher.add_subparsers(required=True, metavar="COMMAND")

    def verb(name: str, command: Command, told: str, *, named: bool = True, granting: bool = False) -> None:
        one = verbs.add_parser(name, help=told, description=told)
        one.set_defaults(command=command)
        if named:
            one.add_argument("name", metavar="NAME")
        if granting:
            one.add_argument("--agencies", required=True, help="slugs joined by commas, or * for all")
            one.add_argument("--types", required=True, help="types or patterns joined by commas, or *")

    verb("add", add, "Add a publisher and print its key, the only time it is shown.", granting=True)
    verb("rotate", rotate, "Give a second key; both are good until `retire`.")
    verb("retire", retire, "Revoke every key but the newest.")
    verb("grants", grants, "Replace what a publisher may say.", granting=True)
    verb("revoke", revoke, "End a publisher and its keys. What it sent stays.")
    verb("list", everyone, "Show all publishers.", named=False)
    told = "Set how many events a second it may send over HTTP to one process."
    one = verbs.add_parser("limit", help=told, description=told)
    one.set_defaults(command=limit)
    one.add_argument("name", metavar="NAME")
    one.add_argument("--events-per-second", type=int, help="the services' own when left out")
    _add_trail(areas)
    return root


def _add_trail(areas: Any) -> None:
    trail = areas.add_parser("audit-trail", help="who did what, and whether the record still holds")
    verbs = trail.add_subparsers(required=True, metavar="COMMAND")
    one = verbs.add_parser("verify", help="walk along every entry and hash")
    one.set_defaults(command=verify_trail)
    one.add_argument("--witness", action="append", help="NUMBER:SHA256 as `head` told it once")
    one = verbs.add_parser("head", help="the newest entry's number and hash, to be noted elsewhere")
    one.set_defaults(command=head)


async def carry_out(asked: argparse.Namespace) -> Any:
    """Run the command as the administrator of the database of the services."""
    url = urlunsplit(urlsplit(os.environ["BUS_ADMIN_DATABASE"])._replace(path=f"/{DATABASE}"))
    connection = await connect(url, application="tools")
    try:
        return await asked.command(connection, asked)
    finally:
        await connection.close()


def main() -> int:
    asked = parser().parse_args()
    logs.quiet()
    try:
        said = asyncio.run(carry_out(asked))
    except KeyError as error:
        sys.stderr.write(f"tools: the setting {error} is missing\n")
        return 2
    except (access.PublisherError, access.SealError, asyncpg.PostgresError, OSError, ValueError) as error:
        sys.stderr.write(f"tools: {error}\n")
        return 1
    sys.stdout.write(json.dumps(said, default=str, ensure_ascii=False) + "\n")
    return 1 if said.get("holds") is False else 0


if __name__ == "__main__":
    sys.exit(main())
