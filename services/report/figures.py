"""The numbers at the opening of the quarterly report, from indicators: pure sums and shares."""

from collections.abc import Mapping
from typing import Any

Indicators = Mapping[str, Mapping[str, int]]
"""Agency → indicator → count, as `GET /v1/indicators` answers without an agency."""

TREND = {
    "items": ("content.items",),
    "questions": ("qa.received",),
    "dossiers": ("dossier.received.online", "dossier.received.one_stop"),
}
"""The series of the trend chart and the indicators that each adds up."""


def total(indicators: Indicators, *names: str) -> int:
    """The sum of some indicators over all agencies."""
    return sum(counts.get(name, 0) for counts in indicators.values() for name in names)


def percent(part: int, whole: int) -> float | None:
    """`part` of `whole` in percent with one place, None where there is no whole."""
    return round(100 * part / whole, 1) if whole else None


def change(now: int, before: int | None) -> dict[str, Any] | None:
    """Difference and percent of the EARLIER value; None without an earlier value."""
    if before is None:
        return None
    return {"delta": now - before, "percent": percent(now - before, before)}


def headline(
    now: Indicators, before: Indicators | None, portals: int, reports: int
) -> dict[str, dict[str, Any]]:
    """The opening figures by name: `value`, `change` on the same window a year before, and parts."""

    def figure(*names: str) -> dict[str, Any]:
        value = total(now, *names)
        earlier = total(before, *names) if before else None
        return {"value": value, "change": change(value, earlier or None)}

    resolved_on_time, resolved_late = (
        total(now, f"dossier.resolved.{kind}") for kind in ("on_time", "late")
    )
    received = figure("dossier.received.online", "dossier.received.one_stop")
    active = sum(1 for counts in now.values() if counts.get("content.items", 0) > 0)
    eligible = total(now, "qa.eligible")
    return {
        "items": {
            **figure("content.items"),
            "articles": total(now, "content.articles"),
            "datasets": total(now, "content.datasets"),
        },
        "visits": figure("content.visits"),
        "portals": {"value": portals, "change": None, "active": active, "inactive": max(0, portals - active)},
        "questions": {
            **figure("qa.received"),
            "eligible": eligible,
            "answered": total(now, "qa.answered"),
            "waiting": total(now, "qa.waiting"),
            "overdue": total(now, "qa.overdue"),
        },
        "dossiers": {
            **received,
            "online_percent": percent(total(now, "dossier.received.online"), received["value"]),
            "in_progress": total(now, "dossier.in_progress"),
        },
        "resolved": {
            "value": resolved_on_time + resolved_late + total(now, "dossier.resolved.no_due"),
            "change": None,
            "on_time_percent": percent(resolved_on_time, resolved_on_time + resolved_late),
            "late": resolved_late,
        },
        "reports": {"value": reports, "change": None},
    }
