"""Officers who may act: accounts with Argon2 passwords, sessions, and the command that makes them.

`python -m services.report.accounts add NAME --role officer` prints a generated password once; with
`--password-stdin` it takes one from standard input.
"""

import asyncio
import getpass
import hashlib
import json
import os
import secrets
import sys
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import asyncpg
import typer
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import Request

from services.report.oidc import Person
from shared.runtime import audit_trail, logs
from shared.runtime.audit_trail import Deed
from shared.runtime.migrate import migrate
from shared.runtime.postgres import PASSING_FAULTS, Connection, Pool, Record, connect

Role = Literal["viewer", "agency", "district", "officer", "approver", "administrator"]
ROLES: tuple[Role, ...] = ("viewer", "agency", "district", "officer", "approver", "administrator")
"""Each reaches what those before it do. A district's officer reads, and of communes only its own; a person of
an agency reads, and speaks for that agency; only an approver confirms what another officer proposed."""
WITH_AGENCY: frozenset[Role] = frozenset({"agency", "district"})
COOKIE = "bus_session"
SESSION_HOURS = 12
REMEMBERED_SECONDS = 5.0
MAX_REMEMBERED = 2_000
MIN_PASSWORD = 12
MAX_PASSWORD = 256
FREE_FAILURES = 5
"""Wrong passwords in a row that cost nothing; each one more doubles the wait, up to an hour."""
MAX_LOCK_SECONDS = 3600
MIGRATIONS = Path(__file__).parent / "migrations"
Standing = dict[str, Any] | None

_hasher = PasswordHasher()
# Verified for names that do not exist, so that the time of an answer tells nothing about names.
_NOBODY = _hasher.hash(secrets.token_urlsafe(32))


@dataclass(frozen=True, slots=True)
class Officer:
    """A signed-in person."""

    name: str
    full_name: str
    role: Role
    agency: str | None = None
    """The district of a district's officer; the agency that a person of an agency speaks for."""

    def may(self, least: Role) -> bool:
        """Whether the role reaches `least`."""
        return ROLES.index(self.role) >= ROLES.index(least)

    def sees_communes_of(self, district: str | None) -> bool:
        """Whether the communes of a district may be shown; None stands for an agency of the province."""
        return self.role != "district" or district is None or district == self.agency

    def speaks_for(self, agency: str) -> bool:
        """Whether this person may say something in an agency's name: officers do not, who decide about it."""
        return self.role == "agency" and self.agency == agency


class AccountError(Exception):
    """What a person can put right about an account; the message says how."""


