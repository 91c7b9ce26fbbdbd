"""The operator's commands inside a compose project or a cluster, where there is no `./run`.

    docker compose run --rm tools publisher add NAME --agencies 'a,b' --types 'dossier.*,fact.retracted'
    docker compose run --rm tools publisher rotate | retire | revoke NAME
    docker compose run --rm tools publisher grants NAME --agencies '*' --types '*'
    docker compose run --rm tools publisher list

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
from shared.runtime import access
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
    return root


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
    try:
        said = asyncio.run(carry_out(asked))
    except KeyError as error:
        sys.stderr.write(f"tools: the setting {error} is missing\n")
        return 2
    except (access.PublisherError, access.SealError, asyncpg.PostgresError, OSError) as error:
        sys.stderr.write(f"tools: {error}\n")
        return 1
    sys.stdout.write(json.dumps(said, default=str, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
