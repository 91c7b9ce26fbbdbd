"""What a person of an agency contests on the dashboard becomes a fact of the contract."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.report.accounts import ROLES, Officer, Role
from services.report.contest import Contest, publisher_of, submitted, withdrawn
from shared.contracts.facts import FACTS_OF_MODULE

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
DISPUTES = FACTS_OF_MODULE["content"]
FACT = {"source": "/publishers/mot-cua", "id": "d-0042"}


@given(
    claim=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=300),
    criterion=st.sampled_from(["", "qa/acceptance", "content/quality"]),
    contested=st.booleans(),
    evidence=st.sampled_from(["", " https://example.vn/van-ban.pdf "]),
)
def test_what_the_form_says_is_a_fact_of_the_contract(
    claim: str, criterion: str, contested: bool, evidence: str
) -> None:
    said = Contest(
        "so-y-te", "bd-1", claim, "2024-Q1", criterion, FACT if contested else None,
        "dossier" if contested else None, evidence,
    )  # fmt: skip
    event = submitted("dashboard", said, NOW)
    read = DISPUTES["dispute.submitted"].model_validate(event["data"]).model_dump()
    assert (read["agency"], read["dispute_id"], read["claim"]) == ("so-y-te", "bd-1", claim)
    assert read["about"] == ("fact" if contested else "score")
    assert (read["criterion"] is not None) == (bool(criterion) and not contested)
    assert event["source"] == "/publishers/dashboard"


def test_a_dispute_is_taken_back_by_a_fact_of_the_contract() -> None:
    event = withdrawn("dashboard", "so-y-te", "bd-1", NOW)
    DISPUTES["dispute.withdrawn"].model_validate(event["data"])
    assert event["id"] == "dispute.withdrawn/so-y-te/bd-1"


@pytest.mark.parametrize("role", ROLES)
def test_only_somebody_of_the_agency_speaks_for_it(role: Role) -> None:
    assert Officer("an", "", role, "so-y-te").speaks_for("so-y-te") == (role == "agency")
    assert not Officer("an", "", role, "so-y-te").speaks_for("so-tu-phap")


def test_without_a_key_that_can_be_read_there_is_no_publisher(tmp_path: Path) -> None:
    file = tmp_path / "dashboard.json"
    assert publisher_of(None) is None
    assert publisher_of(file) is None
    file.write_text('{"publisher": "dashboard", "key": "whsec_***"}')
    assert publisher_of(file) is None
    file.write_text('{"publisher": "dashboard", "key": "whsec_a2V5"}')
    found = publisher_of(file)
    assert found is not None
    assert (found.name, found.key) == ("dashboard", b"key")