def check_password(password: str) -> str:
    """The password, or AccountError that says what is missing."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise AccountError(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")
    return password


def lock_seconds(failures: int) -> int:
    """How long an account waits after so many wrong passwords in a row."""
    return 0 if failures <= FREE_FAILURES else min(MAX_LOCK_SECONDS, 2 ** (failures - FREE_FAILURES) * 5)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


class Accounts:
    """Sign in, sign out, and who a request comes from."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._hashing = asyncio.Semaphore(2)
        self._remembered: OrderedDict[bytes, tuple[float, Officer | None]] = OrderedDict()

    async def sign_in(self, name: str, password: str) -> str | None:
        """A session token, None when name or password is wrong or the account waits."""
        row = await self._pool.fetchrow("SELECT * FROM account WHERE name = $1", name[:80])
        now = datetime.now(UTC)
        locked = row is not None and row["locked_until"] is not None and row["locked_until"] > now
        right = await self._matches(row["password_hash"] if row else _NOBODY, password[:MAX_PASSWORD])
        if row is None or locked or row["disabled"]:
            return None
        if not right:
            failures = row["failures"] + 1
            await self._pool.execute(
                "UPDATE account SET failures = failures + 1, locked_until = $2 WHERE name = $1",
                name, now + timedelta(seconds=lock_seconds(failures)),
            )  # fmt: skip
            return None
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "UPDATE account SET failures = 0, locked_until = NULL WHERE name = $1", name
            )
            return await _open_session(connection, name)

    async def sign_in_elsewhere(self, person: Person) -> str:
        """A session token for somebody whom the identity provider vouches for; the account is made when new.

        Raises AccountError. A name that another account has is never taken over.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                "SELECT name, role, disabled FROM account WHERE subject = $1 FOR UPDATE", person.subject
            )
            if row is None:
                made = await connection.fetchval(
                    """INSERT INTO account (name, full_name, role, password_hash, subject)
                       VALUES ($1, $2, $3, 'elsewhere', $4) ON CONFLICT (name) DO NOTHING RETURNING true""",
                    person.name, person.full_name, person.role, person.subject,
                )  # fmt: skip
                if not made:
                    raise AccountError(f"the name {person.name} belongs to another account")
            elif row["disabled"]:
                raise AccountError(f"the account {row['name']} is closed")
            elif row["role"] != person.role:
                await connection.execute(
                    "UPDATE account SET role = $2, agency = NULL WHERE subject = $1",
                    person.subject, person.role,
                )  # fmt: skip
            name = row["name"] if row else person.name
            token = await _open_session(connection, name)
            if row is None or row["role"] != person.role:
                before = {"role": row["role"]} if row else None
                action = "account.role" if row else "account.add"
                await _tell(connection, name, action, name, before, {"role": person.role})
        return token

    async def _matches(self, stored: str, password: str) -> bool:
        def verify() -> bool:
            try:
                return _hasher.verify(stored, password)
            except (VerificationError, InvalidHashError):
                return False

        async with self._hashing:
            return await asyncio.to_thread(verify)

    async def sign_out(self, token: str) -> None:
        """End one session."""
        self._remembered.pop(_digest(token), None)
        await self._pool.execute("DELETE FROM session WHERE token_sha256 = $1", _digest(token))

    async def officer_of(self, request: Request) -> Officer | None:
        """Who sends a request; None for a reader without a session."""
        token = request.cookies.get(COOKIE)
        return await self.officer_by(token) if token else None

    async def officer_by(self, token: str) -> Officer | None:
        """Who a session belongs to. While the database is away nobody is signed in; reading goes on."""
        digest = _digest(token)
        known = self._remembered.get(digest)
        if known is not None and time.monotonic() - known[0] < REMEMBERED_SECONDS:
            return known[1]
        try:
            row = await self._pool.fetchrow(
                """SELECT a.name, a.full_name, a.role, a.agency
                   FROM session s JOIN account a ON a.name = s.account
                   WHERE s.token_sha256 = $1 AND s.expires_at > now() AND NOT a.disabled""",
                digest,
            )
        except PASSING_FAULTS:
            return None
        officer = Officer(row["name"], row["full_name"], row["role"], row["agency"]) if row else None
        self._remembered[digest] = (time.monotonic(), officer)
        while len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)
        return officer

    async def record(self, officer: Officer, what: str, subject: str, detail: str = "{}") -> None:
        """Keep what an officer did; `detail` is JSON text."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "INSERT INTO action (officer, what, subject, detail) VALUES ($1, $2, $3, $4::jsonb)",
                officer.name, what, subject, detail,
            )  # fmt: skip
            deed = Deed(
                "report", officer.name, f"dashboard.{what}", subject, "", None,
                {"role": officer.role, "detail": json.loads(detail)},
            )  # fmt: skip
            await audit_trail.append(connection, deed)


async def _open_session(connection: Connection, name: str) -> str:
    token = secrets.token_urlsafe(32)
    await connection.execute("DELETE FROM session WHERE expires_at < now()")
    await connection.execute(
        "INSERT INTO session (token_sha256, account, expires_at) VALUES ($1, $2, $3)",
        _digest(token), name, datetime.now(UTC) + timedelta(hours=SESSION_HOURS),
    )  # fmt: skip
    return token


async def _tell(
    connection: Connection, actor: str, action: str, name: str, before: Standing, after: Standing
) -> None:
    """Enter what became of an account into the audit trail; never a password or its hash."""
    deed = Deed("report", actor, action, f"account/{name}", "", before, after)
    await audit_trail.append(connection, deed)


# ---------------------------------------------------------------------- the command

command = typer.Typer(add_completion=False, help="Accounts of officers who may act on the dashboard.")
Database = Annotated[
    str, typer.Option(envvar="BUS_DATABASE", help="postgresql://report:…@host:port/scorebus")
]


async def _with_database(url: str, action: str, sql: str, name: str, *values: object) -> str:
    connection = await connect(url, application="report accounts")
    try:
        await migrate(connection, MIGRATIONS)
        async with connection.transaction():
            before = await _standing(connection, name)
            done = str(await connection.execute(sql, name, *values))
            after = await _standing(connection, name)
            if after is not None:
                await _tell(connection, _present_user(), action, name, before, after)
        return done
    finally:
        await connection.close()


