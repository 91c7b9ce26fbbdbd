"""Words that depend on the period: its name, the next one, the one it is compared with."""

from dataclasses import dataclass
from datetime import date

from services.report.documents.snapshot import Snapshot
from shared.calendar.periods import Period, parse_period

_ROMAN = ("I", "II", "III", "IV")


@dataclass(frozen=True, slots=True)
class Wording:
    """How a document speaks of its period. `span` is '' for a whole period."""

    name: str
    short: str
    following: str
    same_before: str
    end_of_last_year: str
    span: str
    last_day: str
    upper: str
    following_upper: str


def wording(snapshot: Snapshot) -> Wording:
    """The words for a snapshot's period, in Vietnamese."""
    period = parse_period(snapshot.period)
    first, last = snapshot.windows["now"].first, snapshot.last_day
    year = period.first.year
    name = period_name(period)
    whole = last == period.last
    following = period_name(_next(period))
    return Wording(
        name=name, short=name.replace(" năm ", "/"), following=following,
        same_before=f"cùng kỳ năm {year - 1}", end_of_last_year=f"cuối năm {year - 1}",
        span="" if whole else f"{first.day:02d}/{first.month:02d} - {last.day}/{last.month}/{year}",
        last_day=f"{last.day}/{last.month}/{year}", upper=name.upper(), following_upper=following.upper(),
    )  # fmt: skip


def period_name(period: Period) -> str:
    """`2024-Q1` → quý I năm 2024; `2024-H1` → 6 tháng đầu năm 2024; `2024` → năm 2024."""
    year = period.first.year
    if period.kind == "quarter":
        return f"quý {_ROMAN[(period.first.month - 1) // 3]} năm {year}"
    if period.kind == "half":
        return f"6 tháng {'đầu' if period.first.month == 1 else 'cuối'} năm {year}"
    return f"năm {year}"


def _next(period: Period) -> Period:
    year, month = period.first.year, period.first.month
    if period.kind == "year":
        return parse_period(f"{year + 1}")
    if period.kind == "half":
        return parse_period(f"{year}-H2" if month == 1 else f"{year + 1}-H1")
    quarter = (month - 1) // 3 + 1
    return parse_period(f"{year}-Q{quarter + 1}" if quarter < 4 else f"{year + 1}-Q1")


def sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]


def day_words(day: date) -> str:
    return f"{day.day}/{day.month}/{day.year}"
