"""Is there still anybody whom a fact speaks about? An agency that ended takes in nothing new. Pure.

Where the register names an heir, what is said about the ended agency is taken in as it was sent, and scoring
counts it for the heir. Where it names none (a split that leaves open who answers for what), something new is
refused with the successors' names, so that its sender says whom it means. What continues something older (an
answer, a resolution, a correction, a retraction) is always taken in.
"""

from collections.abc import Collection
from typing import Final

from shared.calendar.local import local_day
from shared.register.register import Register
from shared.runtime.ledger.decode import Candidate, Refusal

OPENING: Final = frozenset(
    {
        "article.published",
        "audience.measured",
        "portal.opened",
        "board.established",
        "channel.opened",
        "question.received",
        "dossier.received",
        "procedure.published",
    }
)
"""Facts that begin something."""


def check_standing(candidate: Candidate, register: Collection[str]) -> Refusal | None:
    """Whether somebody answers for the fact on its day. A register without days knows of no ending."""
    fact = candidate.fact
    if not isinstance(register, Register):
        return None
    if fact.type in OPENING:
        slug, place = fact.agency, "/data/agency"
    elif fact.type == "question.forwarded":
        slug, place = str(fact.data["to_agency"]), "/data/to_agency"
    else:
        return None
    if register.agency_on(slug, local_day(fact.time)) is not None:
        return None
    ended = register.agencies[slug]
    names = " or ".join(ended.successors) or "no agency"
    detail = f"{slug} ended on {ended.closed}; say which agency is meant now: {names}"
    return Refusal("agency_ended", detail, ((place, detail),), fact.source, fact.id, fact.type)
