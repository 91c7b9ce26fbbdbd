"""Make the secrets of one compose project, once, and hand each container the files that it needs.

    python -m deploy.compose.secret_files DIRECTORY

DIRECTORY holds one folder (a volume of its own) per reader, and `store`, which no other container mounts and
which remembers what was made. The first start makes everything; later starts write the same files again.
With BUS_KAFKA_HOSTS (names and addresses of the broker, joined by commas) also what SASL and TLS need: a user
of Kafka for each reader, an authority, and the broker's certificate for those hosts.
To bring your own value, or to change one: `docs/operations/compose.md`, "Secrets".
"""

import json
import os
import secrets
import sys
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deploy.compose.certificates import Authority, issue, make_authority
from shared.runtime.access.office import DASHBOARD
from shared.runtime.access.sealing import show_key

ROLES = ("content", "qa", "dossier", "scoring", "report")
# These unseal the publishers' keys; scoring has no use for them.
UNSEALING = ("content", "qa", "dossier", "report")
KAFKA_USERS = (*ROLES, "setup", "tools")
SERVER = "postgres:5432"


@dataclass(frozen=True, slots=True)
class SecretFile:
    """One file in the folder of one reader. `mode` is readable by others where the reader has another uid."""

    reader: str
    name: str
    content: str
    mode: int = 0o400


def complete(kept: Mapping[str, str], now: datetime) -> dict[str, str]:
    """All values of a project: those kept, and new ones for those missing."""
    words = ("admin", "grafana", "operator_token", *ROLES, *(f"kafka_{user}" for user in KAFKA_USERS))
    made = {name: secrets.token_urlsafe(24) for name in words}
    made["master_key"] = b64encode(secrets.token_bytes(32)).decode()
    made["dispute_key"] = show_key(secrets.token_bytes(32))
    if "kafka_ca" not in kept:
        authority = make_authority(now)
        made |= {"kafka_ca": authority.certificate, "kafka_ca_key": authority.key}
    return {**made, **kept}


def files_of(values: Mapping[str, str]) -> list[SecretFile]:
    """The files that each reader gets."""
    admin = f"postgresql://admin:{values['admin']}@{SERVER}/postgres"
    files = [
        # The database server and Grafana run as users of their own images.
        SecretFile("postgres", "password", values["admin"], 0o444),
        SecretFile("grafana", "password", values["grafana"], 0o444),
        SecretFile("setup", "BUS_ADMIN_DATABASE", admin),
        # For the key of the scoring office, which the set-up makes.
        SecretFile("setup", "master.key", values["master_key"]),
        SecretFile("tools", "BUS_ADMIN_DATABASE", admin),
        SecretFile("tools", "master.key", values["master_key"]),
    ]
    # The set-up adds the dashboard's publisher, and the dashboard signs disputes as it.
    dashboard = json.dumps({"publisher": DASHBOARD, "key": values["dispute_key"]})
    files.extend(SecretFile(reader, "dashboard.json", dashboard) for reader in ("setup", "report"))
    # Actions of an operator over HTTP must carry it; the dashboard acts for officers who signed in.
    files.extend(
        SecretFile(reader, "BUS_OPERATOR_TOKEN", values["operator_token"]) for reader in ("tools", *ROLES)
    )
    for role in ROLES:
        files.append(SecretFile("setup", f"BUS_PASSWORD_{role.upper()}", values[role]))
        files.append(
            SecretFile(role, "BUS_DATABASE", f"postgresql://{role}:{values[role]}@{SERVER}/scorebus")
        )
    files.extend(SecretFile(role, "master.key", values["master_key"]) for role in UNSEALING)
    return files


def kafka_files(values: Mapping[str, str], hosts: Sequence[str], now: datetime) -> list[SecretFile]:
    """What SASL and TLS need on top: the broker its certificate and users, each reader its own user."""
    authority = Authority(values["kafka_ca_key"], values["kafka_ca"])
    users = "\n".join(f"{user} {values[f'kafka_{user}']}" for user in KAFKA_USERS)
    files = [
        # The broker runs as the user of its own image.
        SecretFile("kafka", "server.pem", issue(authority, hosts, now), 0o444),
        SecretFile("kafka", "ca.pem", values["kafka_ca"], 0o444),
        SecretFile("kafka", "users", users, 0o444),
    ]
    for user in KAFKA_USERS:
        files.append(SecretFile(user, "BUS_KAFKA_USER", user))
        files.append(SecretFile(user, "BUS_KAFKA_PASSWORD", values[f"kafka_{user}"]))
        files.append(SecretFile(user, "kafka-ca.pem", values["kafka_ca"]))
    return files


def write(path: Path, content: str, mode: int) -> None:
    """Replace `path` in one step, so that a container that starts meanwhile reads the old or the new."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(content.rstrip("\n") + "\n", encoding="utf-8")
    fresh.chmod(mode)
    fresh.replace(path)


def hand_out(directory: Path, hosts: Sequence[str], now: datetime) -> int:
    """Make what is missing and write every reader's files; answers how many values are new.

    A file that a reader should no longer have is removed. Raises FileNotFoundError when the folder of a
    reader is not mounted.
    """
    store = directory / "store" / "secrets.json"
    kept = json.loads(store.read_text(encoding="utf-8")) if store.exists() else {}
    values = complete(kept, now)
    write(store, json.dumps(values, indent=1), 0o600)
    files = files_of(values) + (kafka_files(values, hosts, now) if hosts else [])
    for file in files:
        write(directory / file.reader / file.name, file.content, file.mode)
    wanted = {directory / file.reader / file.name for file in files} | {store}
    for path in directory.glob("*/*"):
        if path not in wanted:
            path.unlink()
    return len(values.keys() - kept.keys())


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m deploy.compose.secret_files DIRECTORY")
    hosts = [host.strip() for host in os.environ.get("BUS_KAFKA_HOSTS", "").split(",") if host.strip()]
    made = hand_out(Path(sys.argv[1]), hosts, datetime.now(UTC))
    sys.stdout.write(f"secrets: {made} made, the others kept\n")


if __name__ == "__main__":
    main()
