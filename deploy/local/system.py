"""What one local system consists of: its programs, in the order in which they start."""

import importlib.util
import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.kafka import Broker
from deploy.local.layout import SERVICES, LaunchError, Layout, Secrets
from deploy.local.postgres import Postgres
from deploy.local.processes import SYSTEM_VARIABLE, Program
from shared.contracts.topics import DEFAULT_PARTITIONS

REPOSITORY = Path(__file__).resolve().parent.parent.parent
OPTIONAL_SERVICES = ("report",)
MAX_PROCESSES_OF_A_SERVICE = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """What a system was asked to be."""

    broker: str = "auto"
    partitions: int = DEFAULT_PARTITIONS
    # Processes per service; a service that is not named has one.
    scale: Mapping[str, int] = field(default_factory=dict)
    report: bool = True
    log: str = "json"

    def services(self) -> list[tuple[str, int]]:
        """(service, replica) of every process, for services that this version has."""
        wanted = [*SERVICES, *(OPTIONAL_SERVICES if self.report else ())]
        return [
            (name, replica)
            for name in wanted
            if in_this_version(f"services.{name}")
            for replica in range(self.scale.get(name, 1))
        ]


def in_this_version(package: str) -> bool:
    """Whether `python -m package` can be started."""
    try:
        return importlib.util.find_spec(f"{package}.__main__") is not None
    except ModuleNotFoundError:
        return False


def read_scale(words: list[str]) -> dict[str, int]:
    """`scoring=2` words as numbers of processes. Raises LaunchError."""
    scale = {}
    for word in words:
        name, _, number = word.partition("=")
        if name not in SERVICES or not number.isdigit() or not 1 <= int(number) <= MAX_PROCESSES_OF_A_SERVICE:
            raise LaunchError(
                f"--scale {word}: write SERVICE=N, with one of {', '.join(SERVICES)} and N from 1 to "
                f"{MAX_PROCESSES_OF_A_SERVICE}."
            )
        scale[name] = int(number)
    return scale


def ports_of(layout: Layout, plan: Plan) -> dict[str, int]:
    """Every port that the system will listen on, by what listens there."""
    ports = {label(name, replica): layout.port(name, replica) for name, replica in plan.services()}
    ports["postgres"] = layout.port("postgres")
    if plan.broker in ("auto", "apache", "mesh"):
        ports["kafka"] = layout.port("kafka")
        ports["kafka-controller"] = layout.port("kafka-controller")
    return ports


def refuse_taken_ports(layout: Layout, plan: Plan) -> None:
    """Raise LaunchError when another program listens where the system would."""
    for what, port in ports_of(layout, plan).items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise LaunchError(
                    f"Port {port} (for {what}) is in use by another program. "
                    "Choose another range with --port-base N, for example --port-base 9000."
                ) from None


def label(service: str, replica: int) -> str:
    """The name of one process of a service: scoring, scoring-2, …"""
    return service if replica == 0 else f"{service}-{replica + 1}"


def environment(
    layout: Layout, secrets: Secrets, broker: Broker, plan: Plan, role: str | None = None
) -> dict[str, str]:
    """Settings that every Python part of the system gets; `role` adds the database as that role sees it."""
    settings = {
        SYSTEM_VARIABLE: str(layout.data),
        "BUS_KAFKA": broker.address,
        "BUS_HOST": "127.0.0.1",
        "BUS_PARTITIONS": str(plan.partitions),
        "BUS_MASTER_KEY_FILE": str(secrets.master_key_file),
        "BUS_LOG": plan.log,
        **{f"BUS_{name.upper()}_URL": layout.url(name) for name in SERVICES},
        "PYTHONUNBUFFERED": "1",
    }
    if role is not None:
        postgres = Postgres(layout.data, layout.port("postgres"), secrets.admin, layout.logs)
        settings["BUS_DATABASE"] = postgres.url(role, secrets.roles[role])
    if role == "report":
        # `./run publisher add dashboard` keeps the key there, also while the system runs.
        settings["BUS_DISPUTE_KEY_FILE"] = str(layout.keys / "dashboard.json")
    return settings


def setup_program(
    layout: Layout, secrets: Secrets, broker: Broker, plan: Plan, postgres: Postgres
) -> Program:
    """The one-time preparation: database, roles, schemas, topics."""
    return Program(
        name="setup",
        command=(sys.executable, "-m", "deploy.setup"),
        log=layout.logs / "setup.log",
        directory=REPOSITORY,
        environment={
            **environment(layout, secrets, broker, plan),
            "BUS_ADMIN_DATABASE": postgres.admin_url,
            **{f"BUS_PASSWORD_{role.upper()}": password for role, password in secrets.roles.items()},
        },
    )


def service_program(
    layout: Layout, secrets: Secrets, broker: Broker, plan: Plan, service: str, replica: int
) -> Program:
    """One process of a service."""
    return Program(
        name=label(service, replica),
        command=(sys.executable, "-m", f"services.{service}"),
        log=layout.logs / f"{label(service, replica)}.log",
        directory=REPOSITORY,
        environment={
            **environment(layout, secrets, broker, plan, role=service),
            "BUS_PORT": str(layout.port(service, replica)),
        },
        # Longer than a service takes at most to finish what it has begun.
        stop_seconds=30.0,
        orphan_signal=signal.SIGKILL,
    )


def clean_environment() -> None:
    """Forget settings of the user's shell that would reach every part of the system instead of ours."""
    for name in [name for name in os.environ if name.startswith("BUS_") and name not in _USERS_OWN]:
        del os.environ[name]
    # Parts import from the repository, wherever the command was called.
    os.environ.pop("PYTHONHOME", None)
    os.environ["PYTHONPATH"] = str(REPOSITORY)


# What a user may set for the launcher itself or for a service's own policy.
_USERS_OWN = frozenset(
    {
        "BUS_CACHE", "BUS_DATA", "BUS_CUT_OFFS", "BUS_FAILPOINTS", "BUS_FAULTS", "BUS_GRAFANA_URL",
        "BUS_OPERATOR_TOKEN", "BUS_PUBLIC_URL", "BUS_PUBLISHER_EVENTS_PER_SECOND",
        "BUS_STREAM_CLIENTS", "BUS_TRACES", "BUS_OIDC_ISSUER", "BUS_OIDC_CLIENT_ID",
        "BUS_OIDC_CLIENT_SECRET_FILE", "BUS_OIDC_ROLE_CLAIM", "BUS_OIDC_ROLES",
    }
)  # fmt: skip
