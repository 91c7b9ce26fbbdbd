"""The running system that a replay is meant for: its addresses, and what it takes to give publishers keys."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit, urlunsplit

DATABASE = "scorebus"
SERVICES = ("content", "qa", "dossier", "scoring")


class ReplayError(Exception):
    """Something the user can put right; the text says what."""


@dataclass(frozen=True, slots=True)
class Target:
    """`statuses` are the addresses of every process that must have settled; `folder` is the replay's own."""

    kafka: str
    urls: Mapping[str, str]
    statuses: tuple[str, ...]
    admin_database: str
    master_key_file: Path
    folder: Path
    keyring: Path


def from_environment(data: Path | None = None, environment: Mapping[str, str] = os.environ) -> Target | None:
    """The target that the settings of a container name; None when they do not name one.

    BUS_ADMIN_DATABASE, BUS_MASTER_KEY_FILE, BUS_KAFKA, and BUS_<SERVICE>_URL of the four services.
    """
    admin = environment.get("BUS_ADMIN_DATABASE")
    master = environment.get("BUS_MASTER_KEY_FILE")
    kafka = environment.get("BUS_KAFKA")
    urls = {name: environment.get(f"BUS_{name.upper()}_URL", "").rstrip("/") for name in SERVICES}
    if not (admin and master and kafka and all(urls.values())):
        return None
    folder = _writable(data)
    return Target(
        kafka,
        MappingProxyType(urls),
        tuple(urls.values()),
        urlunsplit(urlsplit(admin)._replace(path=f"/{DATABASE}")),
        Path(master),
        folder,
        folder / "replay.keyring",
    )


def from_data(data: Path, port_base: int | None = None) -> Target:
    """The local system in a data directory. Raises ReplayError when there is none."""
    from deploy.local.control import report_of, services
    from deploy.local.layout import LaunchError, load_secrets, open_layout
    from deploy.local.postgres import cluster_of

    try:
        layout = open_layout(data, port_base)
        report = report_of(layout)
        if not report.get("broker_address"):
            raise ReplayError(f"No system runs in {layout.data}. Start it with ./run up or ./run demo.")
        secrets = load_secrets(layout)
        cluster = cluster_of(layout, secrets.admin)
        return Target(
            str(report["broker_address"]),
            MappingProxyType({name: layout.url(name) for name in SERVICES}),
            tuple(process.url for process in services(layout) if process.name != "report"),
            cluster.url("postgres", cluster.password, DATABASE),
            secrets.master_key_file,
            layout.data / "replay",
            layout.keys / "replay.keyring",
        )
    except LaunchError as error:
        raise ReplayError(str(error)) from error


def _writable(data: Path | None) -> Path:
    """The replay's folder in the data directory, or a temporary one where that cannot be written."""
    if data is not None:
        folder = data / "replay"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            folder = Path(tempfile.gettempdir())
        if os.access(folder, os.W_OK):
            return folder
    return Path(tempfile.mkdtemp(prefix="replay-"))
