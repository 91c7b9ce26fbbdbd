"""Policies of accounts, webhooks and pages: waits, what is dead, where a sign-in may lead."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.report.accounts import (
    FREE_FAILURES,
    MAX_LOCK_SECONDS,
    AccountError,
    Officer,
    check_password,
    lock_seconds,
)
from services.report.dashboard import render
from services.report.dashboard.agency import reason_in_words
from services.report.dashboard.operations import Rates, metric_sums
from services.report.dashboard.period_actions import call_of
from services.report.dashboard.period_page import missing_judgements, silent_portals
from services.report.dashboard.rules import outcomes, side_by_side
from services.report.session_api import inside
from services.report.webhooks import (
    DEAD_AFTER,
    DEAD_AFTER_FAILURES,
    LONGEST_RETRY_SECONDS,
    MAX_BODY_BYTES,
    WebhookError,
    check_url,
    is_dead,
    payload_of,
    retry_seconds,
)
from services.report.windows import BoardKey

NOW = datetime(2024, 3, 22, tzinfo=UTC)


def test_wrong_passwords_wait_longer_each_time_and_an_hour_at_most() -> None:
    waits = [lock_seconds(failures) for failures in range(FREE_FAILURES + 40)]
    assert waits[: FREE_FAILURES + 1] == [0] * (FREE_FAILURES + 1)
    assert waits == sorted(waits)
    assert waits[-1] == MAX_LOCK_SECONDS


@pytest.mark.parametrize("password", ["", "short", "x" * 300])
def test_poor_passwords_are_refused(password: str) -> None:
    with pytest.raises(AccountError):
        check_password(password)


def test_roles_reach_what_lies_below_them() -> None:
    officer = Officer("an", "", "officer")
    assert officer.may("viewer")
    assert officer.may("officer")
    assert not officer.may("administrator")


@pytest.mark.parametrize(
    "target", ["https://elsewhere.vn/", "//elsewhere.vn", "/\\elsewhere.vn", "javascript:x", ""]
)
def test_a_sign_in_leads_to_our_own_pages_only(target: str) -> None:
    assert inside(target) == "/"


def test_a_sign_in_leads_back_to_where_it_began() -> None:
    assert inside("/period?period=2024-Q1") == "/period?period=2024-Q1"


def test_retries_double_up_to_an_hour_and_are_spread() -> None:
    middle = [retry_seconds(failures, 0.5) for failures in range(1, 30)]
    assert middle[:3] == [2.0, 4.0, 8.0]
    assert middle == sorted(middle)
    assert middle[-1] == LONGEST_RETRY_SECONDS
    assert retry_seconds(3, 0.0) < retry_seconds(3, 1.0)


def test_a_target_is_dead_after_a_day_of_many_failures_and_not_before() -> None:
    assert is_dead(DEAD_AFTER_FAILURES, NOW - DEAD_AFTER, NOW)
    assert not is_dead(DEAD_AFTER_FAILURES - 1, NOW - DEAD_AFTER, NOW)
    assert not is_dead(DEAD_AFTER_FAILURES, NOW - DEAD_AFTER + timedelta(seconds=1), NOW)
    assert not is_dead(DEAD_AFTER_FAILURES, None, NOW)


@pytest.mark.parametrize(
    "url", ["ftp://x/", "https://", "https://name:pw@x/", "x", "https://x/" + "y" * 2_000]
)
def test_addresses_that_cannot_be_subscribed(url: str) -> None:
    with pytest.raises(WebhookError, match="url"):
        check_url(url)


def test_a_delivery_holds_as_many_entries_as_fit_and_one_at_least() -> None:
    big = json.dumps({"x": "y" * (MAX_BODY_BYTES // 2)})
    entries = [{"position": n, "topic": "score.changes", "key": f"a{n}", "body": big} for n in (7, 9, 12)]
    body, last, count = payload_of("bao-cao", entries)
    assert (last, count) == (7, 1)
    assert json.loads(body)["entries"][0]["position"] == 7
    small = [{**entry, "body": '{"agency":"a"}'} for entry in entries]
    body, last, count = payload_of("bao-cao", small)
    assert (last, count) == (12, 3)
    assert [entry["record"] for entry in json.loads(body)["entries"]] == [{"agency": "a"}] * 3


def test_rates_come_from_counters_that_only_grow() -> None:
    rates = Rates()
    rates.sample(Counter({"scores": 100}), 0.0)
    assert rates.sample(Counter({"scores": 150}), 5.0) == {"scores": 10.0}


def test_metrics_are_summed_over_their_labels() -> None:
    text = '# TYPE bus_lag_records gauge\nbus_lag_records{topic="a"} 3\nbus_lag_records{topic="b"} 4\n'
    assert metric_sums(text) == {"bus_lag_records": 7.0}
    assert metric_sums("not metrics {") == {}


def test_missing_judgements_are_named() -> None:
    criteria = [{"id": "x", "status": "unknown"}, {"id": "y", "status": "scored"}]
    scores = {"a": {"modules": {"content": {"criteria": criteria}}}, "b": {"modules": {}}}
    assert missing_judgements(scores) == {"a": [("content", "x")]}


def test_silent_communes_are_listed_under_their_district() -> None:
    agencies: dict[str, dict[str, Any]] = {
        "so-y-te": {"group": "departments", "parent": None},
        "xa-a": {"group": "communes", "parent": "huyen-bat-xat"},
        "xa-b": {"group": "communes", "parent": "huyen-bat-xat"},
        "cong-tinh": {"group": "province", "parent": None},
        "da-dong": {"group": "departments", "parent": None, "closed": "2023-12-31"},
    }
    window = BoardKey("2024-Q1").window
    assert silent_portals(agencies, {"xa-b": {"content.items": 2}}, window) == {
        "departments": ["so-y-te"],
        "huyen-bat-xat": ["xa-a"],
    }


def test_two_versions_side_by_side_tell_what_differs() -> None:
    left = {"criteria": [{"id": "a", "max": 5}, {"id": "b", "max": 5}]}
    right = {"criteria": [{"id": "a", "max": 6}, {"id": "c", "max": 4}]}
    rows = {row["id"]: row for row in side_by_side(left, right)}
    assert rows["a"]["changed"] == ["max"]
    assert rows["b"]["right"] is None
    assert rows["c"]["left"] is None


def test_what_if_shows_the_greatest_change_first() -> None:
    answer = {
        "changes": [
            {"agency": "a", "before": {"points": 50, "max": 55}, "after": {"points": 51, "max": 55}},
            {"agency": "b", "before": {"points": 50, "max": 55}, "after": {"points": 45.5, "max": 55}},
            {"agency": "c", "before": None, "after": {"points": 45.5, "max": 55}},
        ]
    }
    assert [(row["agency"], row["delta"]) for row in outcomes(answer)] == [("b", -4.5), ("a", 1), ("c", None)]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("formula", ""),
        ("nothing to score; policy: full", "Không phát sinh. (Không phát sinh thì được điểm tối đa.)"),
        ("volume 0 < 1; policy: zero", "Khối lượng 0 chưa đến mức 1. (Không phát sinh thì 0 điểm.)"),
        ("zero because qa.eligible > 0", "0 điểm vì qa.eligible > 0."),
        ("something new", "something new"),
    ],
)
def test_why_a_criterion_has_its_points_is_told_in_words(reason: str, said: str) -> None:
    assert reason_in_words(reason, render.words("vi")) == said


def test_a_step_of_an_officer_becomes_the_call_that_scoring_expects() -> None:
    assert call_of("close", "an", "đã ký", []) == {"officer": "an", "reason": "đã ký"}
    assert call_of("confirm", "binh", "", []) == {"officer": "binh"}
    assert call_of("refuse", "an", "sai", [3]) == {"officer": "an", "reason": "sai", "numbers": [3]}
