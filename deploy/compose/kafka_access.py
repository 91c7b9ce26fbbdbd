"""Users of Kafka in the stricter variant, and what each may do.

    docker compose run --rm --no-deps kafka-access services          the services' own; safe to repeat
    docker compose run --rm --no-deps kafka-access publisher NAME    may write to the three inboxes
    docker compose run --rm --no-deps kafka-access subscriber NAME   may read what scoring and the clock say
    docker compose run --rm --no-deps kafka-access remove NAME       ends one of the two

`publisher` and `subscriber` print {"user", "password"}, this once; asked again, they give a new password.
Runs in the network of the broker's container, where the listener is that needs no user.
"""

import argparse
import json
import os
import re
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path

from deploy.compose.kafka_wire import Operation, Pattern, Resource, Rule, Wire, WireError, credential
from shared.contracts.topics import MODULES

PORT = 9095
NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
SALT_BYTES = 32
INBOXES = tuple(f"{module}.inbox" for module in MODULES)
CHANGES = tuple(f"{module}.events" for module in MODULES)
READ, WRITE, DESCRIBE = Operation.READ, Operation.WRITE, Operation.DESCRIBE


def topics(user: str, names: Iterable[str], *operations: Operation) -> list[Rule]:
    """Operations on each of these topics; who may read or write one may also ask about it."""
    return [
        Rule(user, operation, Resource.TOPIC, name) for name in names for operation in (*operations, DESCRIBE)
    ]


def group(user: str, name: str, pattern: Pattern = Pattern.LITERAL) -> list[Rule]:
    """Reading in a consumer group, or in all whose names begin so."""
    return [Rule(user, operation, Resource.GROUP, name, pattern) for operation in (READ, DESCRIBE)]


def domain_service(module: str) -> list[Rule]:
    """Reads its inbox; writes its changes, what it refused and its warnings, and may read them again."""
    own = topics(module, (f"{module}.events", "rejections", "alerts"), READ, WRITE)
    return topics(module, (f"{module}.inbox",), READ) + own + group(module, f"{module}-service")


def services() -> list[Rule]:
    """What the services and the operator's containers may do."""
    rules = [rule for module in MODULES for rule in domain_service(module)]
    rules += topics("scoring", CHANGES, READ) + group("scoring", "scoring")
    rules += topics("scoring", ("scores", "score.changes", "periods"), READ, WRITE)
    rules += topics("report", ("*",), READ)
    # Rulings on disputes are facts like any other: the office sends them, signed, by the inboxes.
    rules += topics("content", INBOXES, WRITE)
    rules += topics("tools", INBOXES, WRITE)
    changing = (Operation.CREATE, Operation.ALTER, Operation.DESCRIBE_CONFIGS, Operation.ALTER_CONFIGS)
    rules += topics("setup", ("*",), *changing)
    rules += [
        Rule("setup", operation, Resource.CLUSTER, "kafka-cluster")
        for operation in (Operation.CREATE, DESCRIBE)
    ]
    return rules


def publisher(name: str) -> list[Rule]:
    return topics(name, INBOXES, WRITE)


def subscriber(name: str) -> list[Rule]:
    read = topics(name, ("scores", "score.changes", "periods", "alerts"), READ)
    return read + group(name, name, Pattern.PREFIXED)


def read_users(path: Path) -> dict[str, str]:
    """The services' users and passwords, one pair on a line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {user: password for user, _, password in (line.partition(" ") for line in lines) if user}


def make(wire: Wire, users: dict[str, str], rules: list[Rule]) -> None:
    """Users with these passwords, and what they may do."""
    wire.users([], [credential(user, users[user], secrets.token_bytes(SALT_BYTES)) for user in users])
    wire.allow(rules)


def carry_out(asked: argparse.Namespace, known: dict[str, str]) -> str:
    """One command; what it prints. Raises ValueError for a name that cannot be."""
    if asked.command != "services":
        if not NAME.fullmatch(asked.name or ""):
            raise ValueError(f"{asked.name!r} is not a name such as cong-dich-vu-cong")
        if asked.name in known:
            raise ValueError(f"{asked.name} is the name of one of our own services")
    wire = Wire("127.0.0.1", PORT)
    try:
        if asked.command == "services":
            make(wire, known, services())
            return f"kafka-access: {len(known)} users and their rules are there"
        if asked.command == "remove":
            wire.users([asked.name], [])
            wire.forbid(asked.name)
            return json.dumps({"user": asked.name, "removed": True})
        password = secrets.token_urlsafe(24)
        make(
            wire,
            {asked.name: password},
            {"publisher": publisher, "subscriber": subscriber}[asked.command](asked.name),
        )
        return json.dumps({"user": asked.name, "password": password})
    finally:
        wire.close()


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="kafka-access", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("services", "publisher", "subscriber", "remove"))
    parser.add_argument("name", nargs="?")
    asked = parser.parse_args()
    try:
        known = read_users(Path(os.environ.get("BUS_SECRETS", "/run/secrets")) / "users")
        said = carry_out(asked, known)
    except (OSError, ValueError, WireError) as error:
        sys.stderr.write(f"kafka-access: {error}\n")
        return 1
    sys.stdout.write(said + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
