"""Make the secrets of one compose project, once, and hand each container the files that it needs.

    python -m deploy.compose.secret_files DIRECTORY

DIRECTORY holds one folder (a volume of its own) per reader, and `store`, which no other container mounts and
which remembers what was made. The first start makes everything; later starts write the same files again.
To bring your own value, or to change one: `docs/operations/compose.md`, "Secrets".
"""

import json
import secrets
import sys
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROLES = ("content", "qa", "dossier", "scoring", "report")
# These unseal the publishers' keys; scoring has no use for them.
UNSEALING = ("content", "qa", "dossier", "report")
SERVER = "postgres:5432"


@dataclass(frozen=True, slots=True)
class SecretFile:
    """One file in the folder of one reader. `mode` is readable by others where the reader has another uid."""

    reader: str
    name: str
    content: str
    mode: int = 0o400


def complete(kept: Mapping[str, str]) -> dict[str, str]:
    """All values of a project: those kept, and new ones for those missing."""
    made = {name: secrets.token_urlsafe(24) for name in ("admin", "grafana", "operator_token", *ROLES)}
    made["master_key"] = b64encode(secrets.token_bytes(32)).decode()
    return {**made, **kept}


def files_of(values: Mapping[str, str]) -> list[SecretFile]:
    """The files that each reader gets."""
    admin = f"postgresql://admin:{values['admin']}@{SERVER}/postgres"
    files = [
        # The database server and Grafana run as users of their own images.
        SecretFile("postgres", "password", values["admin"], 0o444),
        SecretFile("grafana", "password", values["grafana"], 0o444),
        SecretFile("setup", "BUS_ADMIN_DATABASE", admin),
        SecretFile("tools", "BUS_ADMIN_DATABASE", admin),
        SecretFile("tools", "master.key", values["master_key"]),
    ]
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


def write(path: Path, content: str, mode: int) -> None:
    """Replace `path` in one step, so that a container that starts meanwhile reads the old or the new."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(content + "\n", encoding="utf-8")
    fresh.chmod(mode)
    fresh.replace(path)


def hand_out(directory: Path) -> int:
    """Make what is missing and write every reader's files; answers how many values are new.

    Raises FileNotFoundError when the folder of a reader is not mounted.
    """
    store = directory / "store" / "secrets.json"
    kept = json.loads(store.read_text(encoding="utf-8")) if store.exists() else {}
    values = complete(kept)
    write(store, json.dumps(values, indent=1), 0o600)
    for file in files_of(values):
        write(directory / file.reader / file.name, file.content, file.mode)
    return len(values.keys() - kept.keys())


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m deploy.compose.secret_files DIRECTORY")
    made = hand_out(Path(sys.argv[1]))
    sys.stdout.write(f"secrets: {made} made, the others kept\n")


if __name__ == "__main__":
    main()
