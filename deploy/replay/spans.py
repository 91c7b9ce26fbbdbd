"""The stretches of time that the replay covers, in local day numbers, both ends included."""

from dataclasses import dataclass

from deploy.replay.worktime import DAY, OFFSET, day, is_working_day


@dataclass(frozen=True, slots=True)
class Span:
    first: int
    last: int

    @property
    def days(self) -> range:
        return range(self.first, self.last + 1)

    @property
    def end(self) -> int:
        """The last second."""
        return (self.last + 1) * DAY - OFFSET - 1


QUARTER = Span(day("2024-01-01"), day("2024-03-22"))
"""What the report covers."""
YEAR_BEFORE = Span(day("2023-01-01"), day("2023-03-22"))
"""The same days of the year before."""
BETWEEN = Span(day("2023-03-23"), day("2023-12-31"))
AFTER = Span(day("2024-03-23"), day("2024-03-31"))
"""The rest of the quarter, which a report of 22 March must not see."""

TET = frozenset(range(day("2024-02-08"), day("2024-02-15"))) | frozenset(
    range(day("2023-01-20"), day("2023-01-27"))
)


def news_weight(number: int) -> float:
    """How likely a portal publishes on that day."""
    if is_working_day(number):
        return 1.0
    return 0.3 if number in TET else 0.2
