"""PostgreSQL brought back to an instant from its archive, with Kafka lost: the same scores, byte for byte."""

import json
from urllib.request import Request, urlopen

import pytest

from tests.containers.compose import Project, run, wait_until
from tests.containers.facts import Publisher

pytestmark = pytest.mark.containers

FILES = ("deploy/compose/backup.yml",)
AGENCIES = ("so-thong-tin-va-truyen-thong", "thi-xa-sa-pa")
PERIOD = "/v1/scores?period=2024-Q1"


def published(project: Project, publisher: Publisher, first: int, number: int) -> None:
    """Publish articles `first`… of both agencies, and wait until scoring shows every change."""
    for count in range(first, first + number):
        for agency in AGENCIES:
            event = publisher.event(
                "article.published",
                {
                    "article_id": f"{agency}-{count}", "agency": agency, "title": f"Tin {count}",
                    "url": f"https://example.vn/{count}", "kind": "news",
                    "published_at": f"2024-02-{count % 28 + 1:02d}T08:00:00+07:00",
                },
            )  # fmt: skip
            wait_until(
                lambda event=event: (
                    publisher.post(project.url("content"), event)["status"]  # type: ignore[misc]
                    in ("accepted", "duplicate")
                ),
                "the fact is taken",
            )
    settled(project)


def settled(project: Project) -> None:
    quiet = [0]

    def nothing_pending() -> bool:
        pending = [
            project.get(name, "/v1/status")["pending"] for name in ("content", "qa", "dossier", "scoring")
        ]
        quiet[0] = quiet[0] + 1 if not any(pending) else 0
        return quiet[0] >= 2

    wait_until(nothing_pending, "nothing is pending", 120)


def scores(project: Project) -> str:
    """Every score of the quarter as the API says it, and both agencies' in full."""
    whole = [project.get("scoring", PERIOD)["scores"]]
    for agency in AGENCIES:
        one = project.get("scoring", f"/v1/scores/{agency}?period=2024-Q1")
        whole.append(one)
    return json.dumps(whole, ensure_ascii=False, sort_keys=True)


def now(project: Project) -> str:
    asked = ("exec", "-T", "postgres", "psql", "-U", "admin", "-d", "scorebus", "-Atc", "SELECT now()")
    return project.compose(*asked).strip()


def emit_again(project: Project, token: str) -> None:
    for name in ("content", "qa", "dossier"):
        request = Request(
            project.url(name) + "/v1/emit-again", method="POST", headers={"Authorization": f"Bearer {token}"}
        )
        with urlopen(request, timeout=30) as answer:
            assert answer.status == 202


def test_a_lost_kafka_and_a_database_brought_back_give_the_same_scores(project: Project) -> None:
    said = project.compose(
        "run", "--rm", "--no-deps", "-T", "tools",
        "publisher", "add", "cong", "--agencies", "*", "--types", "article.*",
    )  # fmt: skip
    publisher = Publisher("cong", json.loads(said)["key"])
    token = project.compose(
        "run", "--rm", "--no-deps", "-T", "--entrypoint", "cat", "tools", "/run/secrets/BUS_OPERATOR_TOKEN"
    ).strip()

    published(project, publisher, 0, 12)
    copy = project.compose("exec", "-T", "postgres", "sh", "/etc/bus/postgres/backup.sh").split()[-1]
    published(project, publisher, 12, 12)
    wanted, instant = scores(project), now(project)
    published(project, publisher, 24, 4)
    assert scores(project) != wanted

    project.compose("stop", seconds=300)
    (kafka,) = project.containers("kafka")
    run(["docker", "rm", kafka["Id"]])
    run(["docker", "volume", "rm", f"{project.name}_kafka"])
    restored = project.compose(
        "run", "--rm", "--no-deps", "-T", "postgres", "sh", "/etc/bus/postgres/restore.sh", copy, instant
    )
    assert copy in restored
    project.timed("up after the loss", "up", "--detach", "--wait", "--wait-timeout", "420")
    emit_again(project, token)
    settled(project)
    assert scores(project) == wanted

    published(project, publisher, 24, 4)
    assert scores(project) != wanted


def test_old_copies_go_and_the_newest_stay(project: Project) -> None:
    for _ in range(3):
        newest = project.compose("exec", "-T", "postgres", "sh", "/etc/bus/postgres/backup.sh", "2").split()[
            -1
        ]
    kept = project.compose("exec", "-T", "postgres", "ls", "/backup/base").split()
    assert len(kept) == 2
    assert kept[-1] == newest
