"""Scores made of a few counts under the rules that ship, for tests about periods."""

from typing import Any

import msgspec

from services.scoring.app import open_book
from services.scoring.indicators import for_rules
from services.scoring.publish import canonical, content_of
from services.scoring.score import score
from shared.calendar.local import parse_instant
from shared.calendar.periods import parse_period

BOOK = open_book()
QUARTER = parse_period("2024-Q1")
AGENCIES = ("so-y-te", "so-noi-vu", "thi-xa-sa-pa", "ban-tuyen-giao-tinh-uy")
T0 = parse_instant("2024-04-01T09:00:00+07:00")


def content(agency: str, counts: dict[str, int]) -> dict[str, Any]:
    """The score of an agency with these counts, as it would be published."""
    scored = BOOK.agencies.scored_in(QUARTER.window)[agency]
    named = BOOK.names(QUARTER.window)
    seen = for_rules(counts, QUARTER.window, QUARTER.last, named)
    made = content_of(score(scored, BOOK.rule_sets(scored, QUARTER), seen), QUARTER)
    decoded: dict[str, Any] = msgspec.json.decode(canonical(made))
    return decoded


def text(agency: str, counts: dict[str, int]) -> str:
    """The same as canonical text."""
    return canonical(content(agency, counts))
