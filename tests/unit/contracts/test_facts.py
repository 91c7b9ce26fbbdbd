"""The models of facts: what they take, and what they refuse with a reason."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.contracts.facts import (
    FACTS_OF_MODULE,
    HAPPENED_AT,
    ArticleCorrected,
    AudienceMeasured,
    DossierReceived,
    FactRetracted,
)
from shared.contracts.topics import TOPICS, partition_of
from shared.contracts.words import full_type, short_type

RECEIVED: dict[str, Any] = {
    "agency": "thi-xa-sa-pa",
    "dossier_code": "000.00.53.H38-240115-0099",
    "procedure_code": "1.001234",
    "channel": "online",
    "received_at": "2024-01-15T09:30:00+07:00",
}


def complaint(model: type[Any], data: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(data)
    return str(refused.value)


def test_a_fact_as_the_contract_writes_it_is_taken() -> None:
    assert DossierReceived.model_validate(RECEIVED).due_at is None


@pytest.mark.parametrize(
    "instant",
    [
        "2024-01-15T09:30:00",
        "2024-01-15",
        "1705280400",
        1705280400,
        "2024-13-15T09:30:00+07:00",
        "9999-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z",
        "2024-01-15T09:30:00\u221207:00",
        None,
    ],
)
def test_an_instant_without_offset_or_beyond_the_counted_years_is_refused(instant: object) -> None:
    assert "received_at" in complaint(DossierReceived, {**RECEIVED, "received_at": instant})


@pytest.mark.parametrize("instant", ["2024-01-15T09:30:00Z", "2024-01-15t09:30:00.123456+07:00"])
def test_any_offset_is_taken(instant: str) -> None:
    DossierReceived.model_validate({**RECEIVED, "received_at": instant})


def test_a_misspelt_field_is_refused_rather_than_lost() -> None:
    assert "due_att" in complaint(DossierReceived, {**RECEIVED, "due_att": RECEIVED["received_at"]})


@pytest.mark.parametrize("slug", ["", "Sa Pa", "sa_pa", "-sa-pa", "sa--pa", "thị-xã", "x" * 81])
def test_an_agency_is_a_slug(slug: str) -> None:
    assert "agency" in complaint(DossierReceived, {**RECEIVED, "agency": slug})


def test_an_audience_figure_measures_something() -> None:
    bare = {"agency": "thi-xa-sa-pa", "channel": "portal", "date": "2024-01-15"}
    assert "at least one" in complaint(AudienceMeasured, bare)
    assert "visits" in complaint(AudienceMeasured, {**bare, "visits": -1})
    assert AudienceMeasured.model_validate({**bare, "visits": 0}).visits == 0


def test_what_a_database_cannot_hold_is_refused() -> None:
    data = {"agency": "a", "article_id": "1", "corrected_at": RECEIVED["received_at"], "title": "a\x00b"}
    assert "title" in complaint(ArticleCorrected, data)


def test_a_retraction_names_a_fact() -> None:
    data = {"agency": "a", "retracts": {"source": "not a source", "id": "1"}, "reason": "r"}
    assert "retracts.source" in complaint(FactRetracted, data)


def test_every_type_tells_when_it_happened() -> None:
    for module, models in FACTS_OF_MODULE.items():
        for short, model in models.items():
            assert HAPPENED_AT.get(short, "at") in model.model_fields, (module, short)


def test_types_have_a_short_name_and_back() -> None:
    assert short_type(full_type("dossier.resolved")) == "dossier.resolved"
    assert short_type("vn.laocai.dossier.resolved.v2") is None


def test_every_topic_is_declared_once_and_an_agency_has_one_place() -> None:
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)
    assert {partition_of(f"agency-{number}", 6) for number in range(100)} == set(range(6))
