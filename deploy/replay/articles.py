"""What the portals published: items, posts, corrections, removals, and slips taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from deploy.replay.assumptions import Assumptions
from deploy.replay.counts import Items
from deploy.replay.drafts import Book, Reference
from deploy.replay.figures import Figures
from deploy.replay.spans import AFTER, QUARTER, YEAR_BEFORE, Span, news_weight
from deploy.replay.titles import FREE_CATEGORIES, PROVINCE, title_of
from deploy.replay.worktime import DAY, at, day_of, iso
from shared.register import Agency, Register

SOCIAL = (("facebook", "facebook.posts", "facebook.posts.delta"), ("zalo", "zalo.posts", "zalo.posts.delta"))
BULLETINS_BEFORE = {"spokesperson": 9, "press_digest": 15}
"""Bulletins of the year before, which the report does not give; they are part of its articles."""

LEAST_DATASETS = 6
DATASET_SHARE = 0.21
AFTER_SHARE = 0.1
"""Items of the last nine days of March beside those of the 82 days before."""

REMOVED_EXTRA, RETRACTED_EXTRA, RETRACTED_FIRST = 80, 60, 25
"""Items beside the figures: removed before the cut-off; taken back; taken back before they arrive."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item as it should stand at the end of its span."""

    agency: str
    number: str
    at: int
    kind: str
    category: str
    language: str = "vi"
    channel: str = "portal"


