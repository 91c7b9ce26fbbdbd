"""Three scoring and two dossier replicas: killed or cut off in mid-stream, nothing is lost or counts twice.

The replay's own independent count is the oracle: it compares every indicator of every agency in every window.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.containers.compose import RESULTS, ROOT, Project, run, wait_until

pytestmark = pytest.mark.containers

SCALE = ("scoring=3", "dossier=2")
PARTITIONS = 6


def rows(project: Project, statement: str) -> int:
    """One number from the database, asked by the administrator inside its own container."""
    said = project.compose(
        "exec", "-T", "postgres", "psql", "-U", "admin", "-d", "scorebus", "-Atc", statement
    )
    return int(said.strip())


def facts(project: Project) -> int:
    """How many facts of dossiers are durable."""
    return rows(project, "SELECT count(*) FROM dossier.fact")


@contextmanager
def replaying(project: Project) -> Iterator["subprocess.Popen[str]"]:
    """The replay under way; ended, whatever happens."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    command = project.command(
        "--profile", "replay", "run", "--rm", "--no-deps", "-T", "replay", "run", "--json"
    )
    with (RESULTS / "replicas-replay.log").open("w", encoding="utf-8") as log:
        child = subprocess.Popen(
            command, cwd=ROOT, env=project.environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            yield child
        finally:
            if child.poll() is None:
                child.terminate()
            child.wait()


def kill(container: str) -> Callable[[], None]:
    """Kill a container without a warning; what comes back starts it again."""
    run(["docker", "kill", "--signal", "KILL", container])

    def start() -> None:
        run(["docker", "start", container])

    return start


def cut_off(project: Project, container: str, service: str) -> Callable[[], None]:
    """Silence, as when a machine loses its power: no connection is closed. What comes back starts it."""
    networks = [f"{project.name}_{name}" for name in ("store", "bus")]
    for network in networks:
        run(["docker", "network", "disconnect", "--force", network, container])
    start = kill(container)

    def back() -> None:
        for network in networks:
            run(["docker", "network", "connect", "--alias", service, network, container])
        start()

    return back


def test_every_replica_is_ready_and_the_address_stays(project: Project) -> None:
    assert len(project.healthy("scoring")) == 3
    assert len(project.healthy("dossier")) == 2
    for _ in range(6):
        assert project.get("scoring", "/v1/status")["ready"] is True
        assert project.get("dossier", "/v1/status")["ready"] is True


def test_replicas_killed_in_mid_stream_lose_nothing_and_double_nothing(project: Project) -> None:
    scoring, dossier = project.healthy("scoring"), project.healthy("dossier")
    with replaying(project) as replay:

        def reached(number: int) -> Callable[[], bool]:
            return lambda: replay.poll() is not None or facts(project) >= number

        wait_until(reached(15_000), "the first dossiers are taken in", 600)
        back = [kill(dossier[0]), kill(scoring[0])]
        wait_until(reached(40_000), "the others go on", 600)
        for start in back:
            start()
        wait_until(reached(60_000), "those that came back join", 600)
        back = [cut_off(project, dossier[1], "dossier"), cut_off(project, scoring[1], "scoring")]
        wait_until(reached(80_000), "the ones that came back go on alone", 600)
        for start in back:
            start()
        said, _ = replay.communicate(timeout=900)
    (RESULTS / "replicas-check.json").write_text(said, encoding="utf-8")
    found = json.loads(said)
    assert replay.returncode == 0
    assert found["holds"] is True
    assert found["verdicts"]["missed"] == 0
    assert found["sent"]["unexpected"] == 0


def test_every_partition_has_one_owner_among_the_replicas(project: Project) -> None:
    wait_until(lambda: len(project.healthy("scoring")) == 3, "all scoring replicas are healthy", 120)
    told = project.compose(
        "exec", "-T", "kafka", "/opt/kafka/bin/kafka-consumer-groups.sh",
        "--bootstrap-server", "localhost:9095", "--describe", "--group", "scoring",
    )  # fmt: skip
    lines = [line.split() for line in told.splitlines() if " dossier.events " in line]
    owners = {line[2]: line[6] for line in lines}
    assert len(owners) == PARTITIONS
    assert len(set(owners.values())) == 3


def test_scaling_down_again_keeps_everything(project: Project) -> None:
    before = project.get("scoring", "/v1/scores?period=2024-Q1")["scores"]
    project.timed("scale down", "up", "--detach", "--wait", "--scale", "scoring=1", "--scale", "dossier=1")
    assert len(project.containers("scoring")) == len(project.containers("dossier")) == 1
    assert project.get("scoring", "/v1/scores?period=2024-Q1")["scores"] == before
