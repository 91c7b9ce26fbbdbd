"""The pages for integrators are run as they stand: every block marked `<!-- run: … -->`, in its order."""

import os
import re
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.whole_system import RunningSystem

DOCS = Path(__file__).resolve().parents[3] / "docs"
AGENCY = "so-thong-tin-va-truyen-thong"
BLOCK = re.compile(r"<!-- run: (\w+) -->\n```\w+\n(.*?)```", re.DOTALL)
LONGEST_BLOCK_S = 90


def blocks(page: str) -> list[tuple[str, str]]:
    """(language, text) of every block of a page that is to be run."""
    return BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))


def run_block(language: str, text: str, environment: dict[str, str]) -> str:
    command = {"sh": ["sh", "-eu", "-c", text], "python": [sys.executable, "-c", text]}[language]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=LONGEST_BLOCK_S,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def environment(system: RunningSystem) -> dict[str, str]:
    words = ("publisher", "add", "cong-so-tttt", "--agencies", AGENCY)
    made = system.json(*words, "--types", "article.*,audience.*,fact.retracted")
    return {
        "BUS": system.url("content"),
        "SCORING": system.url("scoring"),
        "KAFKA": system.kafka,
        "PUBLISHER": "cong-so-tttt",
        "KEY": made["key"],
    }


def test_a_first_fact_is_sent_in_three_ways_and_counted(
    system: RunningSystem, environment: dict[str, str]
) -> None:
    over_http, in_python, over_kafka = blocks("send-your-first-fact.md")
    assert '"status":"accepted"' in run_block(*over_http, environment).replace(" ", "")
    assert '"status":"duplicate"' in run_block(*over_http, environment).replace(" ", "")
    answers = run_block(*in_python, environment).split()
    assert answers[1::2] == ["accepted"] * 10
    assert run_block(*over_kafka, environment) == "delivered\n"
    system.settle()
    tomorrow = date.today() + timedelta(days=1)
    counts: Counter[str] = Counter()
    for first, last in (("2024-03-20", "2024-03-20"), (str(tomorrow - timedelta(days=3)), str(tomorrow))):
        window = {"from": first, "to": last}
        counts.update(system.get("scoring", "/v1/indicators", agency=AGENCY, **window)["indicators"])
    assert (counts["content.articles"], counts["content.datasets"]) == (11, 1)


def test_a_subscriber_reads_the_scores_from_the_bus_and_asks_why(
    system: RunningSystem, environment: dict[str, str]
) -> None:
    read_topic, ask = blocks("subscribe-to-scores.md")
    answers = run_block(*ask, environment)
    assert answers.count('"total"') > 1
    assert '"criteria"' in answers
    told = run_block(*read_topic, environment).splitlines()
    board = system.get("scoring", "/v1/scores", period="2024-Q1")["scores"]
    published = {row["agency"]: row["total"] for row in board if row["revision"]}
    for line in told:
        agency, period, points, _, most = line.split()
        if period == "2024-Q1":
            assert {"points": float(points), "max": float(most)} == published[agency]
    assert {line.split()[0] for line in told if " 2024-Q1 " in line} == published.keys()
