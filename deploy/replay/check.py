"""The check: each published figure beside the computed one, and what to make of a difference.

A figure is `met` when both are equal as the report rounds. Where the report contradicts itself the published
figure cannot be; then the computed one must be what follows from the report's other figures (`explained`).
Everything else is `missed`.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Any, Literal

from deploy.replay.assumptions import Assumptions
from deploy.replay.computed import COMPUTE, Value, percent
from deploy.replay.figures import Figure, Figures
from deploy.replay.observed import Observed

Verdict = Literal["met", "explained", "missed"]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of the check, as it goes into the JSON."""

    id: str
    section: str
    what: str
    published: int | float | str
    computed: Value
    unit: str
    recomputes: str
    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True)
class Check:
    rows: tuple[Row, ...]

    @property
    def missed(self) -> list[Row]:
        return [row for row in self.rows if row.verdict == "missed"]

    def document(self) -> dict[str, Any]:
        """The check as JSON."""
        counts = {
            verdict: sum(r.verdict == verdict for r in self.rows)
            for verdict in ("met", "explained", "missed")
        }
        return {"figures": [asdict(row) for row in self.rows], "verdicts": counts}


def check(figures: Figures, seen: Observed, assumed: Assumptions) -> Check:
    """Every figure in the report's order."""
    return Check(tuple(_row(figures, figure, seen, assumed) for figure in figures.values()))


def _row(figures: Figures, figure: Figure, seen: Observed, assumed: Assumptions) -> Row:
    published = _read(figure.value)
    compute = COMPUTE.get(figure.id)
    computed = _as_published(compute(seen) if compute else None, figure.value)
    verdict: Verdict = "met" if computed == published else "missed"
    why = ""
    contradiction = CONTRADICTIONS.get(figure.id)
    if contradiction is not None:
        implied = _as_published(contradiction.follows(figures, assumed), figure.value)
        why = contradiction.why
        if computed is None:
            # The published figure cannot be met in any case; that nobody counts it is said, not hidden.
            verdict, why = "explained", f"{why} The API has no indicator for it."
        elif computed != published:
            verdict = "explained" if computed == implied else "missed"
    if verdict == "missed":
        why = (
            f"{why} The computed value differs.".strip()
            if computed is not None
            else "No indicator counts this."
        )
    return Row(
        figure.id,
        figure.section,
        figure.what,
        published,
        computed,
        figure.unit,
        figure.recomputes,
        verdict,
        why,
    )


def _read(text: str) -> int | float | str:
    """A published value as a number, or a scale as it stands."""
    try:
        number = Decimal(text)
    except ArithmeticError:
        return text
    return int(number) if number == number.to_integral_value() and "." not in text else float(number)


def _as_published(value: Value, published: str) -> Value:
    """The value rounded half up to as many decimals as the published one has."""
    if value is None or isinstance(value, str):
        return value
    places = len(published.partition(".")[2])
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return int(rounded) if places == 0 else float(rounded)


# ------------------------------------------------------------------------------------- contradictions


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Why a published figure cannot be, and what follows from the report's other figures instead."""

    why: str
    follows: Callable[[Figures, Assumptions], Value]


def _change_of(figure: str) -> Callable[[Figures, Assumptions], Value]:
    def follows(figures: Figures, assumed: Assumptions) -> Value:
        before = figures.before(f"{figure}.items", f"{figure}.delta")
        return percent(figures.count(f"{figure}.delta"), before)

    return follows


def _open(figures: Figures, assumed: Assumptions) -> int:
    come = figures.count("dossier.received") + figures.count("dossier.carried_over")
    return come - figures.count("dossier.resolved")


def _system_change(figures: Figures, assumed: Assumptions) -> Value:
    gained = figures.count("portal.items.delta") + figures.count("components.items.delta")
    now = figures.count("portal.items") + figures.count("components.items")
    return percent(gained, now - gained)


CONTRADICTIONS: Mapping[str, Contradiction] = MappingProxyType(
    {
        "components.party.change": Contradiction(
            "363 / 1352 = 26.8; the published 36.7 divides by this year's 989.",
            _change_of("components.party"),
        ),
        "components.departments.change": Contradiction(
            "1158 / 2411 = 48.0; the published 45 follows from no pair of its figures.",
            _change_of("components.departments"),
        ),
        "qa.answered": Contradiction(
            "Published as 69 of 80, but 69 answered and 17 waiting make the 86 eligible ones.",
            lambda figures, assumed: figures.count("qa.eligible") - figures.count("qa.waiting"),
        ),
        "qa.waiting": Contradiction(
            "Published as 17 of 80, but 69 answered and 17 waiting make the 86 eligible ones.",
            lambda figures, assumed: figures.count("qa.eligible") - figures.count("qa.answered"),
        ),
        "procedures.total": Contradiction(
            "1462 + 291 + 1342 = 3095; with 132 for the communes the published 1885 would fit.",
            lambda figures, assumed: assumed.procedures.total,
        ),
        "procedures.online": Contradiction(
            "A later clause gives 1245 in full and 58 in part, 1303 together.",
            lambda figures, assumed: assumed.procedures.full + assumed.procedures.partial,
        ),
        "dossier.in_progress": Contradiction("51761 + 2841 - 52157 = 2445, not 2477.", _open),
        "dossier.in_progress.share": Contradiction(
            "4.8 is 2477 / 51761, and 2477 cannot be (see above): 2445 / 51761 = 4.7.",
            lambda figures, assumed: percent(_open(figures, assumed), figures.count("dossier.received")),
        ),
        "boards.established": Contradiction(
            "Published as almost 20; 17 are named.", lambda figures, assumed: len(assumed.organisation.boards)
        ),
        "system.items.change": Contradiction(
            "10449 / 8138 = 1.284, so 28.4 and not 33.",
            _system_change,
        ),
    }
)
"""The figures marked `NO`, and the one that is a share of such a figure."""
