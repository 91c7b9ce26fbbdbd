"""Tally to indicators: what to look up for a window, and every named count made of what was found.

A window has local days `first`..`last` and perhaps a cut-off. The look-up is a list of probes, answered
either by the database or by `answer` here (the two must agree: tests hold them to it).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from services.scoring import flows
from shared.calendar import periods
from shared.calendar.local import day_number
from shared.calendar.periods import Period, Window

TallyRow = tuple[str, int, int, int]
"""Flow, cohort day, effective day, n: one row of the tally of one agency."""


class Part(IntEnum):
    """How a probe adds up what it finds."""

    SUM = 0
    """All of it."""
    BEFORE = 1
    """All of it before the first day: what stocks begin with."""
    WEEK = 2
    """By ISO week."""
    LATEST = 3
    """The value of the latest cohort day."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One look-up: rows of `flow` with a cohort day in `low`..`high`."""

    part: Part
    flow: str
    low: int
    high: int


Finding = tuple[Part, str, int, int]
"""Part, flow, ISO week number (0 unless by week), n."""

Wanted = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Span:
    """A window with its cut-off and the period it belongs to.

    `cut` is the last effective day that counts (MAX_DAY when there is no cut-off); `period` is the quarter,
    half or year whose beginning it shares and within which it ends, and None for any other window.
    """

    window: Window
    cut: int
    period: Period | None

    @property
    def first(self) -> int:
        """Day number of the first day."""
        return day_number(self.window.first)

    @property
    def last(self) -> int:
        """Day number of the last day."""
        return day_number(self.window.last)


def span_of(window: Window) -> Span:
    """The window as it is counted: with the cut-off of the contract, and its period if it has one."""
    cut = periods.cut_off(window)
    named = next(
        (p for p in periods.periods_of(window.first) if p.first == window.first and window.last <= p.last),
        None,
    )
    return Span(window, flows.MAX_DAY if cut is None else day_number(cut), named)


def span_of_period(period: Period) -> Span:
    """All days of a period, without a cut-off."""
    return Span(period.window, flows.MAX_DAY, period)


# ---------------------------------------------------------------------------------------- probing

_STOCK = (*flows.DOSSIER_BEGINS, *flows.DOSSIER_ENDS)
_OVERDUE = ("dossier.overdue.begun", "dossier.overdue.ended")
STOCK_INDICATORS = ("dossier.carried_over", "dossier.in_progress", "dossier.overdue")

_MADE_OF: Mapping[str, tuple[str, ...]] = {
    "content.items": ("content.articles", "content.datasets"),
    "content.active_weeks": ("content.articles", "content.datasets"),
    "content.report.received": tuple(flows.REPORT + kind for kind in flows.PERIOD_KINDS),
    "qa.eligible": ("qa.received", "qa.deleted"),
    "qa.waiting": ("qa.received", "qa.deleted", "qa.answered"),
    "dossier.received": ("dossier.received.online", "dossier.received.one_stop"),
    "dossier.resolved": (
        "dossier.resolved.on_time",
        "dossier.resolved.late",
        "dossier.resolved.no_due",
    ),
    "dossier.rejected.received": ("dossier.rejected", "dossier.refused_unreceived"),
    "dossier.carried_over": _STOCK,
    "dossier.in_progress": _STOCK,
    "dossier.overdue": _OVERDUE,
    "procedure.decisions": (flows.DECISION,),
    "window.weeks": (),
    "window.days": (),
}


def flows_of(indicator: str) -> tuple[str, ...]:
    """The flows an indicator is made of. `procedure.decision/` stands for all decisions."""
    if indicator.startswith(flows.INPUT):
        return ()
    for seen, stored in (
        (flows.JUDGED_HUNDREDTHS, flows.ASSESSED_POINTS),
        (flows.JUDGED, flows.ASSESSED),
    ):
        if indicator.startswith(seen):
            criterion = indicator.removeprefix(seen)
            return tuple(f"{stored}{kind}/{criterion}" for kind in flows.PERIOD_KINDS)
    return _MADE_OF.get(indicator, (indicator,))


def onward_flows(named: Iterable[str]) -> frozenset[str]:
    """Flows whose rows later quarters than their own still see, given the indicators that rules name."""
    return frozenset(
        flow
        for name in named
        if name in STOCK_INDICATORS or name.startswith(flows.FOLLOWERS)
        for flow in flows_of(name)
    )


def probes(span: Span, wanted: Iterable[str], *, stocks: bool = True) -> list[Probe]:
    """What to look up of these flows for a span, in order. Decisions are looked up apart.

    `stocks` False leaves out what lies before the first day.
    """
    found: list[Probe] = []
    first, last = span.first, span.last
    for flow in sorted(set(wanted)):
        if flow in ("content.articles", "content.datasets"):
            found.append(Probe(Part.WEEK, flow, first, last))
        elif flow.startswith(flows.FOLLOWERS):
            found.append(Probe(Part.LATEST, flow, 0, last))
        elif flow.startswith(flows.JUDGEMENTS):
            found += _assessment_probe(span, flow)
        elif flow.startswith(flows.REPORT):
            found += _report_probe(span, flow)
        elif not flow.startswith(flows.DECISION):
            found.append(Probe(Part.SUM, flow, first, last))
            if stocks and (flow in _STOCK or flow in _OVERDUE):
                found.append(Probe(Part.BEFORE, flow, 0, first - 1))
    return [probe for probe in found if probe.low <= probe.high]


def _assessment_probe(span: Span, flow: str) -> list[Probe]:
    """Only what was judged about the span's own period."""
    period = span.period
    if period is None or not flow.split(".", 1)[1].startswith(f"{period.kind}/"):
        return []
    return [Probe(Part.SUM, flow, span.first, span.first)]


