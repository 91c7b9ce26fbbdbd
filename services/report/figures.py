"""The numbers at the opening of the quarterly report, from indicators: pure sums and shares."""

from collections.abc import Collection, Container, Mapping
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


def recorded(indicators: Indicators) -> bool:
    """Whether anything at all was counted."""
    return any(any(counts.values()) for counts in indicators.values())


def only(indicators: Indicators, agencies: Container[str]) -> Indicators:
    """The indicators of some agencies."""
    return {agency: counts for agency, counts in indicators.items() if agency in agencies}


def figure(now: Indicators, before: Indicators | None, *names: str) -> dict[str, Any]:
    """The sum of some indicators with its change; a year that is not known is no change."""
    value = total(now, *names)
    earlier = total(before, *names) if before else 0
    return {"value": value, "change": change(value, earlier or None)}


def headline(
    now: Indicators,
    before: Indicators | None,
    portals: Collection[str],
    provincial: Collection[str],
    reports: int,
) -> dict[str, dict[str, Any]]:
    """The opening figures by name: `value`, `change` on the same window a year before, and parts.

    `portals` are the component portals of the window, `provincial` the province's own; the report counts
    their items apart.
    """

    components, own = only(now, portals), only(now, provincial)
    # A portal that is gone by now had its items a year before all the same.
    earlier = (None, None) if before is None else (_others(before, provincial), only(before, provincial))
    active = sum(1 for counts in components.values() if counts.get("content.items", 0) > 0)
    return {
        "items": {
            **figure(components, earlier[0], "content.items"),
            "datasets": total(components, "content.datasets"),
        },
        "provincial": {**figure(own, earlier[1], "content.items"), "visits": total(own, "content.visits")},
        "portals": {
            "value": len(portals),
            "change": None,
            "active": active,
            "inactive": len(portals) - active,
        },
        "questions": {
            **figure(now, before, "qa.received"),
            "eligible": total(now, "qa.eligible"),
            "answered": total(now, "qa.answered"),
            "waiting": total(now, "qa.waiting"),
        },
        **_dossiers(now, figure(now, before, "dossier.received.online", "dossier.received.one_stop")),
        "reports": {"value": reports, "change": None},
    }


def _others(indicators: Indicators, agencies: Container[str]) -> Indicators:
    return {agency: counts for agency, counts in indicators.items() if agency not in agencies}


def _dossiers(now: Indicators, received: dict[str, Any]) -> dict[str, dict[str, Any]]:
    on_time, late, no_due = (total(now, f"dossier.resolved.{kind}") for kind in ("on_time", "late", "no_due"))
    online = total(now, "dossier.received.online")
    return {
        "dossiers": {**received, "online_percent": percent(online, received["value"])},
        "resolved": {
            "value": on_time + late + no_due,
            "change": None,
            "on_time_percent": percent(on_time, on_time + late),
            "late": late,
        },
    }
