"""Working days and hours for the replay, written apart from shared/calendar on purpose.

The generator and the independent count must not inherit a mistake of the services' calendar, so this is a
second, simpler reading of the same rules: Monday to Friday 08:00-12:00 and 13:00-17:00 without the public
holidays of 2022 to 2024. A test compares both. Instants are whole seconds since 1970 UTC; days are numbers
since 1970-01-01 on the local clock (UTC+7).
"""

from bisect import bisect_left
from datetime import date

EPOCH = date(1970, 1, 1).toordinal()
DAY = 86_400
OFFSET = 7 * 3600
MORNING = (8 * 3600, 12 * 3600)
AFTERNOON = (13 * 3600, 17 * 3600)
CLOSE = AFTERNOON[1]
WORK = 8 * 3600
"""Seconds of work in a day."""

FIRST, LAST = date(2022, 10, 3), date(2024, 12, 27)


def day(text: str) -> int:
    """`2024-01-15` as a day number."""
    return date.fromisoformat(text).toordinal() - EPOCH


def _days(first: str, last: str | None = None) -> set[int]:
    return set(range(day(first), day(last or first) + 1))


_OFF = (
    _days("2023-01-02")
    | _days("2023-01-20", "2023-01-26")
    | _days("2023-04-29", "2023-05-03")
    | _days("2023-09-01")
    | _days("2023-09-04")
    | _days("2024-01-01")
    | _days("2024-02-08", "2024-02-14")
    | _days("2024-04-18")
    | _days("2024-04-29", "2024-05-01")
    | _days("2024-09-02", "2024-09-03")
)
_WORKED_SATURDAYS = _days("2024-05-04")


def is_working_day(number: int) -> bool:
    """Whether the offices are open on that day."""
    weekday = (number + 3) % 7  # 1970-01-01 was a Thursday
    return number in _WORKED_SATURDAYS or (weekday < 5 and number not in _OFF)


WORKING_DAYS = [
    n for n in range(FIRST.toordinal() - EPOCH, LAST.toordinal() - EPOCH + 1) if is_working_day(n)
]
"""All working days that the replay can touch, in order."""


def working_index(number: int) -> int:
    """The index in WORKING_DAYS of that day, or of the next working day."""
    return bisect_left(WORKING_DAYS, number)


def at(number: int, seconds: int) -> int:
    """The instant `seconds` into a local day."""
    return number * DAY + seconds - OFFSET


def day_of(instant: int) -> int:
    """The local day of an instant."""
    return (instant + OFFSET) // DAY


def seconds_of(instant: int) -> int:
    """Seconds into its local day."""
    return (instant + OFFSET) % DAY


def close_after(instant: int, days: int) -> int:
    """The close of business of the n-th working day after the local day of `instant`."""
    return at(WORKING_DAYS[working_index(day_of(instant) + 1) + days - 1], CLOSE)


def worked_before(instant: int) -> int:
    """Seconds of work from the first working day of the table up to `instant`."""
    number = day_of(instant)
    done = working_index(number) * WORK
    if not is_working_day(number):
        return done
    here = seconds_of(instant)
    return done + sum(min(max(here - opens, 0), closes - opens) for opens, closes in (MORNING, AFTERNOON))


def after_work(instant: int, seconds: int) -> int:
    """The first instant at which `seconds` of work have passed since `instant`."""
    if seconds == 0:
        return instant
    index, rest = divmod(worked_before(instant) + seconds, WORK)
    if rest == 0:
        index, rest = index - 1, WORK
    half = MORNING[1] - MORNING[0]
    clock = MORNING[0] + rest if rest <= half else AFTERNOON[0] + rest - half
    return at(WORKING_DAYS[index], clock)


def date_of(instant: int) -> date:
    """The local day of an instant, as a date."""
    return date.fromordinal(day_of(instant) + EPOCH)


_TEXTS: dict[int, str] = {}


def day_text(number: int) -> str:
    """A day number as `2024-01-15`."""
    text = _TEXTS.get(number)
    if text is None:
        text = _TEXTS[number] = date.fromordinal(number + EPOCH).isoformat()
    return text


def iso(instant: int) -> str:
    """An instant as `2024-01-15T08:30:00+07:00`."""
    number, seconds = divmod(instant + OFFSET, DAY)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{day_text(number)}T{hour:02d}:{minute:02d}:{second:02d}+07:00"