async def _standing(connection: Connection, name: str) -> Standing:
    row = await connection.fetchrow(
        "SELECT full_name, role, agency, disabled FROM account WHERE name = $1", name
    )
    return dict(row) if row else None


def _present_user() -> str:
    """Who gives the command, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _run(url: str, action: str, sql: str, name: str, *values: object) -> str:
    try:
        return asyncio.run(_with_database(url, action, sql, name, *values))
    except asyncpg.UniqueViolationError:
        raise SystemExit(
            "An account of this name exists; use `password` to give it a new password."
        ) from None
    except asyncpg.CheckViolationError:
        raise SystemExit("A name has small letters, digits, and . _ - between them.") from None
    except (OSError, asyncpg.PostgresError) as error:
        raise SystemExit(f"The database does not answer ({error}). Is the system up?") from error


def _new_password(from_stdin: bool) -> tuple[str, bool]:
    if not from_stdin:
        return secrets.token_urlsafe(15), True
    try:
        return check_password(sys.stdin.readline().rstrip("\n")), False
    except AccountError as error:
        raise SystemExit(str(error)) from error


@command.command()
def add(
    name: str,
    database: Database,
    role: Annotated[str, typer.Option(help=", ".join(ROLES))] = "officer",
    agency: Annotated[
        str | None,
        typer.Option(help="Of the roles agency and district: which, such as huyen-bat-xat."),
    ] = None,
    full_name: Annotated[str, typer.Option(help="As the dashboard greets the person.")] = "",
    password_stdin: Annotated[bool, typer.Option("--password-stdin")] = False,
) -> None:
    """Make an account; prints a generated password once."""
    if role not in ROLES:
        raise SystemExit(f"--role {role}: choose one of {', '.join(ROLES)}")
    if (role in WITH_AGENCY) != (agency is not None):
        raise SystemExit("The roles agency and district, and no other, have --agency: its slug.")
    password, generated = _new_password(password_stdin)
    _run(
        database,
        "account.add",
        "INSERT INTO account (name, full_name, role, agency, password_hash) VALUES ($1, $2, $3, $4, $5)",
        name, full_name, role, agency, _hasher.hash(password),
    )  # fmt: skip
    if generated:
        print(password)
    print(f"{name} may sign in as {role}.", file=sys.stderr)


@command.command()
def password(
    name: str, database: Database, password_stdin: Annotated[bool, typer.Option("--password-stdin")] = False
) -> None:
    """Give an account a new password and end its sessions."""
    fresh, generated = _new_password(password_stdin)
    done = _run(
        database,
        "account.password",
        """WITH ended AS (DELETE FROM session WHERE account = $1)
           UPDATE account SET password_hash = $2, failures = 0, locked_until = NULL WHERE name = $1""",
        name, _hasher.hash(fresh),
    )  # fmt: skip
    if done == "UPDATE 0":
        raise SystemExit(f"There is no account {name}.")
    if generated:
        print(fresh)


@command.command()
def disable(name: str, database: Database) -> None:
    """Close an account and end its sessions; what it did stays on record."""
    done = _run(
        database,
        "account.disable",
        """WITH ended AS (DELETE FROM session WHERE account = $1)
           UPDATE account SET disabled = true WHERE name = $1""",
        name,
    )
    if done == "UPDATE 0":
        raise SystemExit(f"There is no account {name}.")


@command.command("list")
def list_accounts(database: Database) -> None:
    """Show the accounts: who may sign in, and as what."""
    print(f"{'name':20} {'role':14} {'agency':24} {'state':9} full name")
    for row in asyncio.run(_accounts(database)):
        state = "disabled" if row["disabled"] else "open"
        print(f"{row['name']:20} {row['role']:14} {row['agency'] or '':24} {state:9} {row['full_name']}")


async def _accounts(url: str) -> list[Record]:
    try:
        connection = await connect(url, application="report accounts")
    except (OSError, asyncpg.PostgresError) as error:
        raise SystemExit(f"The database does not answer ({error}). Is the system up?") from error
    try:
        await migrate(connection, MIGRATIONS)
        return list(
            await connection.fetch(
                "SELECT name, role, agency, disabled, full_name FROM account ORDER BY name"
            )
        )
    finally:
        await connection.close()


if __name__ == "__main__":
    logs.quiet()
    command(prog_name=os.environ.get("BUS_PROGRAM"))
