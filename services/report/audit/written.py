"""Numbers as Vietnamese administrative texts write them.

A dot groups thousands and a comma starts the decimals: ``9.506``, ``95,5%``, ``1,88 triệu``. Small counts
carry a leading zero (``05/16``) and large ones sometimes no dot at all (``1342``). Words in front soften a
number: ``gần`` (nearly), ``khoảng`` (about), ``trên`` (more than).
"""

import re
import unicodedata
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from functools import cache

NUMBER = r"\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+(?:[.,]\d+)?"
MULTIPLIERS = {"nghìn": 3, "ngàn": 3, "triệu": 6, "tỷ": 9, "tỉ": 9}
MULTIPLIER = "|".join(MULTIPLIERS)
_GROUPED = re.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?")


class Hedge(StrEnum):
    """How a number is softened: the true value lies below, around or above what is written."""

    below = "below"
    about = "about"
    above = "above"


HEDGES = {
    "gần": Hedge.below, "dưới": Hedge.below, "khoảng": Hedge.about, "xấp xỉ": Hedge.about, "ước": Hedge.about,
    "ước khoảng": Hedge.about, "trên": Hedge.above, "hơn": Hedge.above,
}  # fmt: skip
HEDGE = "|".join(sorted(HEDGES, key=len, reverse=True))


class Fit(StrEnum):
    """How a computed value fits what is written."""

    exact = "exact"
    rounded = "rounded"
    truncated = "truncated"
    no = "no"


def number_value(text: str) -> Decimal:
    """The value of one written number, without unit or multiplier. Raises ValueError on anything else."""
    if _GROUPED.fullmatch(text):
        return Decimal(text.replace(".", "").replace(",", "."))
    if re.fullmatch(r"\d+(?:[.,]\d+)?", text):
        return Decimal(text.replace(",", "."))
    raise ValueError(f"not a number in Vietnamese form: {text!r}")


def number_step(text: str, power: int, hedged: bool) -> Decimal:
    """The weight of the last digit that means something, 0 for a count written out in full.

    A plain count is exact. Decimals and multipliers (``1,88 triệu``) are rounded to their last digit. A
    softened number is rounded to its last digit that is not zero, so ``gần 20`` is known to tens and ``gần
    2.252`` to ones.
    """
    decimals = len(text.split(",")[1]) if "," in text else 0
    if not _GROUPED.fullmatch(text) and "." in text:
        decimals = len(text.split(".")[1])
    digits = text.replace(".", "").replace(",", "")
    if hedged:
        stripped = digits.rstrip("0")
        exponent = len(digits) - len(stripped) if stripped else 0
        return Decimal(1).scaleb(exponent - decimals + power)
    if decimals == 0 and power == 0:
        return Decimal(0)
    return Decimal(1).scaleb(power - decimals)


def fit(stated: Decimal, step: Decimal, hedge: Hedge | None, computed: Decimal) -> Fit:
    """Whether `computed` is what a careful writer would have written as `stated`."""
    if computed == stated:
        return Fit.exact
    if step == 0:
        return Fit.no
    difference = computed - stated
    if abs(difference) * 2 <= step:
        return Fit.rounded
    if hedge is Hedge.below and -step < difference < 0:
        return Fit.rounded
    if hedge is Hedge.above and 0 < difference < step:
        return Fit.rounded
    if 0 < difference < step:
        return Fit.truncated
    return Fit.no


def vietnamese(value: Decimal | int, decimals: int | None = None) -> str:
    """Write a number the Vietnamese way: ``9506`` → ``9.506``, ``Decimal('26.85')`` with 1 → ``26,9``.

    Without `decimals` the number keeps its own, less trailing zeros.
    """
    number = Decimal(value)
    if decimals is not None:
        number = number.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    else:
        whole = number.quantize(Decimal(1), rounding=ROUND_DOWN)
        number = whole if whole == number else number.normalize()
    grouped = f"{number:,f}"
    return grouped.replace(",", " ").replace(".", ",").replace(" ", ".")


def fold(text: str) -> str:
    """Lower case without diacritics, one character for each, so positions stay the same.

    Reports mix ``Cổng`` with ``Công`` and ``hóa`` with ``hoá``; units are compared in this form.
    """
    return "".join(_fold_character(c) for c in text)


@cache
def _fold_character(character: str) -> str:
    lowered = character.lower()
    if lowered == "đ":
        return "d"
    base = unicodedata.normalize("NFD", lowered)[:1]
    return base or character
