"""Real PostgreSQL and Kafka for a test run: containers where a Docker engine answers, else local parts.

BUS_TEST_PARTS=docker|local forces one of the two; the tests are the same on both.
"""

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from deploy.local import kafka, postgres
from deploy.local.layout import LaunchError, Layout
from deploy.local.processes import start, stop, tail, wait_until

POSTGRES_IMAGE = "postgres:18"
KAFKA_IMAGE = f"apache/kafka:{kafka.KAFKA_VERSION}"
_PASSWORD = "for-tests-only"
_START_SECONDS = 90.0


def docker_answers() -> bool:
    """Whether to use containers. An engine that has no images and cannot pull them is no use."""
    forced = os.environ.get("BUS_TEST_PARTS", "auto")
    if forced in ("docker", "local"):
        return forced == "docker"
    try:
        import docker
        from docker.errors import DockerException, ImageNotFound

        client = docker.from_env(timeout=5)
    except (ImportError, DockerException):
        return False
    with closing(client):
        for image in (POSTGRES_IMAGE, KAFKA_IMAGE):
            try:
                client.images.get(image)
            except ImageNotFound:
                with suppress(DockerException):
                    client.images.pull(image)
                    continue
                return False
            except DockerException:
                return False
    return True


def free_port() -> int:
    """A port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_port_base() -> int:
    """A port base for a whole system: every port it would use is free now."""
    for base in range(20_000 + os.getpid() % 40 * 100, 32_000, 100):
        if all(_is_free(base + offset) for offset in (1, 2, 3, 4, 14, 24, 80, 90, 92, 93)):
            return base
    raise LaunchError("No range of free ports for a test system was found.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def running_postgres(docker: bool) -> Iterator[str]:
    """A PostgreSQL 18; yields the URL of its administrator."""
    if docker:
        with _postgres_container() as url:
            yield url
        return
    with scratch() as directory:
        cluster = postgres.Postgres(
            directory / "postgres", free_port(), _PASSWORD, directory / "postgres.log", disposable=True
        )
        postgres.prepare(cluster)
        program = postgres.program(cluster)
        child = start(program)
        try:
            _wait(lambda: postgres.accepts(cluster), lambda: child.poll() is None, program.name, cluster.log)
            yield cluster.admin_url
        finally:
            stop(program, child)


@contextmanager
def _postgres_container() -> Iterator[str]:
    os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
    from testcontainers.community.postgres import PostgresContainer

    container = PostgresContainer(POSTGRES_IMAGE, username="postgres", password=_PASSWORD, driver=None)
    container.with_command("postgres -c fsync=off -c max_connections=200")
    with container as postgres_container:
        yield postgres_container.get_connection_url()


@contextmanager
def running_kafka(docker: bool) -> Iterator[str]:
    """A broker; yields its bootstrap address."""
    if docker:
        with _kafka_container() as address:
            yield address
        return
    with scratch() as directory:
        layout = Layout(directory, free_port_base())
        layout.create()
        broker = kafka.choose(layout, os.environ.get("BUS_TEST_BROKER", "auto"), print)
        with ExitStack() as stack:
            if broker.program is not None:
                program = broker.program
                child = start(program)
                stack.callback(stop, program, child)
                _wait(broker.accepts, lambda: child.poll() is None, program.name, program.log)
            yield broker.address


@contextmanager
def _kafka_container() -> Iterator[str]:
    """Kafka's own image; testcontainers has no class for it. The advertised port is settled beforehand."""
    os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    port = free_port()
    settings = {
        **kafka.COMMON_SETTINGS,
        "node.id": "1",
        "process.roles": "broker,controller",
        "controller.quorum.voters": "1@localhost:9093",
        "controller.listener.names": "CONTROLLER",
        "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    }
    # An image that was built from read-only files could not write its settings.
    writable = "chmod -R u+w /etc/kafka/docker /opt/kafka/config; exec /etc/kafka/docker/run"
    container = (
        DockerContainer(KAFKA_IMAGE).with_command(["bash", "-c", writable]).with_bind_ports(9092, port)
    )
    for name, value in settings.items():
        container.with_env("KAFKA_" + name.upper().replace(".", "_"), value)
    container.waiting_for(LogMessageWaitStrategy("Kafka Server started"))
    with container:
        yield f"127.0.0.1:{port}"


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory for throw-away parts. The user who runs PostgreSQL can enter it also when we are root."""
    with tempfile.TemporaryDirectory(prefix="bus-parts-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory


def _wait(ready: Callable[[], bool], alive: Callable[[], bool], what: str, log: Path) -> None:
    try:
        wait_until(ready, seconds=_START_SECONDS, alive=alive, what=what)
    except LaunchError as error:
        raise LaunchError(f"{error}\n{tail(log)}") from error
