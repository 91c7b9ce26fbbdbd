"""What arrives late moves only what may move, and every sum still holds."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.late import criteria_of, fate_of, settle, total_delta
from services.scoring.period_life import Life, Scope, confirm, may_publish, propose_close, reopen
from tests.unit.scoring_periods.made import AGENCIES, T0, content
from tests.unit.scoring_periods.test_sealing import COUNTS

CLOSED = confirm(
    propose_close(Life("2024-Q1", "open", T0), "Lan", "hết quý", T0, None), "Minh", T0 + timedelta(hours=1)
)
NOW = T0 + timedelta(days=2)
SCOPES = st.builds(
    Scope,
    st.frozensets(st.sampled_from(AGENCIES), max_size=2),
    st.frozensets(st.sampled_from(["content", "qa", "dossier"]), max_size=2),
    st.frozensets(st.sampled_from(["acceptance", "qa/timeliness", "volume", "on-time"]), max_size=2),
)


def reopened(scope: Scope) -> Life:
    return reopen(CLOSED, "Lan", "khiếu nại", T0 + timedelta(days=1), scope, T0 + timedelta(days=5))


def holds(document: dict[str, Any]) -> bool:
    total = sum(Decimal(str(m["points"])) for m in document["modules"].values())
    parts = all(
        Decimal(str(m["points"])) == sum(Decimal(str(c["points"] or 0)) for c in m["criteria"])
        for m in document["modules"].values()
    )
    return parts and total == Decimal(str(document["total"]["points"]))


@given(st.sampled_from(AGENCIES), COUNTS, COUNTS)
def test_a_closed_score_stays_as_it_is(agency: str, old: dict[str, int], new: dict[str, int]) -> None:
    assert settle(CLOSED, content(agency, old), content(agency, new), NOW) == content(agency, old)


@given(st.sampled_from(AGENCIES), COUNTS)
def test_a_score_that_was_never_published_does_not_appear_in_a_closed_period(
    agency: str, new: dict[str, int]
) -> None:
    assert settle(CLOSED, None, content(agency, new), NOW) is None


@given(st.sampled_from(AGENCIES), COUNTS, COUNTS, SCOPES)
def test_in_a_reopened_period_exactly_the_scope_moves(
    agency: str, old: dict[str, int], new: dict[str, int], scope: Scope
) -> None:
    life = reopened(scope)
    before, would = content(agency, old), content(agency, new)
    after = settle(life, before, would, NOW)
    assert after is not None
    assert holds(after)
    for (module, criterion), shown in criteria_of(after).items():
        source = would if may_publish(life, agency, module, criterion, NOW) else before
        assert shown == criteria_of(source)[module, criterion]


@given(st.sampled_from(AGENCIES), COUNTS, COUNTS)
def test_an_open_period_publishes_what_is_counted(
    agency: str, old: dict[str, int], new: dict[str, int]
) -> None:
    life = Life("2024-Q1", "open", T0)
    assert settle(life, content(agency, old), content(agency, new), NOW) == content(agency, new)


@given(st.sampled_from(AGENCIES), COUNTS, COUNTS)
def test_a_module_under_other_rules_moves_as_a_whole_or_not_at_all(
    agency: str, old: dict[str, int], new: dict[str, int]
) -> None:
    before, would = content(agency, old), content(agency, new)
    for module in would["modules"].values():
        module["ruleset"] += "-next"
    partly = settle(reopened(Scope(criteria=frozenset({"acceptance"}))), before, would, NOW)
    assert partly == before
    whole = settle(reopened(Scope()), before, would, NOW)
    assert whole == would


@given(st.sampled_from(AGENCIES), COUNTS, COUNTS, SCOPES)
def test_an_arrival_counts_only_when_all_it_moved_is_published(
    agency: str, old: dict[str, int], new: dict[str, int], scope: Scope
) -> None:
    before, would = content(agency, old), content(agency, new)
    settled = settle(reopened(scope), before, would, NOW)
    fate = fate_of(reopened(scope), before, would, settled, NOW)
    assert (fate == "no_effect") == (before == would)
    assert (fate == "counted") == (before != would and settled == would)
    kept = settle(CLOSED, before, would, NOW)
    assert fate_of(CLOSED, before, would, kept, NOW) in ("no_effect", "pending")


@given(st.sampled_from(AGENCIES), COUNTS, COUNTS)
def test_a_late_fact_that_another_undoes_still_waits_for_a_decision(
    agency: str, old: dict[str, int], new: dict[str, int]
) -> None:
    before, would = content(agency, old), content(agency, new)
    back = fate_of(CLOSED, would, before, before, NOW)
    assert back == ("no_effect" if before == would else "pending")


def test_the_difference_of_totals_is_exact() -> None:
    before, after = content("so-y-te", {"qa.eligible": 3, "qa.accepted": 1}), content("so-y-te", {})
    assert total_delta(before, after) == Decimal(str(after["total"]["points"])) - Decimal(
        str(before["total"]["points"])
    )
    assert total_delta(None, after) == Decimal(str(after["total"]["points"]))
