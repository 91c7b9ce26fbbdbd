"""Places in a list: what a reader sends back is looked at like anything else that comes in."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.ledger.reading import make_cursor, read_cursor
from shared.runtime.problem import ProblemError

KEYS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=40)


@given(KEYS)
def test_a_place_comes_back_as_it_was_given(key: str) -> None:
    place = ("2024-01-15T08:00:00+07:00", key)
    assert read_cursor(make_cursor(*place)) == place


def forged(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        forged("2024-01-15T08:00:00+07:00"),
        forged("2024-01-15T08:00:00", "no offset"),
        forged("0001-01-01T00:00:00+14:00", "before all calendars"),
        forged("2024-01-15T08:00:00+07:00", "a\x00b"),
        forged(1, 2),
    ],
)
def test_a_forged_place_is_refused(text: str) -> None:
    with pytest.raises(ProblemError) as refused:
        read_cursor(text)
    assert refused.value.status == 400
