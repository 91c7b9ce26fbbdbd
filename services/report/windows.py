"""Which days a board shows, and which days of the year before it is compared with. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta

from shared.calendar.periods import Window, parse_period

WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class BoardKey:
    """A period with its cut-off: the last day that counts, None for the whole period."""

    period: str
    cut_off: date | None = None

    @property
    def window(self) -> Window:
        """The days of the period up to the cut-off."""
        period = parse_period(self.period)
        return Window(period.first, self.cut_off or period.last)

    def query(self) -> dict[str, str]:
        """How the scoring service is asked for this board."""
        if self.cut_off is None:
            return {"period": self.period}
        return {"from": self.window.first.isoformat(), "to": self.window.last.isoformat()}


def board_key(period: str, cut_off: str | None) -> BoardKey:
    """A board from words of an address. Raises ValueError that says what is wrong."""
    parsed = parse_period(period)
    if not cut_off:
        return BoardKey(period)
    day = date.fromisoformat(cut_off)
    if not parsed.first <= day <= parsed.last:
        raise ValueError(f"the cut-off {day} lies outside of {period}")
    return BoardKey(period, None if day == parsed.last else day)


def year_earlier(day: date) -> date:
    """The same day a year before; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def window_before(key: BoardKey, today: date) -> Window:
    """The same part of the period a year before: as many days elapsed as here.

    A period that still runs is compared up to today's day, not with a whole period.
    """
    window = key.window
    last = min(window.last, max(today, window.first))
    period = parse_period(key.period)
    if last == period.last:
        return period.year_before.window
    return Window(year_earlier(window.first), year_earlier(last))


def weeks(window: Window, today: date) -> list[Window]:
    """The window in steps of seven days from its first day; what lies ahead of today is left out."""
    steps: list[Window] = []
    first = window.first
    while first <= min(window.last, today):
        steps.append(Window(first, min(first + timedelta(days=WEEK_DAYS - 1), window.last)))
        first += timedelta(days=WEEK_DAYS)
    return steps
