"""The replay's own working time agrees with the shipped calendar over the days of the replay."""

from datetime import date, datetime, timedelta
from random import Random

from deploy.replay import worktime
from shared.calendar.working import vietnam


def test_working_days() -> None:
    calendar = vietnam()
    day = date(2022, 10, 3)
    while day < date(2024, 12, 27):
        number = day.toordinal() - worktime.EPOCH
        assert worktime.is_working_day(number) == calendar.is_working_day(day), day
        day += timedelta(days=1)


def test_the_quarter_holds_54_working_days() -> None:
    days = range(worktime.day("2024-01-01"), worktime.day("2024-03-22") + 1)
    assert sum(map(worktime.is_working_day, days)) == 54


def test_deadlines_and_working_time() -> None:
    calendar = vietnam()
    chance = Random(1)
    low, high = worktime.at(worktime.day("2022-11-01"), 0), worktime.at(worktime.day("2024-08-01"), 0)
    for _ in range(2_000):
        start, end = sorted((chance.randrange(low, high), chance.randrange(low, high)))
        here, there = (datetime.fromisoformat(worktime.iso(instant)) for instant in (start, end))
        worked = worktime.worked_before(end) - worktime.worked_before(start)
        assert timedelta(seconds=worked) == calendar.working_time_between(here, there)
        days = chance.randint(1, 40)
        due = datetime.fromisoformat(worktime.iso(worktime.close_after(start, days)))
        assert due == calendar.add_working_days(here, days)
        seconds = chance.randrange(0, 400_000)
        later = datetime.fromisoformat(worktime.iso(worktime.after_work(start, seconds)))
        assert later == calendar.add_working_time(here, timedelta(seconds=seconds))
