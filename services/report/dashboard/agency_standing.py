"""Where an agency stands: beside the year before, among peers of its volume, and by people's judgement."""

from collections.abc import Callable
from typing import Any

from services.report.dashboard.shell import Visit
from services.report.upstream import UpstreamError, path

FRESH_SECONDS = 15.0
REDRAW_SECONDS = 60.0
"""A comparison looks at every agency of two years: it is asked for seldom, and once for all readers."""

JUDGEMENTS_FRESH_SECONDS = 1.0
JUDGEMENTS_REDRAW_SECONDS = 15.0
"""A self-assessment moves no score, so nothing on the bus says that there is one: it is looked for."""

Word = Callable[[Any], str]


async def comparison(at: Visit, agency: str, word: Word) -> str:
    """The same part of the year before, and the agencies of about the same volume in each module."""
    query = {**(at.key.query() if at.key else {}), "agency": agency}
    found = await at.desk.upstream.get("scoring", path("comparison"), query, fresh_s=FRESH_SECONDS)
    return at.draw("agency_comparison", found=found, row=found["agencies"][0], word=word)


async def judgements(at: Visit, agency: str, word: Word) -> str:
    """What the agency, the formula and somebody else say about each criterion that a person judged."""
    query = at.key.query() if at.key else {}
    try:
        found = await at.desk.upstream.get(
            "scoring", path("scores", agency, "judgements"), query, fresh_s=JUDGEMENTS_FRESH_SECONDS
        )
    except UpstreamError as error:
        if not error.missing:
            raise
        found = {"criteria": [], "missing": [], "elsewhere": []}
    rows = [
        one
        for one in found["criteria"]
        if one["kind"] == "judged" or one["self_assessed"] is not None or one["verified"] is not None
    ]
    return at.draw("agency_judgements", found=found, rows=rows, word=word)
