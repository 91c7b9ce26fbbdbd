"""A stage to measure on: a fresh PostgreSQL and a fresh broker, and services started one at a time."""

import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx
import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local import kafka, postgres
from deploy.local.layout import Layout, Secrets, load_secrets
from deploy.local.processes import Program, start, stop, wait_until
from deploy.local.system import Plan, clean_environment, environment, service_program, setup_program

START_S = 90.0


@dataclass(slots=True)
class Stage:
    """PostgreSQL and a broker with roles, schemas and topics. A service runs while its block does."""

    layout: Layout
    secrets: Secrets
    broker: kafka.Broker
    plan: Plan
    cluster: postgres.Postgres

    def url(self, role: str) -> str:
        """The database as a role sees it."""
        return self.cluster.url(role, self.secrets.roles[role])

    def settings(self, service: str) -> dict[str, str]:
        return environment(self.layout, self.secrets, self.broker, self.plan, role=service)

    @contextmanager
    def service(self, name: str, replica: int = 0) -> Iterator["Watched"]:
        """Run one process of a service."""
        program = service_program(self.layout, self.secrets, self.broker, self.plan, name, replica)
        watched = Watched(program, self.layout.port(name, replica), start(program))
        try:
            yield watched
        finally:
            stop(program, watched.child)


@dataclass(slots=True)
class Watched:
    """A running service whose memory is looked at."""

    program: Program
    port: int
    child: subprocess.Popen[bytes]
    peak_bytes: int = 0

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.child.pid)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def look(self) -> int:
        """Resident memory now, remembered as peak."""
        with suppress(psutil.NoSuchProcess):
            self.peak_bytes = max(self.peak_bytes, self.process.memory_info().rss)
        return self.peak_bytes

    def revive(self) -> None:
        """Start the process again if it has ended: there is no supervisor here."""
        if self.child.poll() is not None:
            self.child = start(self.program)

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def stage(port_base: int, *, durable: bool = True) -> Iterator[Stage]:
    """A prepared stage in a directory of its own that is removed afterwards."""
    clean_environment()
    with tempfile.TemporaryDirectory(prefix="bus-bench-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o755)
        layout = Layout(directory, port_base)
        layout.create()
        secrets = load_secrets(layout)
        cluster = postgres.Postgres(
            postgres.cluster_directory(layout),
            layout.port("postgres"),
            secrets.admin,
            layout.logs / "postgres.log",
            disposable=not durable,
        )
        postgres.prepare(cluster)
        broker = kafka.choose(layout, os.environ.get("BUS_TEST_BROKER", "auto"), print)
        programs = [postgres.program(cluster), *([broker.program] if broker.program else [])]
        children = [(program, start(program)) for program in programs]
        try:
            wait_until(
                lambda: postgres.accepts(cluster) and broker.accepts(),
                seconds=START_S,
                alive=lambda: all(child.poll() is None for _, child in children),
                what="the stage",
            )
            plan = Plan(report=False)
            done = start(setup_program(layout, secrets, broker, plan, cluster)).wait(START_S)
            if done:
                raise RuntimeError((layout.logs / "setup.log").read_text()[-2000:])
            yield Stage(layout, secrets, broker, plan, cluster)
        finally:
            for program, child in children:
                stop(program, child)


async def ready(url: str, give_up_s: float = 90) -> None:
    """Wait until a service says that it is ready."""
    until = time.monotonic() + give_up_s
    async with httpx.AsyncClient(timeout=5) as http:
        while time.monotonic() < until:
            with suppress(httpx.TransportError):
                if (await http.get(f"{url}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.2)
    raise RuntimeError(f"{url} is not ready after {give_up_s:.0f} s")


async def end_offsets(bootstrap: str, topic: str) -> dict[int, int]:
    """The next offset of every partition of a topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        numbers = consumer.partitions_for_topic(topic) or set()
        if not numbers:
            await consumer.topics()
            numbers = consumer.partitions_for_topic(topic) or set()
        found = await consumer.end_offsets([TopicPartition(topic, number) for number in numbers])
        return {partition.partition: offset for partition, offset in found.items()}
    finally:
        await consumer.stop()


@dataclass(slots=True)
class Progress:
    """Samples of (seconds, done), from which the steady rate is read."""

    samples: list[tuple[float, int]] = field(default_factory=list)

    def rate(self, total: int) -> float:
        """Units a second between the first tenth and the last: start and end of a run do not count."""
        inner = [(at, done) for at, done in self.samples if total * 0.1 <= done <= total]
        inner = [pair for index, pair in enumerate(inner) if index == 0 or pair[1] > inner[index - 1][1]]
        if len(inner) < 2:
            raise RuntimeError(f"too few samples to read a rate from: {self.samples[-5:]}")
        (begun, first), (ended, last) = inner[0], inner[-1]
        return (last - first) / (ended - begun)


async def watch(url: str, query: str, total: int, watched: list[Watched], give_up_s: float = 300) -> Progress:
    """Sample a count in the database until it reaches `total`."""
    progress = Progress()
    connection = await asyncpg.connect(url)
    begun = time.monotonic()
    try:
        done = 0
        while done < total:
            with suppress(asyncpg.UndefinedTableError):
                done = int(await connection.fetchval(query) or 0)
            progress.samples.append((time.monotonic() - begun, done))
            for one in watched:
                one.look()
            if time.monotonic() - begun > give_up_s:
                raise RuntimeError(f"only {done} of {total} after {give_up_s:.0f} s")
            await asyncio.sleep(0.1)
    finally:
        await connection.close()
    return progress
