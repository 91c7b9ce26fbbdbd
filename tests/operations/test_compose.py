"""The compose project and the images keep what docs/operations/compose.md promises; no engine is needed."""

import re
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.compose import certificates, secret_files
from deploy.docker import health, start
from services.report import contest
from shared.runtime.access.office import DASHBOARD

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy" / "docker" / "Dockerfile").read_text(encoding="utf-8")
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
LONG_LIVED = {name: service for name, service in SERVICES.items() if "restart" in service}
NOW = datetime.now(UTC)
SCALED = ("content", "qa", "dossier", "scoring")


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_has_few_rights_and_a_limit(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert "memory" in service["deploy"]["resources"]["limits"]
    assert service.get("read_only") or name == "grafana"


def test_every_port_faces_this_machine_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) >= 6
    assert all(port.startswith("127.0.0.1:${BUS_PORT_") for port in ports)


@pytest.mark.parametrize("name", OURS)
def test_an_image_is_a_stage_of_the_one_dockerfile(name: str) -> None:
    build = OURS[name]["build"]
    assert build["dockerfile"] == "deploy/docker/Dockerfile"
    assert re.search(rf"^FROM \S+ AS {build['target']}$", DOCKERFILE, re.M)
    assert OURS[name]["image"] == f"scoring-bus/{build['target']}:${{BUS_VERSION:-dev}}"


def test_the_dockerfile_starts_from_official_images_and_pulls_no_syntax() -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.M))
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)) - stages == {"python:3.12-slim"}
    assert "# syntax" not in DOCKERFILE
    images = {service["image"] for service in SERVICES.values() if "build" not in service}
    assert {image for image in images if "prom" not in image and "grafana" not in image} == {
        "apache/kafka:4.3.1",
        "postgres:18",
    }


@pytest.mark.parametrize("name", LONG_LIVED)
def test_what_lives_long_is_restarted_and_watched(name: str) -> None:
    assert LONG_LIVED[name]["restart"] == "unless-stopped"
    watched_by_image = "HEALTHCHECK" in DOCKERFILE and name in (*SCALED, "report")
    assert "healthcheck" in LONG_LIVED[name] or watched_by_image or name in ("prometheus", "grafana")


@pytest.mark.parametrize("name", SCALED)
def test_a_service_can_be_scaled(name: str) -> None:
    assert "ports" not in SERVICES[name]
    assert "container_name" not in SERVICES[name]
    assert SERVICES[name]["stop_grace_period"] == "30s"
    stage = re.search(rf"^FROM service AS {name}$(.*?)^CMD", DOCKERFILE, re.M | re.S)
    assert stage is not None
    port = re.search(r"^ENV BUS_PORT=(\d+)$", stage[1], re.M)
    assert port is not None
    assert f"{name}:{port[1]}" in SERVICES["gateway"]["command"]


def folders(tmp_path: Path, *more: str) -> Path:
    readers = {file.reader for file in secret_files.files_of(secret_files.complete({}, NOW))}
    for reader in ("store", *readers, *more):
        (tmp_path / reader).mkdir()
    return tmp_path