def _report_probe(span: Span, flow: str) -> list[Probe]:
    """Reports of the periods of the window: those that begin in it and whose last quarter it reaches."""
    months = {"quarter": 3, "half": 6, "year": 12}[flow.removeprefix(flows.REPORT)]
    last = span.window.last
    reached = periods.quarter_of(last).first
    month = reached.month - months + 3
    year = reached.year if month >= 1 else reached.year - 1
    latest_first = date(year, month if month >= 1 else month + 12, 1)
    high = min(span.last, day_number(latest_first))
    return [Probe(Part.SUM, flow, span.first, high)]


def answer(rows: Iterable[TallyRow], asked: Iterable[Probe], cut: int) -> list[Finding]:
    """Answers probes from the tally rows of one agency: what the database does, said plainly."""
    kept = [row for row in rows if row[2] <= cut]
    found: list[Finding] = []
    for probe in asked:
        hits = [row for row in kept if row[0] == probe.flow and probe.low <= row[1] <= probe.high]
        if probe.part is Part.WEEK:
            weeks: dict[int, int] = {}
            for _, cohort, _, n in hits:
                weeks[week_of(cohort)] = weeks.get(week_of(cohort), 0) + n
            found += [(probe.part, probe.flow, week, n) for week, n in weeks.items()]
        elif probe.part is Part.LATEST:
            latest = max((row[1] for row in hits if row[3]), default=None)
            if latest is not None:
                total = sum(row[3] for row in hits if row[1] == latest)
                found.append((probe.part, probe.flow, 0, total))
        else:
            found.append((probe.part, probe.flow, 0, sum(row[3] for row in hits)))
    return found


def week_of(day: int) -> int:
    """A running number of ISO weeks by day number: 2000-01-03, a Monday, is day 2 and begins week 1."""
    return (day + 5) // 7


# ---------------------------------------------------------------------------------------- naming


def indicators(found: Iterable[Finding], decisions: int = 0) -> dict[str, int]:
    """Every indicator of one agency that is not zero, from what the probes found."""
    counts: dict[str, int] = {}
    before: dict[str, int] = {}
    weeks: dict[int, int] = {}
    for part, flow, week, n in found:
        if part is Part.WEEK:
            weeks[week] = weeks.get(week, 0) + n
            counts[flow] = counts.get(flow, 0) + n
        elif part is Part.LATEST:
            counts[flow] = n - 1
        elif part is Part.BEFORE:
            before[flow] = n
        else:
            name = _as_judged(flow)
            counts[name] = counts.get(name, 0) + n
    counts["content.active_weeks"] = sum(1 for n in weeks.values() if n > 0)
    counts["procedure.decisions"] = decisions
    _derive(counts)
    _derive_stocks(counts, before)
    return {
        name: count
        for name, count in counts.items()
        if (count or name.startswith(flows.FOLLOWERS)) and name not in flows.HIDDEN
    }


def _as_judged(flow: str) -> str:
    for stored, seen in ((flows.ASSESSED_POINTS, flows.JUDGED_HUNDREDTHS), (flows.ASSESSED, flows.JUDGED)):
        if flow.startswith(stored):
            return seen + flow.split("/", 1)[1]
    return flow


def _derive(counts: dict[str, int]) -> None:
    def of(name: str) -> int:
        return counts.get(name, 0)

    counts["content.items"] = of("content.articles") + of("content.datasets")
    counts["content.report.received"] = sum(of(flows.REPORT + kind) for kind in flows.PERIOD_KINDS)
    counts["qa.eligible"] = of("qa.received") - of("qa.deleted")
    counts["qa.waiting"] = of("qa.eligible") - of("qa.answered")
    counts["dossier.received"] = of("dossier.received.online") + of("dossier.received.one_stop")
    counts["dossier.resolved"] = (
        of("dossier.resolved.on_time") + of("dossier.resolved.late") + of("dossier.resolved.no_due")
    )
    # Those turned away at the door were never received: they leave the stock as it was.
    counts["dossier.rejected.received"] = of("dossier.rejected") - of("dossier.refused_unreceived")


def _derive_stocks(counts: dict[str, int], before: Mapping[str, int]) -> None:
    def balance(of: Mapping[str, int]) -> int:
        begun = sum(of.get(flow, 0) for flow in flows.DOSSIER_BEGINS)
        return begun - sum(of.get(flow, 0) for flow in flows.DOSSIER_ENDS)

    counts["dossier.carried_over"] = balance(before)
    counts["dossier.in_progress"] = balance(before) + balance(counts)
    begun, ended = _OVERDUE
    counts["dossier.overdue"] = sum(of.get(begun, 0) - of.get(ended, 0) for of in (before, counts))


def elapsed(window: Window, today: date) -> dict[str, int]:
    """`window.weeks` and `window.days`: ISO weeks and days of the window that have begun by `today`."""
    if today < window.first:
        return {"window.weeks": 0, "window.days": 0}
    begun = Window(window.first, min(window.last, today))
    return {"window.weeks": len(periods.iso_weeks(begun)), "window.days": begun.days}


def for_rules(
    counts: Mapping[str, int], window: Window, today: date, named: Iterable[str]
) -> dict[str, int | None]:
    """The counts as criteria see them: with the elapsed window, and what nobody provides as unknown."""
    seen: dict[str, int | None] = {**counts, **elapsed(window, today)}
    for name in named:
        if name.startswith(flows.INPUT):
            seen.setdefault(name, None)
    return seen
