"""How one dossier lives: from its receipt to its end, written as facts.

Days are indices of working days. The due instant is the close of business of the term's last day, as the
one-stop system tells it.
"""

from dataclasses import dataclass, field
from random import Random

from deploy.replay.drafts import Book, Reference
from deploy.replay.procedures import TERMS, Catalogue
from deploy.replay.worktime import (
    CLOSE,
    DAY,
    WORKING_DAYS,
    after_work,
    at,
    day,
    day_text,
    iso,
    worked_before,
    working_index,
)
from shared.register import Register

AFTER_LAST = working_index(day("2024-04-12"))
"""The last working day of the replay."""

DURATIONS = (0, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 7, 8, 10, 12, 15)
LATE_TERMS = (1, 2, 3, 5)
RETURNED, EXACT, TWICE, MISTAKEN = 0.05, 0.002, 0.0006, 0.0008
"""Shares of the resolved: handed out with a fact; resolved at the very second of the deadline; told twice;
told once too early, taken back and told again."""
WEEKEND = 0.04


@dataclass(frozen=True, slots=True)
class Fate:
    """How a dossier ends after so many working days, and its term; without a term it has no due date."""

    word: str
    took: int
    term: int | None


@dataclass(slots=True)
class Clerk:
    """Writes dossiers into a book, each with a code of its own."""

    book: Book
    register: Register
    catalogue: Catalogue
    random: Random = field(init=False)
    serial: dict[tuple[str, int], int] = field(default_factory=dict)
    codes: dict[tuple[str, int], list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = Random(self.book.random.random())

    # --------------------------------------------------------------------------------------- lives

    def on_time(self, slug: str, start: int, one_stop: bool, longest: int) -> None:
        """Resolved in time, in at most `longest` working days."""
        chance = self.random
        took = min(chance.choice(DURATIONS), longest)
        if took and chance.random() < EXACT:
            code, due = self.receive(slug, start, one_stop, took)
            self._resolve(slug, code, due or 0)
            return
        term = next(t for t in TERMS if t >= max(took, 1))
        if chance.random() < 0.6:
            term = TERMS[min(TERMS.index(term) + 1, len(TERMS) - 1)]
        self.write(slug, start, one_stop, Fate("resolved", took, term))

    def late(self, slug: str, start: int, one_stop: bool, longest: int) -> None:
        """Resolved after the due instant: by a second, or by days."""
        chance = self.random
        term = chance.choice(LATE_TERMS)
        if chance.random() < 0.03:
            code, due = self.receive(slug, start, one_stop, term)
            self._resolve(slug, code, (due or 0) + 1)
            return
        took = min(term + chance.randint(1, 8), longest)
        self.write(slug, start, one_stop, Fate("resolved", took, term))

    def paused(self, slug: str, start: int, one_stop: bool) -> None:
        """Resolved after the first due date and still in time, because the citizen was asked first."""
        chance = self.random
        term = chance.choice((3, 5))
        code, due = self.receive(slug, start, one_stop, term)
        asked = self._office(start + 1)
        given = self._office(start + 1 + chance.randint(4, 6))
        self._fact("dossier.supplement_requested", slug, code, asked, {"at": iso(asked)})
        self._fact("dossier.supplemented", slug, code, given, {"at": iso(given)})
        shifted = after_work(due or 0, worked_before(given) - worked_before(asked))
        self._resolve(slug, code, shifted if chance.random() < 0.3 else max(given + 600, shifted - 3 * 3_600))

    def extended(self, slug: str, start: int, one_stop: bool) -> None:
        """Resolved after the first due date and still in time, because a new one was given ahead of it."""
        term = self.random.choice((7, 10))
        code, _ = self.receive(slug, start, one_stop, term)
        told = self._office(start + term - 3)
        new_due = at(WORKING_DAYS[start + term + 5], CLOSE)
        data = {"at": iso(told), "new_due_at": iso(new_due), "apology": True, "reason": "Cần xác minh thêm"}
        self._fact("dossier.extended", slug, code, told, data)
        self._resolve(slug, code, self._office(start + term + 3))

    def waiting(self, slug: str, start: int, one_stop: bool, until: int) -> None:
        """The citizen is asked, and answers only after the day `until`."""
        code, _ = self.receive(slug, start, one_stop, 5)
        asked = self._office(start + 1)
        given = self._office(until + self.random.randint(1, 3))
        self._fact("dossier.supplement_requested", slug, code, asked, {"at": iso(asked)})
        self._fact("dossier.supplemented", slug, code, given, {"at": iso(given)})
        self._resolve(slug, code, self._office(until + self.random.randint(4, 9)))

    def phantom(self, slug: str, start: int, *, first: bool) -> None:
        """A dossier that never was: received by mistake and taken back, perhaps before it arrives."""
        code, instant = self._code(slug, start, False)
        fact = self._received(
            slug, code, instant, False, instant + 5 * DAY, 5, lag=3 * DAY if first else None
        )
        self.book.retract(fact, instant + 7_200, "Gửi nhầm hồ sơ kiểm thử", lag=30)

    def turned_away(self, slug: str, start: int) -> None:
        """Refused at the door, without ever being received."""
        code, instant = self._code(slug, start, True)
        data: dict[str, object] = {"rejected_at": iso(instant), "reason": "Không thuộc thẩm quyền giải quyết"}
        self._fact("dossier.rejected", slug, code, instant, data)

    def write(self, slug: str, start: int, one_stop: bool, fate: Fate) -> None:
        """A plain life: received, and ended as its fate says."""
        code, _ = self.receive(slug, start, one_stop, fate.term, early=fate.took == 0)
        if fate.word == "open":
            return
        ended = at(WORKING_DAYS[start + fate.took], 46_800 + self.random.randrange(14_000))
        if fate.word == "resolved":
            self._resolve(slug, code, ended)
        else:
            data: dict[str, object] = {f"{fate.word}_at": iso(ended)}
            if fate.word == "rejected":
                data["reason"] = "Không thuộc thẩm quyền giải quyết"
            self._fact(f"dossier.{fate.word}", slug, code, ended, data)

    # --------------------------------------------------------------------------------------- facts

    def receive(
        self, slug: str, start: int, one_stop: bool, term: int | None, *, early: bool = False
    ) -> tuple[str, int | None]:
        """Receive a dossier; answers its code and due instant."""
        code, instant = self._code(slug, start, one_stop, early=early)
        due = None if term is None else at(WORKING_DAYS[start + term], CLOSE)
        self._received(slug, code, instant, one_stop, due, term or 7)
        return code, due

    def _code(self, slug: str, start: int, one_stop: bool, *, early: bool = False) -> tuple[str, int]:
        chance = self.random
        number = WORKING_DAYS[start]
        if one_stop or early:
            instant = at(number, 28_800 + chance.randrange(10_800))
        else:
            # Some come in at the weekend before; never across the turn of the year.
            if number - WORKING_DAYS[start - 1] == 3 and chance.random() < WEEKEND * 5:
                number -= 1
            instant = at(number, int(chance.triangular(25_200, 75_600, 36_000)))
        serial = self.serial[slug, number] = self.serial.get((slug, number), 0) + 1
        stamp = day_text(number)
        agency = self.register.agencies[slug].code
        return f"{agency}-{stamp[2:4]}{stamp[5:7]}{stamp[8:]}-{serial:04d}", instant

    def _received(
        self,
        slug: str,
        code: str,
        instant: int,
        one_stop: bool,
        due: int | None,
        term: int,
        lag: int | None = None,
    ) -> Reference:
        data = {
            "dossier_code": code,
            "procedure_code": self.random.choice(self._procedures(slug, term)),
            "channel": "one_stop" if one_stop else "online",
            "received_at": iso(instant),
        }
        if due is not None:
            data["due_at"] = iso(due)
        return self.book.fact("dossier.received", instant, slug, code, data, lag=lag)

    def _procedures(self, slug: str, term: int) -> list[str]:
        """The procedures a dossier of that agency and term may be about."""
        known = self.codes.get((slug, term))
        if known is None:
            level = "district" if self.register.agencies[slug].group == "districts" else ""
            by_term = self.catalogue.by_level.get(level) or self.catalogue.by_owner.get(slug)
            by_term = by_term or next(iter(self.catalogue.by_owner.values()))
            known = by_term[min(by_term, key=lambda days: (abs(days - term), days))]
            self.codes[slug, term] = known
        return known

    def _resolve(self, slug: str, code: str, instant: int) -> None:
        chance = self.random
        roll = chance.random()
        if roll < MISTAKEN:
            wrong = self._resolved(slug, code, instant - 600, "refused", "resolved-by-mistake")
            self.book.retract(wrong, instant - 300, "Kết thúc nhầm hồ sơ")
        self._resolved(slug, code, instant, "approved" if roll < 0.97 else "refused", "resolved")
        if MISTAKEN < roll < MISTAKEN + TWICE:
            self._resolved(slug, code, instant + DAY, "refused", "resolved-again")
        if chance.random() < RETURNED:
            returned = instant + chance.randrange(3_600, 3 * DAY)
            self._fact("dossier.returned", slug, code, returned, {"returned_at": iso(returned)})

    def _resolved(self, slug: str, code: str, instant: int, outcome: str, step: str) -> Reference:
        data = {"dossier_code": code, "resolved_at": iso(instant), "outcome": outcome}
        return self.book.fact("dossier.resolved", instant, slug, code, data, step=step)

    def _fact(self, word: str, slug: str, code: str, instant: int, data: dict[str, object]) -> None:
        self.book.fact(word, instant, slug, code, {"dossier_code": code, **data})

    def _office(self, index: int) -> int:
        """Some time while the office is open."""
        seconds = self.random.randrange(27_000)
        return at(WORKING_DAYS[index], 28_800 + seconds if seconds < 14_400 else 32_400 + seconds)