class Articles:
    """Writes the articles of all portals into a book."""

    def __init__(self, book: Book, register: Register, figures: Figures, assumed: Assumptions) -> None:
        self.book = book
        self.random = Random(book.random.random())
        self.register = register
        self.figures = figures
        self.assumed = assumed
        self.serial: dict[str, int] = {}
        self.written: list[Item] = []

    def write(self, items: Items) -> None:
        """All spans: the year before, the quarter, and the days after it."""
        for agency, count in items.before.items():
            self._portal(agency, count, YEAR_BEFORE)
        for agency, count in items.now.items():
            self._portal(agency, count, QUARTER)
            self._portal(agency, round(count * AFTER_SHARE), AFTER)
        self._provincial()
        for channel, figure, delta in SOCIAL:
            self._social(channel, self.figures.before(figure, delta), YEAR_BEFORE)
            self._social(channel, self.figures.count(figure), QUARTER)
            self._social(channel, round(self.figures.count(figure) * AFTER_SHARE), AFTER)
        self._beside()

    # ------------------------------------------------------------------------------------- portals

    def _portal(self, slug: str, count: int, span: Span) -> None:
        if not count:
            return
        agency = self.register.agencies[slug]
        datasets = min(count, max(round(count * DATASET_SHARE), LEAST_DATASETS if agency.modules else 0))
        kinds = ["dataset"] * datasets + ["news"] * (count - datasets)
        self._items(agency, kinds, span)

    def _provincial(self) -> None:
        portal = self.register.agencies[PROVINCE]
        count = self.figures.count
        now = {"spokesperson": count("portal.spokesperson"), "press_digest": count("portal.press_digest")}
        before = self.figures.before
        for span, bulletins, articles, datasets in (
            (QUARTER, now, count("portal.articles"), count("portal.datasets")),
            (YEAR_BEFORE, BULLETINS_BEFORE, before("portal.articles"), before("portal.datasets")),
            (AFTER, {"spokesperson": 1, "press_digest": 2}, 62, 21),
        ):
            kinds = [kind for kind, number in bulletins.items() for _ in range(number)]
            kinds += ["news"] * (articles - len(kinds)) + ["dataset"] * datasets
            self._items(portal, kinds, span)

    def _items(self, agency: Agency, kinds: list[str], span: Span) -> None:
        chance = self.random
        chance.shuffle(kinds)
        days = self._days(len(kinds), span)
        categories = self._categories(agency, len(kinds), span)
        english = 0.04 if agency.slug in self.assumed.content.english_portals else 0.0
        for number, kind, category in zip(days, kinds, categories, strict=True):
            language = "en" if english and chance.random() < english else "vi"
            self._item(self._next(agency.slug, number, kind, category, language), span)

    def _days(self, count: int, span: Span) -> list[int]:
        """One item in every week first, as far as they go; the others anywhere, mostly on working days."""
        weeks: dict[int, list[int]] = {}
        for number in span.days:
            weeks.setdefault((number + 3) // 7, []).append(number)
        chance = self.random
        days = []
        if count >= len(weeks):
            days = [chance.choices(w, [news_weight(n) for n in w])[0] for w in weeks.values()]
        every = list(span.days)
        days += chance.choices(every, [news_weight(n) for n in every], k=count - len(days))
        return sorted(days)

    def _categories(self, agency: Agency, count: int, span: Span) -> list[str]:
        lacking = self.assumed.content.lacking.get(agency.slug)
        lacks = set(lacking.lacks) if lacking and span is QUARTER else set()
        required = [c.slug for c in self.register.categories if c.slug not in lacks]
        if agency.slug not in self.assumed.content.thorough and lacking is None:
            required = required[:3]
        chance = self.random
        first = required[:count]
        rest = [
            chance.choice(FREE_CATEGORIES) if chance.random() < 0.6 else chance.choice(required)
            for _ in range(count - len(first))
        ]
        both = first + rest
        chance.shuffle(both)
        return both

    def _social(self, channel: str, count: int, span: Span) -> None:
        days = list(span.days)
        for number in sorted(self.random.choices(days, k=count)):
            item = self._next(PROVINCE, number, "news", self.random.choice(FREE_CATEGORIES), "vi", channel)
            self._item(item, span)

    def _next(
        self, slug: str, number: int, kind: str, category: str, language: str = "vi", channel: str = "portal"
    ) -> Item:
        serial = self.serial[slug] = self.serial.get(slug, 0) + 1
        # A third of the portals number their articles plainly, so that the same id stands on several portals.
        short = f"{serial:05d}" if len(slug) % 3 == 0 else f"{slug}-{serial:05d}"
        instant = at(number, int(self.random.triangular(7 * 3600, 21 * 3600, 10 * 3600)))
        return Item(slug, short, instant, kind, category, language, channel)

    # --------------------------------------------------------------------------------------- facts

    def _item(self, item: Item, span: Span) -> None:
        """Publish an item, now and then with a slip that is corrected."""
        self.written.append(item)
        roll = self.random.random()
        if roll < 0.012:
            self._publish(item, title="Tin đang biên tập")
            self._correct(item, span, title=title_of(item.number, item.kind))
        elif roll < 0.019:
            self._publish(item, category=self.random.choice(FREE_CATEGORIES))
            self._correct(item, span, category=item.category)
        elif roll < 0.022 and item.kind in ("news", "dataset"):
            self._publish(item, kind="news" if item.kind == "dataset" else "dataset")
            self._correct(item, span, kind=item.kind)
        elif roll < 0.025:
            self._misdated(item, span)
        elif roll < 0.030 and span is QUARTER:
            self._publish(item)
            self._change_after(item, removed=roll < 0.027)
        else:
            self._publish(item)

    def _misdated(self, item: Item, span: Span) -> None:
        wrong = item.at + self.random.choice((-2, -1, 1, 2)) * DAY
        if not span.first <= day_of(wrong) <= span.last or wrong > span.end - DAY:
            self._publish(item)
            return
        self._publish(item, instant=wrong)
        self._correct(item, span, since=max(wrong, item.at), published_at=iso(item.at))

    def _change_after(self, item: Item, *, removed: bool) -> None:
        """A change that the report of 22 March cannot know of."""
        later = at(self.random.randrange(AFTER.first, AFTER.last + 1), self.random.randrange(30_000, 60_000))
        if removed:
            data: dict[str, Any] = {"removed_at": iso(later), "reason": "Hết thời hạn đăng tải"}
            self._fact("article.removed", item, later, data)
            return
        category = self.random.choice(FREE_CATEGORIES)
        self._fact("article.corrected", item, later, {"corrected_at": iso(later), "category": category})

    def _publish(
        self, item: Item, *, instant: int | None = None, lag: int | None = None, **slip: str
    ) -> Reference:
        when = item.at if instant is None else instant
        data = {
            "title": title_of(item.number, item.kind),
            "url": f"https://{item.agency}.laocai.example/bai-viet/{item.number}",
            "kind": item.kind,
            "category": item.category,
            "published_at": iso(when),
        }
        if item.language != "vi":
            data["language"] = item.language
        if item.channel != "portal":
            data["channel"] = item.channel
        return self._fact("article.published", item, when, data | slip, lag=lag)

    def _correct(self, item: Item, span: Span, *, since: int | None = None, **fields: str) -> None:
        start = item.at if since is None else since
        when = min(start + self.random.randrange(600, 90_000), span.end)
        self._fact("article.corrected", item, when, {"corrected_at": iso(when), **fields})

    def _fact(
        self, short_type: str, item: Item, when: int, data: dict[str, Any], *, lag: int | None = None
    ) -> Reference:
        step = None if short_type == "article.published" else f"{short_type.partition('.')[2]}-{when}"
        return self.book.fact(
            short_type,
            when,
            item.agency,
            item.number,
            {"article_id": item.number, **data},
            step=step,
            lag=lag,
        )

    # -------------------------------------------------------------------------------------- beside

    def _beside(self) -> None:
        """Items that were published and taken down again, and such as never should have been sent."""
        # Nothing new is said about a portal that closed before the quarter: it would be refused.
        agencies = self.register.agencies
        busy: Sequence[str] = sorted({i.agency for i in self.written if agencies[i.agency].closed is None})
        for index in range(REMOVED_EXTRA + RETRACTED_EXTRA):
            slug = self.random.choice(busy)
            number = self.random.randrange(QUARTER.first, QUARTER.last - 6)
            item = self._next(slug, number, "news", FREE_CATEGORIES[0])
            first = index >= REMOVED_EXTRA + RETRACTED_EXTRA - RETRACTED_FIRST
            reference = self._publish(item, lag=4 * DAY if first else None)
            later = item.at + self.random.randrange(3_600, 3 * DAY)
            if index < REMOVED_EXTRA:
                self._fact("article.removed", item, later, {"removed_at": iso(later), "reason": "Đăng nhầm"})
            else:
                self.book.retract(reference, later, "Gửi nhầm bài thử nghiệm", lag=60)
