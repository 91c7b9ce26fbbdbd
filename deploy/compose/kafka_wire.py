"""Three requests of Kafka's protocol that its Python clients lack: users by SCRAM, and access control lists.

Encoding and decoding are pure; `Wire` sends them over a plain connection that needs no user, which the broker
of the compose project offers to its own container's network only. Versions: CreateAcls 1, DeleteAcls 1,
AlterUserScramCredentials 0; Kafka 2.7 to 4.
"""

import hashlib
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

CREATE_ACLS, DELETE_ACLS, ALTER_SCRAM = 30, 31, 51
SCRAM_SHA_512 = 2
ITERATIONS = 8192
ALLOW = 3
ANY = 1
MAX_ANSWER_BYTES = 1_048_576
TIMEOUT_S = 30.0


class Resource(IntEnum):
    TOPIC = 2
    GROUP = 3
    CLUSTER = 4


class Pattern(IntEnum):
    LITERAL = 3
    PREFIXED = 4


class Operation(IntEnum):
    READ = 3
    WRITE = 4
    CREATE = 5
    ALTER = 7
    DESCRIBE = 8
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11


class WireError(Exception):
    """The broker refused, or what it answered cannot be read."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that one user may do, from any address."""

    user: str
    operation: Operation
    resource: Resource
    name: str
    pattern: Pattern = Pattern.LITERAL


@dataclass(frozen=True, slots=True)
class Credential:
    """What the broker keeps of a password: it can check it, and not read it."""

    user: str
    salt: bytes
    salted: bytes


def credential(user: str, password: str, salt: bytes) -> Credential:
    """The SCRAM-SHA-512 credential of a password (RFC 5802)."""
    return Credential(user, salt, hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS))


# ------------------------------------------------------------------------------------------------ encoding


def _text(value: str | None) -> bytes:
    if value is None:
        return struct.pack(">h", -1)
    raw = value.encode()
    return struct.pack(">h", len(raw)) + raw


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _compact(raw: bytes) -> bytes:
    return _varint(len(raw) + 1) + raw


_NO_TAGS = b"\x00"


def create_rules(rules: Sequence[Rule]) -> bytes:
    """The body of CreateAcls."""
    body = struct.pack(">i", len(rules))
    for rule in rules:
        body += struct.pack(">b", rule.resource) + _text(rule.name) + struct.pack(">b", rule.pattern)
        body += _text(f"User:{rule.user}") + _text("*") + struct.pack(">bb", rule.operation, ALLOW)
    return body


def delete_rules_of(user: str) -> bytes:
    """The body of DeleteAcls for everything that a user may do."""
    body = struct.pack(">ib", 1, ANY) + _text(None) + struct.pack(">b", ANY)
    return body + _text(f"User:{user}") + _text(None) + struct.pack(">bb", ANY, ANY)


def alter_users(removed: Sequence[str], made: Sequence[Credential]) -> bytes:
    """The body of AlterUserScramCredentials."""
    body = _varint(len(removed) + 1)
    for user in removed:
        body += _compact(user.encode()) + struct.pack(">b", SCRAM_SHA_512) + _NO_TAGS
    body += _varint(len(made) + 1)
    for one in made:
        body += _compact(one.user.encode()) + struct.pack(">bi", SCRAM_SHA_512, ITERATIONS)
        body += _compact(one.salt) + _compact(one.salted) + _NO_TAGS
    return body + _NO_TAGS


# ------------------------------------------------------------------------------------------------ decoding


class _Reader:
    """Reads an answer from its beginning. Raises WireError where it ends too early."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def take(self, number: int) -> bytes:
        if not 0 <= number <= len(self._raw):
            raise WireError("the broker's answer ends too early")
        taken, self._raw = self._raw[:number], self._raw[number:]
        return taken

    def integer(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big", signed=True)

    def text(self) -> str:
        length = self.integer(2)
        return "" if length < 0 else self.take(length).decode(errors="replace")

    def varint(self) -> int:
        value = shift = 0
        while (byte := self.take(1)[0]) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
        return value | byte << shift

    def compact(self) -> str:
        length = self.varint()
        return "" if length == 0 else self.take(length - 1).decode(errors="replace")

    def tags(self) -> None:
        for _ in range(self.varint()):
            self.varint()
            self.take(self.varint())


def rule_faults(answer: bytes) -> list[str]:
    """What was refused in an answer to CreateAcls."""
    reader = _Reader(answer)
    reader.integer(4)
    codes = [(reader.integer(2), reader.text()) for _ in range(reader.integer(4))]
    return [f"error {code}: {told}" for code, told in codes if code]


def deletion_faults(answer: bytes) -> list[str]:
    """What was refused in an answer to DeleteAcls with one filter."""
    reader = _Reader(answer)
    reader.integer(4)
    reader.integer(4)
    code, told = reader.integer(2), reader.text()
    return [f"error {code}: {told}"] if code else []


def user_faults(answer: bytes) -> list[str]:
    """What was refused in an answer to AlterUserScramCredentials."""
    reader = _Reader(answer)
    reader.integer(4)
    faults = []
    for _ in range(reader.varint() - 1):
        user, code, told = reader.compact(), reader.integer(2), reader.compact()
        reader.tags()
        if code:
            faults.append(f"{user}: error {code}: {told}")
    return faults


# ---------------------------------------------------------------------------------------------- connection


class Wire:
    """A plain connection to a broker. Raises OSError when it cannot be had, WireError when it is refused."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), timeout=TIMEOUT_S)
        self._number = 0

    def close(self) -> None:
        self._socket.close()

    def _call(self, key: int, version: int, body: bytes, *, flexible: bool) -> bytes:
        self._number += 1
        head = (
            struct.pack(">hhi", key, version, self._number)
            + _text("access")
            + (_NO_TAGS if flexible else b"")
        )
        self._socket.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
        size = int.from_bytes(self._exactly(4), "big")
        if size > MAX_ANSWER_BYTES:
            raise WireError("this is not a Kafka broker's plain listener")
        reader = _Reader(self._exactly(size))
        if reader.integer(4) != self._number:
            raise WireError("the broker answered another question")
        if flexible:
            reader.tags()
        return reader._raw

    def _exactly(self, number: int) -> bytes:
        got = b""
        while len(got) < number:
            part = self._socket.recv(number - len(got))
            if not part:
                raise WireError("the broker closed the connection")
            got += part
        return got

    def allow(self, rules: Sequence[Rule]) -> None:
        """Add rules; one that is there already stays."""
        _hold(rule_faults(self._call(CREATE_ACLS, 1, create_rules(rules), flexible=False)))

    def forbid(self, user: str) -> None:
        """Remove every rule of a user."""
        _hold(deletion_faults(self._call(DELETE_ACLS, 1, delete_rules_of(user), flexible=False)))

    def users(self, removed: Sequence[str], made: Sequence[Credential]) -> None:
        """Remove users; make others, or change their passwords."""
        _hold(user_faults(self._call(ALTER_SCRAM, 0, alter_users(removed, made), flexible=True)))


def _hold(faults: list[str]) -> None:
    if faults:
        raise WireError("; ".join(faults))
