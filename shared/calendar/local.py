"""Local instants and days: Asia/Ho_Chi_Minh is UTC+7 all year round, so its arithmetic is a fixed shift.

Vietnam has not moved its clocks since 1975, and every instant here is later; the fixed offset is exact
and several times cheaper than a time zone database, which matters because every fact passes here.
"""

from datetime import UTC, date, datetime, timedelta, timezone

LOCAL = timezone(timedelta(hours=7), "+07:00")
"""The local time zone, as a fixed offset."""

FIRST_DAY = date(2000, 1, 1)
"""Day number 0 of `day_number`."""

MAX_DAY_NUMBER = 2**15 - 1
"""Scoring packs a day number in 15 bits: 2000-01-01 to 2089-09-17."""

_FIRST_ORDINAL = FIRST_DAY.toordinal()


def local(instant: datetime) -> datetime:
    """The same instant on the local clock.

    Raises ValueError for a naive datetime, and for one that lies within hours of the ends of the
    calendar (years 1 and 9999), where the local clock cannot show it.
    """
    if instant.tzinfo is LOCAL:
        return instant
    if instant.tzinfo is None:
        raise ValueError("the instant has no offset from UTC; write it as 2024-01-15T08:00:00+07:00")
    try:
        return instant.astimezone(LOCAL)
    except OverflowError:
        raise ValueError(f"{instant.isoformat()} lies outside the years that can be shown") from None


def parse_instant(text: str) -> datetime:
    """`2024-01-15T08:00:00+07:00` or any ISO-8601 form with an offset, on the local clock.

    Raises ValueError with a reason a sender can act on.
    """
    try:
        instant = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        instant = _lower_case(text)
    return local(instant)


def read_instant(text: str) -> tuple[datetime, str]:
    """`parse_instant` together with the text that `iso` would give.

    Text that is in that form already, as nearly all of it is, is handed back instead of being made again.
    """
    instant = parse_instant(text)
    if len(text) == 25 and text[10] == "T" and text[16] == ":" and text[19:] == "+07:00" and text[5] != "W":
        return instant, text
    return instant, instant.isoformat()


def iso(instant: datetime) -> str:
    """The instant as ISO-8601 text with the offset +07:00: one instant always gives one text."""
    return local(instant).isoformat()


def local_day(instant: datetime) -> date:
    """The local day on which an instant falls."""
    return local(instant).date()


def day_number(day: date) -> int:
    """Days since 2000-01-01 (which is 0; earlier days are negative)."""
    return day.toordinal() - _FIRST_ORDINAL


def day_of_number(number: int) -> date:
    """The day with that number: the way back from `day_number`."""
    return date.fromordinal(number + _FIRST_ORDINAL)


def start_of_day(day: date) -> datetime:
    """The first instant of a local day."""
    return datetime(day.year, day.month, day.day, tzinfo=LOCAL)


def end_of_day(day: date) -> datetime:
    """The last microsecond of a local day, so that `<=` with it means "on that day or before"."""
    return datetime(day.year, day.month, day.day, 23, 59, 59, 999_999, tzinfo=LOCAL)


def utc_micros(instant: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z, exact (a float timestamp is not)."""
    delta = instant - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _lower_case(text: str) -> datetime:
    """RFC 3339 allows `t` and `z` in lower case, which the standard library does not read."""
    try:
        return datetime.fromisoformat(text.upper())
    except (AttributeError, ValueError):
        raise ValueError(
            f"{text!r} is not an instant; write it as 2024-01-15T08:00:00+07:00, with its offset"
        ) from None
