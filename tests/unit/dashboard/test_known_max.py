"""What nobody has judged yet makes no rank low."""

from typing import Any

from services.report import league


def score(points: float, *unknown: int, most: int = 100) -> dict[str, Any]:
    """A score of which these maxima wait for a judgement."""
    criteria = [{"id": f"c{n}", "max": one, "status": "unknown"} for n, one in enumerate(unknown)]
    criteria.append({"id": "rest", "max": most - sum(unknown), "status": "scored"})
    module = {"points": points, "max": most, "base_max": most, "criteria": criteria}
    return {"total": {"points": points, "max": most}, "modules": {"content": module}, "complete": not unknown}


def test_an_unjudged_criterion_leaves_the_maximum_of_the_rank() -> None:
    agencies = [{"agency": name, "name": name, "group": "departments"} for name in ("a", "b", "c")]
    scores = {"a": score(60), "b": score(50, 20), "c": score(49, 10, 10)}
    table = league.rows(agencies, scores, {})
    assert [(row["agency"], row["rank"], row["max"]) for row in table] == [
        ("b", 1, 100), ("c", 2, 100), ("a", 3, 100),
    ]  # fmt: skip


def test_a_row_of_the_interface_tells_it_itself() -> None:
    assert league.known_max(score(50, 20)) == 80
    assert league.known_max({**score(50), "known_max": 70}) == 70