def held(directory: Path) -> dict[str, str]:
    return {
        path.relative_to(directory).as_posix(): path.read_text()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_secrets_are_made_once_and_each_reader_gets_its_own(tmp_path: Path) -> None:
    directory = folders(tmp_path)
    assert secret_files.hand_out(directory, [], NOW) > 7
    before = held(directory)
    assert secret_files.hand_out(directory, [], NOW) == 0
    assert held(directory) == before
    databases = {before[f"{role}/BUS_DATABASE"] for role in secret_files.ROLES}
    assert len(databases) == len(secret_files.ROLES)
    assert "scoring/master.key" not in before
    assert before["setup/dashboard.json"] == before["report/dashboard.json"]
    signs = contest.publisher_of(directory / "report" / "dashboard.json")
    assert signs is not None
    assert signs.name == DASHBOARD
    assert not [name for name in before if "kafka" in name.lower()]
    volumes = {volume.partition(":")[0].removeprefix("secrets-") for volume in SERVICES["secrets"]["volumes"]}
    assert volumes == {path.name for path in directory.iterdir()}


def test_the_stricter_variant_adds_users_and_going_back_takes_them_away(tmp_path: Path) -> None:
    directory = folders(tmp_path, "kafka")
    secret_files.hand_out(directory, [], NOW)
    plain = held(directory)
    secret_files.hand_out(directory, ["kafka", "localhost"], NOW)
    secure = held(directory)
    for user in secret_files.KAFKA_USERS:
        password = secure[f"{user}/BUS_KAFKA_PASSWORD"].strip()
        assert f"{user} {password}" in secure["kafka/users"].splitlines()
    assert "PRIVATE KEY" in secure["kafka/server.pem"]
    assert not [
        name
        for name, text in secure.items()
        if "PRIVATE KEY" in text and not name.startswith(("kafka/", "store/"))
    ]
    secret_files.hand_out(directory, [], NOW)
    assert held(directory) == plain


def test_the_brokers_certificate_holds_for_its_names_only(tmp_path: Path) -> None:
    authority = certificates.make_authority(NOW)
    server = tmp_path / "server.pem"
    server.write_text(certificates.issue(authority, ["kafka", "127.0.0.1"], NOW))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server)
    trusting = ssl.create_default_context(cadata=authority.certificate)
    shake_hands(context, trusting, "kafka")
    shake_hands(context, trusting, "127.0.0.1")
    with pytest.raises(ssl.SSLCertVerificationError, match="kafka2"):
        shake_hands(context, trusting, "kafka2")
    stranger = ssl.create_default_context(cadata=certificates.make_authority(NOW).certificate)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(context, stranger, "kafka")


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """A whole TLS handshake in memory. Raises what the client objects to."""
    ways = [ssl.MemoryBIO(), ssl.MemoryBIO()]
    asking = client.wrap_bio(ways[0], ways[1], server_hostname=name)
    answering = server.wrap_bio(ways[1], ways[0], server_side=True)
    for _ in range(4):
        for side in (asking, answering):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    assert asking.version() == "TLSv1.3"


def test_nobody_but_the_tools_reads_the_administrators_password() -> None:
    mounted = {
        name: [
            volume.partition(":")[0] for volume in service.get("volumes", []) if volume.startswith("secrets-")
        ]
        for name, service in SERVICES.items()
        if name != "secrets"
    }
    assert {name for name, volumes in mounted.items() if "secrets-tools" in volumes} == {"replay", "tools"}
    for name in (*SCALED, "report"):
        assert mounted[name] == [f"secrets-{name}"]


def test_a_command_gets_the_secrets_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "BUS_DATABASE").write_text("postgresql://a:b@c/d\n")
    (tmp_path / "BUS_PORT").write_text("1\n")
    (tmp_path / "master.key").write_text("x\n")
    got = start.environment({"BUS_SECRETS": str(tmp_path), "BUS_PORT": "8001"})
    assert got["BUS_DATABASE"] == "postgresql://a:b@c/d"
    assert got["BUS_PORT"] == "8001"
    assert "master.key" not in got


def test_a_secret_that_is_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "BUS_DATABASE").write_bytes(b"x" * (start.MAX_SECRET_BYTES + 1))
    with pytest.raises(ValueError, match="larger than"):
        start.from_files(tmp_path)


def test_a_service_that_does_not_answer_is_not_healthy() -> None:
    healthy, said = health.ask(1, "/readyz")
    assert not healthy
    assert said.startswith("port 1:")


def test_the_image_of_the_dashboard_has_the_versions_of_the_others() -> None:
    def versions(name: str) -> dict[str, str]:
        text = (ROOT / name).read_text(encoding="utf-8")
        entries = re.findall(r"(?m)^([\w.\-]+)(?:\[[^]]*\])?==([^\s;]+)[^\n]*\\\n\s+--hash=sha256:", text)
        return dict(entries)

    dashboard, users = versions("deploy/docker/requirements-report.lock"), versions("requirements.lock")
    assert versions("deploy/docker/requirements.lock").items() <= dashboard.items() <= users.items()
    assert "nicegui" in dashboard
