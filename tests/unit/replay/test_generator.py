"""The generated messages: the same from the same seed, exact in their sums, sound where meant to be sound."""

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from deploy.replay.counts import CLASSES, class_of
from deploy.replay.figures import read_figures
from deploy.replay.generate import Message, write_file
from deploy.replay.keyring import grants
from deploy.replay.oracle import Counts, Oracle
from shared.contracts.envelope import Event
from shared.contracts.facts import FACTS_OF_MODULE, HAPPENED_AT, RETRACTED, FactRetracted
from shared.contracts.words import short_type
from shared.register import shipped_register
from shared.runtime.access.grants import make_grant

FIGURES = read_figures()
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
QUARTER = (date(2024, 1, 1), date(2024, 3, 22))
YEAR_BEFORE = (date(2023, 1, 1), date(2023, 3, 22))


@pytest.fixture(scope="module")
def sound(messages: list[Message]) -> list[tuple[Message, dict[str, Any]]]:
    """Messages meant to be accepted, with their event."""
    return [(m, msgspec.json.decode(m.event)) for m in messages if m.expect == "accepted"]


def test_the_same_seed_gives_the_same_bytes(replay_file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.ndjson.gz"
    write_file(again)
    assert again.read_bytes() == replay_file.read_bytes()


def test_there_are_some_250_000_facts(sound: list[tuple[Message, dict[str, Any]]]) -> None:
    assert 245_000 < len(sound) < 260_000


def test_every_identity_is_used_once(sound: list[tuple[Message, dict[str, Any]]]) -> None:
    assert len({(event["source"], event["id"]) for _, event in sound}) == len(sound)


def test_three_in_a_hundred_are_repeated(messages: list[Message]) -> None:
    repeats = sum(m.expect == "duplicate" for m in messages)
    assert repeats / len(messages) == pytest.approx(0.03, abs=0.002)


def test_five_in_a_hundred_are_late(sound: list[tuple[Message, dict[str, Any]]]) -> None:
    late, latest = 0, 0.0
    for _, event in sound:
        time = datetime.fromisoformat(event["time"]).timestamp()
        latest = max(latest, time)
        late += latest - time >= 1_800
    assert late / len(sound) == pytest.approx(0.05, abs=0.01)


def test_half_travels_over_http(messages: list[Message]) -> None:
    ways = Counter(m.via for m in messages)
    assert ways["http"] / len(messages) == pytest.approx(0.5, abs=0.03)
    assert ways["kafka"] / ways["kafka-binary"] == pytest.approx(1, abs=0.1)


def test_every_sound_fact_fits_the_contract_and_its_publishers_grant(
    sound: list[tuple[Message, dict[str, Any]]],
) -> None:
    register = shipped_register()
    granted = {name: make_grant(g.agencies, g.types) for name, g in grants(register).items()}
    for message, event in sound:
        envelope = Event.model_validate(event)
        short = short_type(envelope.type)
        assert short is not None
        model = FactRetracted if short == RETRACTED else FACTS_OF_MODULE[message.module][short]
        model.model_validate(envelope.data)
        grant = granted[message.publisher]
        assert envelope.source == f"/publishers/{message.publisher}"
        assert grant.allows_type(short)
        assert grant.allows_agency(envelope.data["agency"], register.agencies.keys())


def test_time_is_the_instant_that_the_data_tells(sound: list[tuple[Message, dict[str, Any]]]) -> None:
    for _, event in sound:
        short = short_type(event["type"]) or ""
        if short == RETRACTED:
            continue
        told = event["data"][HAPPENED_AT.get(short, "at")]
        assert event["time"][: len(told)] == told


def test_bad_messages_are_a_few_hundred_of_every_kind(messages: list[Message]) -> None:
    kinds = Counter(m.why for m in messages if m.expect == "rejected")
    assert set(kinds.values()) == {40}
    assert len(kinds) == 11


@pytest.mark.parametrize("why", ["missing-field", "wrong-word"])
def test_schema_faults_do_not_fit_the_contract(messages: list[Message], why: str) -> None:
    for message in (m for m in messages if m.why == why):
        event = Event.model_validate(msgspec.json.decode(message.event))
        model = FACTS_OF_MODULE["content"]["article.published"]
        with pytest.raises(ValidationError):
            model.model_validate(event.data)


def test_naive_times_do_not_fit_the_envelope(messages: list[Message]) -> None:
    for message in (m for m in messages if m.why == "naive-time"):
        with pytest.raises(ValidationError):
            Event.model_validate(msgspec.json.decode(message.event))


def test_conflicts_come_last_and_after_a_fact_that_went_over_http(messages: list[Message]) -> None:
    first = next(m.n for m in messages if m.phase == "after")
    assert all(m.phase == "after" and m.why == "conflict" for m in messages[first:])
    for conflict in messages[first:]:
        identity = msgspec.json.decode(conflict.event)["id"]
        original = next(
            m
            for m in messages[:first]
            if m.key == conflict.key and f'"{identity}"'.encode() in bytes(m.event)
        )
        assert bytes(original.event) != bytes(conflict.event)


def test_some_retractions_arrive_before_their_fact(sound: list[tuple[Message, dict[str, Any]]]) -> None:
    arrived: dict[tuple[str, str], int] = {}
    for message, event in sound:
        arrived[event["source"], event["id"]] = message.n
    early = 0
    for message, event in sound:
        if event["type"].endswith("fact.retracted.v1"):
            target = event["data"]["retracts"]
            early += message.n < arrived[target["source"], target["id"]]
    assert early >= 30


def test_what_happens_in_the_replay_is_of_every_kind(sound: list[tuple[Message, dict[str, Any]]]) -> None:
    kinds = Counter(short_type(event["type"]) for _, event in sound)
    every = {name for facts in FACTS_OF_MODULE.values() for name in facts} | {RETRACTED}
    ours = {"assessment.recorded", "dispute.submitted", "dispute.withdrawn", "ruling.opened", "ruling.given"}
    assert every - kinds.keys() == ours  # The report tells of no judgement and of no dispute.
    assert kinds["question.forwarded"] == 12


# ------------------------------------------------------------------------------------------------ sums


@pytest.fixture(scope="module")
def quarter(oracle: Oracle) -> Counts:
    return oracle.count(*QUARTER, NOW)


@pytest.fixture(scope="module")
def year_before(oracle: Oracle) -> Counts:
    return oracle.count(*YEAR_BEFORE, NOW)


@pytest.mark.parametrize(
    ("figure", "indicator"),
    [
        ("qa.received", "qa.received"),
        ("qa.eligible", "qa.eligible"),
        ("qa.answered", "qa.answered"),
        ("qa.waiting", "qa.waiting"),
        ("qa.deleted", "qa.deleted"),
        ("dossier.received", "dossier.received"),
        ("dossier.received.online", "dossier.received.online"),
        ("dossier.received.one_stop", "dossier.received.one_stop"),
        ("dossier.carried_over", "dossier.carried_over"),
        ("dossier.resolved", "dossier.resolved"),
        ("dossier.resolved.on_time", "dossier.resolved.on_time"),
        ("dossier.resolved.late", "dossier.resolved.late"),
        ("procedures.decisions", "procedure.decisions"),
        ("reports.received", "content.report.received"),
        ("portal.spokesperson", "content.spokesperson"),
        ("facebook.posts", "content.social.facebook"),
        ("facebook.reach", "content.reach.facebook"),
        ("facebook.followers", "content.followers.facebook"),
        ("zalo.posts", "content.social.zalo"),
        ("zalo.views", "content.reach.zalo"),
    ],
)
def test_the_quarter_adds_up_to_the_figure(quarter: Counts, figure: str, indicator: str) -> None:
    assert sum(counter[indicator] for counter in quarter.values()) == FIGURES.count(figure)


def test_the_four_classes_add_up_in_both_years(quarter: Counts, year_before: Counts) -> None:
    now, before = _by_class(quarter), _by_class(year_before)
    for name, figure in CLASSES.items():
        assert now[name] == FIGURES.count(f"{figure}.items")
        assert before[name] == FIGURES.before(f"{figure}.items", f"{figure}.delta")


def _by_class(counts: Counts) -> Counter[str]:
    agencies = shipped_register().agencies
    found: Counter[str] = Counter()
    for agency, counter in counts.items():
        found[class_of(agencies[agency]) or ""] += counter["content.items"]
    return found


def test_on_time_shares_lie_between_those_of_the_report(quarter: Counts) -> None:
    shares = [
        round(100 * counter["dossier.resolved.on_time"] / counter["dossier.resolved"], 1)
        for counter in quarter.values()
        if counter["dossier.resolved"]
    ]
    assert len(shares) == 27
    assert (min(shares), max(shares)) == (93.9, 100.0)
