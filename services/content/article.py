"""What becomes of an article: published, corrected, removed, and perhaps published again.

A correction lays its fields over what stands and changes nothing else; the history keeps what stood
before. A later publication of the same article replaces all of it, and opens a removed one again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.calendar.local import read_instant
from shared.runtime.ledger.journal import BEFORE_OPENING, Journal, Step, Why, never_opened
from shared.runtime.ledger.lifecycle import EntityRef, Fact, Folded

ARTICLE_FACTS = {"article.published": 0, "article.corrected": 1, "article.removed": 2}
"""The facts about articles, ranked for those of the same instant."""

REMOVED = Why("removed", "the article had been removed; only a new publication brings it back")

_PLAIN = ("title", "url", "kind", "category", "language", "channel", "concerns_date")
"""What a publication or correction says, besides `published_at`."""

_DEFAULTS: Mapping[str, Any] = {"language": "vi", "channel": "portal"}


def fold_article(ref: EntityRef, facts: Sequence[Fact]) -> Folded:
    """The state of an article; it has no deadlines."""
    article = _Article(ref.scope)
    article.read(facts, ARTICLE_FACTS)
    return article.folded()


class _Article(Journal):
    """One article while its facts are read in order."""

    __slots__ = ("content", "published_at", "removed_at", "removed_why")

    def __init__(self, agency: str) -> None:
        super().__init__(agency)
        self.content: dict[str, Any] = dict.fromkeys(_PLAIN)
        self.published_at: str | None = None
        self.removed_at: str | None = None
        self.removed_why: str | None = None

    def effect(self, fact: Fact) -> Why | None:
        return _EFFECTS[fact.type](self, fact.data)

    def step(self, fact: Fact) -> Step:
        content = self.content
        step = super().step(fact)
        step["kind"] = content["kind"]
        step["category"] = content["category"]
        step["language"] = content["language"]
        step["channel"] = content["channel"]
        step["published_at"] = self.published_at
        return step

    def publish(self, data: Mapping[str, Any]) -> Why | None:
        self.published_at = read_instant(data["published_at"])[1]
        get = data.get
        self.content = {
            field: given if (given := get(field)) is not None else _DEFAULTS.get(field) for field in _PLAIN
        }
        self.removed_at = self.removed_why = None
        self.status = "published"
        return None

    def correct(self, data: Mapping[str, Any]) -> Why | None:
        if self.status != "published":
            return REMOVED if self.status == "removed" else BEFORE_OPENING
        if data.get("published_at") is not None:
            self.published_at = read_instant(data["published_at"])[1]
        for field in _PLAIN:
            if data.get(field) is not None:
                self.content[field] = data[field]
        return None

    def remove(self, data: Mapping[str, Any]) -> Why | None:
        if self.status != "published":
            return REMOVED if self.status == "removed" else BEFORE_OPENING
        self.removed_at = read_instant(data["removed_at"])[1]
        self.removed_why = data["reason"]
        self.status = "removed"
        return None

    def folded(self) -> Folded:
        """The public state."""
        if self.status == "unopened":
            never_opened(self.set_aside)
        content = self.content
        state = {
            "status": self.status,
            "agency": self.agency,
            "title": content["title"],
            "url": content["url"],
            "kind": content["kind"],
            "category": content["category"],
            "language": content["language"],
            "channel": content["channel"],
            "published_at": self.published_at,
            "concerns_date": content["concerns_date"],
            "removed_at": self.removed_at,
            "removal_reason": self.removed_why,
            "history": self.history,
            "set_aside": self.set_aside,
        }
        return Folded(self.agency, state, ())


_EFFECTS: Mapping[str, Callable[[_Article, Mapping[str, Any]], Why | None]] = {
    "article.published": _Article.publish,
    "article.corrected": _Article.correct,
    "article.removed": _Article.remove,
}
