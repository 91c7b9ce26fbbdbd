"""Flows: the units that contributions count in, their numbers, and the indicators made of them.

A mark is one unit of counting, packed in 63 bits: agency (15) | flow (18) | cohort day (15) | effective day
(15), days since 2000-01-01. The cohort is the day a thing counts on; the effective day is when it came to
count (or ceased to), so that a window with a cut-off can be told what was known then.
"""

from typing import Final

AGENCY_BITS, FLOW_BITS, DAY_BITS = 15, 18, 15
MAX_AGENCY = (1 << AGENCY_BITS) - 1
MAX_FLOW = (1 << FLOW_BITS) - 1
MAX_DAY = (1 << DAY_BITS) - 1
FLOW_SHIFT = 2 * DAY_BITS
AGENCY_SHIFT = FLOW_SHIFT + FLOW_BITS

CHANNELS: Final = ("portal", "facebook", "zalo")
SOCIAL_CHANNELS: Final = ("facebook", "zalo")
PERIOD_KINDS: Final = ("quarter", "half", "year")

CATEGORY: Final = "content.category."
FOLLOWERS: Final = "content.followers."
REPORT: Final = "content.report."
DECISION: Final = "procedure.decision/"
ASSESSED: Final = "assessed."
ASSESSED_POINTS: Final = "assessed_points."
"""Assessments are flows: `assessed.quarter/<criterion>` counts them, `assessed_points.…` holds hundredths."""
SELF_ASSESSED: Final = "self_assessed."
SELF_ASSESSED_POINTS: Final = "self_assessed_points."
"""The same for what agencies say about themselves: no rule sees it."""
JUDGEMENTS: Final = (ASSESSED, ASSESSED_POINTS, SELF_ASSESSED, SELF_ASSESSED_POINTS)
"""All flows of judgements; each goes on with `<period kind>/<criterion>`."""
JUDGED: Final = "judged."
JUDGED_HUNDREDTHS: Final = "judged_hundredths."
"""The same as a criterion sees them: `judged.<criterion>`, of the window's own period."""
INPUT: Final = "input."
"""Counts from outside that no service of ours provides; unknown until somebody does."""

FIXED: Final[dict[str, int]] = {
    "content.articles": 1,
    "content.datasets": 2,
    "content.english": 3,
    "content.spokesperson": 4,
    "content.press_digest": 5,
    "content.social.facebook": 6,
    "content.social.zalo": 7,
    "content.visits": 8,
    "content.reach.portal": 9,
    "content.reach.facebook": 10,
    "content.reach.zalo": 11,
    "content.followers.portal": 12,
    "content.followers.facebook": 13,
    "content.followers.zalo": 14,
    "content.board.established": 15,
    "content.channel.opened": 16,
    "content.report.quarter": 17,
    "content.report.half": 18,
    "content.report.year": 19,
    "portal.opened": 20,
    "portal.closed": 21,
    "qa.received": 30,
    "qa.accepted": 31,
    "qa.answered": 32,
    "qa.answered_on_time": 33,
    "qa.answered_late": 34,
    "qa.wrong_title": 35,
    "qa.answered_without_fault": 36,
    "qa.deleted": 37,
    "qa.overdue": 38,
    "dossier.received.online": 50,
    "dossier.received.one_stop": 51,
    "dossier.resolved.on_time": 52,
    "dossier.resolved.late": 53,
    "dossier.resolved.no_due": 54,
    "dossier.withdrawn": 55,
    "dossier.rejected": 56,
    "dossier.overdue.begun": 57,
    "dossier.overdue.ended": 58,
    "dossier.refused_unreceived": 59,
    "dossier.taken_over": 60,
    "dossier.passed_on": 61,
    "procedure.published": 70,
    "procedure.abolished": 71,
    "procedure.published.online": 72,
    "procedure.abolished.online": 73,
}
"""Flows that always exist. A number is never given to another flow: it stands in stored marks."""

FIRST_CATEGORY: Final = 1_000
FIRST_ASSESSMENT: Final = 50_000
FIRST_DECISION: Final = 100_000
"""Where the numbers of flows named by data begin; the database hands them out in these ranges."""

TAKEN_OVER: Final = "dossier.taken_over"
PASSED_ON: Final = "dossier.passed_on"
"""A dossier that was open when its agency ended: the heir's stock begins with it, the old one's ends."""

DOSSIER_BEGINS: Final = (
    "dossier.received.online",
    "dossier.received.one_stop",
    # A dossier that was refused without ever being received: its end must not leave the stock one short.
    "dossier.refused_unreceived",
    TAKEN_OVER,
)
DOSSIER_ENDS: Final = (
    "dossier.resolved.on_time",
    "dossier.resolved.late",
    "dossier.resolved.no_due",
    "dossier.withdrawn",
    "dossier.rejected",
    PASSED_ON,
)
"""What is open at the end of a day is all that began until then without all that ended: a stock."""

DERIVED: Final = (
    "content.items",
    "content.active_weeks",
    "content.report.received",
    "qa.eligible",
    "qa.waiting",
    "dossier.received",
    "dossier.resolved",
    "dossier.rejected.received",
    "dossier.carried_over",
    "dossier.in_progress",
    "dossier.overdue",
    "procedure.decisions",
    "window.weeks",
    "window.days",
)
HIDDEN: Final = frozenset(
    {
        "dossier.overdue.begun",
        "dossier.overdue.ended",
        "dossier.refused_unreceived",
        TAKEN_OVER,
        PASSED_ON,
    }
    | {REPORT + kind for kind in PERIOD_KINDS}
)
"""Flows that indicators are made of without being indicators themselves."""


def first_number(flow: str) -> int:
    """Where the numbers of flows of this kind begin. The range ends where the next one begins."""
    if flow.startswith(DECISION):
        return FIRST_DECISION
    if flow.startswith(JUDGEMENTS):
        return FIRST_ASSESSMENT
    return FIRST_CATEGORY


def last_number(first: int) -> int:
    """The last number of the range that begins at `first`."""
    if first == FIRST_CATEGORY:
        return FIRST_ASSESSMENT - 1
    return FIRST_DECISION - 1 if first == FIRST_ASSESSMENT else MAX_FLOW


def is_indicator(name: str) -> bool:
    """Whether a rule may speak of this count."""
    if name in FIXED:
        return name not in HIDDEN
    return name in DERIVED or any(
        name.startswith(prefix) and len(name) > len(prefix) for prefix in (CATEGORY, INPUT)
    )


def pack(agency: int, flow: int, cohort: int, effective: int) -> int:
    """The mark. The caller has checked the ranges."""
    return agency << AGENCY_SHIFT | flow << FLOW_SHIFT | cohort << DAY_BITS | effective


def unpack(mark: int) -> tuple[int, int, int, int]:
    """Agency, flow, cohort day, effective day."""
    return (
        mark >> AGENCY_SHIFT,
        mark >> FLOW_SHIFT & MAX_FLOW,
        mark >> DAY_BITS & MAX_DAY,
        mark & MAX_DAY,
    )
