"""Linear expressions over indicators, as rule sets write them: `qa.answered - qa.wrong_title`.

Exact: coefficients and results are fractions, never floats. An expression knows the names it uses, so that a
rule set can be checked before it scores anything and a point can be followed back to its counts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

Counts = Mapping[str, int | None]
"""Indicator name to its count; None is a count that nobody knows. A name that is absent counts 0."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[a-z_]+(?:\.[A-Za-z0-9_-]+)+)|(?P<sign>[-+*]))"
)
_CONDITION = re.compile(r"^(?P<left>.+?)\s*(?P<sign><=|>=|=|<|>)\s*(?P<right>-?\d+(?:\.\d+)?)$")
MAX_TERMS = 20


@dataclass(frozen=True, slots=True)
class Term:
    """`factor * name`, or the constant `factor` when there is no name."""

    factor: Fraction
    name: str | None


@dataclass(frozen=True, slots=True)
class Expression:
    """A sum of terms, with the text it was written as."""

    text: str
    terms: tuple[Term, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The indicators it uses, in the order of writing, each once."""
        return tuple(dict.fromkeys(term.name for term in self.terms if term.name is not None))

    def value(self, counts: Counts) -> Fraction | None:
        """The exact value; None when a count it needs is unknown."""
        total = Fraction(0)
        for term in self.terms:
            if term.name is None:
                total += term.factor
                continue
            count = counts.get(term.name, 0)
            if count is None:
                return None
            total += term.factor * count
        return total

    def filled(self, counts: Counts) -> str:
        """The expression with the numbers in place of the names: `69 - 2`."""
        pieces: list[str] = []
        for position, term in enumerate(self.terms):
            pieces.append(_piece(term, counts, first=position == 0))
        return "".join(pieces)


def _piece(term: Term, counts: Counts, *, first: bool) -> str:
    sign = ("-" if first else " - ") if term.factor < 0 else ("" if first else " + ")
    factor = abs(term.factor)
    if term.name is None:
        return f"{sign}{plain(factor)}"
    count = counts.get(term.name, 0)
    shown = "?" if count is None else str(count)
    return f"{sign}{shown}" if factor == 1 else f"{sign}{plain(factor)} × {shown}"


def plain(value: Fraction) -> str:
    """A fraction as people write it: an integer, an exact decimal of at most six places, else `a/b`."""
    if value.denominator == 1:
        return str(value.numerator)
    scaled = value * 1_000_000
    if scaled.denominator == 1:
        return format((Decimal(scaled.numerator) / 1_000_000).normalize(), "f")
    return f"{value.numerator}/{value.denominator}"


def parse(text: str) -> Expression:
    """Read an expression. Raises ValueError that says what is wrong and at which character."""
    terms: list[Term] = []
    position = 0
    while position < len(text):
        sign = 1
        if terms or text[position:].lstrip()[:1] in ("-", "+"):
            sign, position = _sign(text, position)
        term, position = _term(text, position)
        terms.append(Term(sign * term.factor, term.name))
        if not text[position:].strip():
            break
    if not terms:
        raise ValueError("the expression is empty")
    if len(terms) > MAX_TERMS:
        raise ValueError(f"the expression has {len(terms)} terms; at most {MAX_TERMS} are allowed")
    return Expression(text.strip(), tuple(terms))


def _sign(text: str, position: int) -> tuple[int, int]:
    found = _TOKEN.match(text, position)
    if found is None or found["sign"] not in ("+", "-"):
        raise ValueError(f"expected + or - at character {position + 1} of {text!r}")
    return (1 if found["sign"] == "+" else -1), found.end()


def _term(text: str, position: int) -> tuple[Term, int]:
    found = _TOKEN.match(text, position)
    if found is None or found["sign"] is not None:
        raise ValueError(f"expected a number or an indicator at character {position + 1} of {text!r}")
    if found["name"] is not None:
        return Term(Fraction(1), found["name"]), found.end()
    factor = Fraction(found["number"])
    times = _TOKEN.match(text, found.end())
    if times is None or times["sign"] != "*":
        return Term(factor, None), found.end()
    name = _TOKEN.match(text, times.end())
    if name is None or name["name"] is None:
        raise ValueError(f"expected an indicator after * at character {times.end() + 1} of {text!r}")
    return Term(factor, name["name"]), name.end()


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of an expression with a number: `qa.eligible > 0`."""

    text: str
    left: Expression
    sign: str
    right: Fraction

    def holds(self, counts: Counts) -> bool:
        """Whether it holds; an unknown count makes it not hold."""
        value = self.left.value(counts)
        if value is None:
            return False
        return {
            "<": value < self.right,
            "<=": value <= self.right,
            "=": value == self.right,
            ">=": value >= self.right,
            ">": value > self.right,
        }[self.sign]


def parse_condition(text: str) -> Condition:
    """Read a comparison. Raises ValueError that says how to write it."""
    found = _CONDITION.match(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a comparison; write it as `qa.eligible > 0`")
    return Condition(text.strip(), parse(found["left"]), found["sign"], Fraction(found["right"]))
