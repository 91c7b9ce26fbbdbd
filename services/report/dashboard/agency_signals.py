"""Signals of gaming on an agency's page: what to look at, with its facts. They move no point."""

from typing import Any

from services.report import rulebook
from services.report.dashboard.shell import Visit
from services.report.upstream import UpstreamError, path

FRESH_SECONDS = 60.0
SHOWN_FACTS = 5


async def draw_signals(at: Visit, agency: str) -> str:
    """The section. What could not be read is said, so that an empty list is not taken for a clean one."""
    query = {**(at.key.query() if at.key else {}), "agency": agency, "limit": 50}
    try:
        answer = await at.desk.upstream.get("scoring", path("signals"), query, fresh_s=FRESH_SECONDS)
    except UpstreamError as error:
        if not error.missing:
            raise
        answer = {"signals": [], "unread": [error.detail]}

    def word(texts: Any) -> str:
        return rulebook.word(texts, at.language)

    return at.draw("agency_signals", answer=answer, word=word, shown=SHOWN_FACTS, words=numbers_in_words)


def numbers_in_words(signal: dict[str, Any], t: Any) -> str:
    """A signal's numbers as a sentence; a kind without one shows them as they are."""
    name = f"signals.numbers_{signal['kind']}"
    told = t(name, **signal["numbers"])
    return " ".join(f"{key}: {value}" for key, value in signal["numbers"].items()) if told == name else told
