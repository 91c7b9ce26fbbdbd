"""Alerts, boards and runbook pages name metrics that exist, and each other."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

ROOT = Path(__file__).resolve().parents[2]
RULES_FILE = ROOT / "deploy" / "prometheus" / "rules.yml"
RULES = [
    rule
    for group in yaml.safe_load(RULES_FILE.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
CASES = yaml.safe_load((ROOT / "deploy" / "prometheus" / "rules_test.yml").read_text(encoding="utf-8"))[
    "tests"
]
BOARD = json.loads((ROOT / "deploy" / "grafana" / "boards" / "scoring-bus.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
SERVICES = ("content", "qa", "dossier", "scoring", "report")

# What Prometheus itself adds to every scrape.
FROM_PROMETHEUS = {"up"}
# Without selectors and groupings, a name that no bracket follows is a metric and no function.
NAME = re.compile(r"\b([a-z][a-z0-9_]*_[a-z0-9_]+|up)\b(?!\s*\()")
WORDS = {"humanize", "group_left", "group_right", "histogram_quantile"}


def metrics_of(expression: str) -> set[str]:
    """The names of the metrics in a PromQL expression."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}', "", expression)
    bare = re.sub(r"\b(by|on|without|ignoring)\s*\([^)]*\)", "", bare)
    return set(NAME.findall(bare)) - WORDS


def exported() -> set[str]:
    """The sample names that the services export, known once their code is imported."""
    for service in SERVICES:
        importlib.import_module(f"services.{service}.app")
    names = set(FROM_PROMETHEUS)
    for family in REGISTRY.collect():
        suffixes = {
            "counter": ("_total",),
            "histogram": ("_bucket", "_sum", "_count"),
            "summary": ("_sum", "_count"),
        }.get(family.type, ("",))
        names |= {family.name + suffix for suffix in suffixes}
    return names


EXPORTED = exported()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_about_metrics_that_exist(rule: dict[str, Any]) -> None:
    named = metrics_of(rule["expr"])
    assert named
    assert named <= EXPORTED


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_has_a_runbook_page_and_says_how_urgent_it_is(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    page = ROOT / rule["annotations"]["runbook"]
    assert page.stem == rule["alert"]
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {rule['alert']}\n")
    for heading in ("## Look", "## Do", "## Good again when"):
        assert heading in text


def test_every_page_belongs_to_an_alert() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "operations" / "runbook").glob("*.md")}
    assert pages == {rule["alert"] for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_shown_to_fire_and_to_keep_quiet(rule: dict[str, Any]) -> None:
    outcomes = [
        bool(case.get("exp_alerts"))
        for test in CASES
        for case in test["alert_rule_test"]
        if case["alertname"] == rule["alert"]
    ]
    assert True in outcomes
    assert False in outcomes


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_is_about_metrics_that_exist(panel: dict[str, Any]) -> None:
    assert panel["description"]
    assert panel["datasource"]["uid"] == "prometheus"
    for target in panel["targets"]:
        named = metrics_of(target["expr"])
        assert named
        assert named <= EXPORTED


def test_the_board_is_whole() -> None:
    numbers = [panel["id"] for panel in BOARD["panels"]]
    assert len(numbers) == len(set(numbers))
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken
        taken |= cells


def test_prometheus_looks_at_every_service() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    assert {entry["names"][0] for entry in job["dns_sd_configs"]} == set(SERVICES)
    assert config["rule_files"] == ["/etc/prometheus/rules.yml"]


def test_the_reader_of_expressions_reads() -> None:
    one = 'sum by (le) (rate(bus_a_bucket{x="y_z"}[5m]))'
    assert metrics_of(f'{one} / on (service) up{{job="a"}} > 1 and deriv(bus_b[1m]) > 0') == {
        "bus_a_bucket",
        "up",
        "bus_b",
    }
