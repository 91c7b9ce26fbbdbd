"""The records beside the articles: audience, portals, boards, columns, reports."""

from random import Random

from deploy.replay.assumptions import Assumptions
from deploy.replay.drafts import Book, apportion
from deploy.replay.figures import Figures
from deploy.replay.spans import AFTER, BETWEEN, QUARTER, YEAR_BEFORE, Span, news_weight
from deploy.replay.titles import PROVINCE
from deploy.replay.worktime import EPOCH, at, day, day_text, iso
from shared.register import Agency, Register

OPENING_BALANCE_DAY = day("2022-12-31")
"""Visits before this day are known only as a sum; they are told as one measurement of this day."""

VISITS_A_DAY = {
    "departments": (1_000, 4_000),
    "districts": (1_000, 4_000),
    "vertical": (100, 300),
    "party": (50, 500),
    "communes": (20, 100),
}
"""From the report, I.3.1."""

MEASURED_TWICE = 0.02


def write_organisation(book: Book, register: Register, figures: Figures, assumed: Assumptions) -> None:
    """All records but the articles."""
    chance = Random(book.random.random())
    for agency in register.agencies.values():
        _portal(book, agency)
        if agency.group in VISITS_A_DAY:
            _visits(book, agency, chance)
    _provincial_visits(book, figures, assumed, chance)
    _social(book, figures, chance)
    _boards(book, assumed, chance)
    _reports(book, assumed, chance)


def _portal(book: Book, agency: Agency) -> None:
    opened = at(agency.opened.toordinal() - EPOCH, 0)
    url = f"https://{agency.slug}.laocai.example"
    book.fact("portal.opened", opened, agency.slug, agency.slug, {"at": iso(opened), "url": url})
    if agency.closed is not None:
        closed = at(agency.closed.toordinal() - EPOCH + 1, 0)
        data = {"at": iso(closed), "reason": "Tách thành các Cổng TTĐT mới"}
        book.fact("portal.closed", closed, agency.slug, agency.slug, data)


def _visits(book: Book, agency: Agency, chance: Random) -> None:
    """A visits figure a day while the portal is open, from the first of January to the end of March 2024."""
    low, high = VISITS_A_DAY[agency.group]
    usual = chance.uniform(low * 1.2, high * 0.8)
    opened = agency.opened.toordinal() - EPOCH
    closed = agency.closed.toordinal() - EPOCH if agency.closed else AFTER.last
    for number in range(max(QUARTER.first, opened), min(AFTER.last, closed) + 1):
        visits = round(
            min(max(usual * (0.7 + 0.4 * news_weight(number)) * chance.uniform(0.85, 1.15), low), high)
        )
        if chance.random() < MEASURED_TWICE:
            _measure(book, agency.slug, "portal", number, at(number, 43_200), {"visits": visits // 2})
        _measure(book, agency.slug, "portal", number, at(number, 85_800 + visits % 600), {"visits": visits})


def _provincial_visits(book: Book, figures: Figures, assumed: Assumptions, chance: Random) -> None:
    now = figures.count("portal.visits")
    before = figures.before("portal.visits")
    rest = assumed.content.visits_rest_of_2023
    opening = figures.count("portal.visits.cumulative") - now - before - rest
    _measure(
        book,
        PROVINCE,
        "portal",
        OPENING_BALANCE_DAY,
        at(OPENING_BALANCE_DAY, 86_000),
        {"visits": opening},
        step="opening-balance",
    )
    for span, total in ((YEAR_BEFORE, before), (BETWEEN, rest), (QUARTER, now), (AFTER, now // 9)):
        for number, visits in _by_day(span, total, chance).items():
            _measure(book, PROVINCE, "portal", number, at(number, 86_100), {"visits": visits})


def _by_day(span: Span, total: int, chance: Random) -> dict[int, int]:
    weights = {str(n): (0.6 + 0.4 * news_weight(n)) * chance.uniform(0.8, 1.2) for n in span.days}
    return {int(name): count for name, count in apportion(total, weights).items()}


def _social(book: Book, figures: Figures, chance: Random) -> None:
    zalo = figures.count("zalo.views")
    zalo_before = round(zalo / (1 + figures.count("zalo.views.change") / 100))
    followers = figures.count("facebook.followers")
    gained = figures.count("facebook.followers.delta")
    for span, facebook, views in (
        (YEAR_BEFORE, figures.before("facebook.reach"), zalo_before),
        (QUARTER, figures.count("facebook.reach"), zalo),
        (AFTER, figures.count("facebook.reach") // 9, zalo // 9),
    ):
        for channel, total in (("facebook", facebook), ("zalo", views)):
            for number, reach in _by_day(span, total, chance).items():
                told = {"reach": reach}
                if channel == "facebook" and span is not YEAR_BEFORE:
                    done = (number - QUARTER.first + 1) / len(QUARTER.days)
                    told["followers"] = followers - gained + round(gained * done)
                _measure(book, PROVINCE, channel, number, at(number, 86_200), told)
    eve = QUARTER.first - 1
    _measure(book, PROVINCE, "facebook", eve, at(eve, 86_200), {"followers": followers - gained})


def _measure(
    book: Book,
    slug: str,
    channel: str,
    number: int,
    when: int,
    figures: dict[str, int],
    step: str | None = None,
) -> None:
    entity = f"{slug}/{channel}/{day_text(number)}"
    data = {"channel": channel, "date": day_text(number), **figures}
    book.fact("audience.measured", when, slug, entity, data, step=step or f"measured-{when % 86_400}")


def _boards(book: Book, assumed: Assumptions, chance: Random) -> None:
    for index, slug in enumerate(assumed.organisation.boards):
        year = 2020 + index % 5
        number = day(f"{year}-01-10") + chance.randrange(0, 60 if year == 2024 else 300)
        when = at(number, 36_000)
        data = {"at": iso(when), "decision": f"{100 + index}/QĐ", "title": "Ban biên tập Cổng TTĐT"}
        book.fact("board.established", when, slug, slug, data)
    for slug, title in assumed.organisation.channels.items():
        when = at(chance.randrange(QUARTER.first + 10, QUARTER.last - 10), 36_000)
        data = {"at": iso(when), "title": title}
        book.fact("channel.opened", when, slug, slug, data, step="column-opened")


def _reports(book: Book, assumed: Assumptions, chance: Random) -> None:
    spans = (
        (assumed.organisation.reports, QUARTER.last - 8, QUARTER.last),
        (assumed.organisation.late_reports, AFTER.first, AFTER.last),
    )
    for slugs, first, last in spans:
        for index, slug in enumerate(slugs):
            when = at(chance.randint(first, last), chance.randrange(28_800, 61_200))
            data = {"period": "2024-Q1", "received_at": iso(when), "document": f"{30 + index}/BC"}
            book.fact("report.received", when, slug, f"{slug}/2024-Q1", data)
