"""Altered copies of the reference report: one corrected, others with one number changed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from services.report.audit import Audit, audit_text
from services.report.audit.findings import Number

REFERENCE = Path(__file__).parent / "reference"

# What the report contradicts itself on, put right. Each pair is (as published, as it recomputes).
CORRECTIONS = (
    ("giảm 363 tin, bài, CSDL (giảm 36,7%)", "giảm 363 tin, bài, CSDL (giảm 26,8%)"),
    ("tăng gần 1.158 tin, bài, CSDL (tăng 45%)", "tăng gần 1.158 tin, bài, CSDL (tăng 48%)"),
    ("69/80", "69/86"),
    ("17/80", "17/86"),
    ("cấp xã 1342 TTHC", "cấp xã 132 TTHC"),
    ("2.477 hồ sơ, chiếm 4,8%", "2.445 hồ sơ, chiếm 4,7%"),
    ("tăng khoảng 33%", "tăng khoảng 28,4%"),
)


def reference_text() -> str:
    return (REFERENCE / "report-2024-q1.vi.txt").read_text(encoding="utf-8")


def corrected_text() -> str:
    text = reference_text()
    for published, right in CORRECTIONS:
        assert text.count(published) == 1, published
        text = text.replace(published, right)
    return text


@dataclass(frozen=True)
class Alteration:
    """One number changed: where, from what to what, and the text that results."""

    number: Number
    to: str
    text: str


def alterations(text: str, audit: Audit, *, numbers: list[Number]) -> Iterator[Alteration]:
    """Each of `numbers` changed in several ways; changes that leave the reading of other numbers as it
    was."""
    for number in numbers:
        for to in other_values(number.written):
            changed = _replace(text, audit, number, to)
            yield Alteration(number, to, changed)


def other_values(written: str) -> list[str]:
    """The number with another last digit, another first digit, and one more at its end."""
    digits = [m.start() for m in re.finditer(r"\d", written.split("/")[0].split(" ")[0])]
    last, first = digits[-1], digits[0]
    changed = [
        _with_digit(written, last, 3),
        _with_digit(written, first, 2),
        _with_digit(written, last, 7),
    ]
    return [c for c in dict.fromkeys(changed) if c != written]


def _with_digit(written: str, position: int, add: int) -> str:
    digit = (int(written[position]) + add) % 10
    if digit == 0 and position == 0 and len(written) > 1 and written[1] not in "/":
        digit = 1 if written[position] != "1" else 2
    return written[:position] + str(digit) + written[position + 1 :]


def _replace(text: str, audit: Audit, number: Number, to: str) -> str:
    lines = text.splitlines()
    line = lines[number.line - 1]
    same = [n for n in audit.numbers if n.line == number.line and n.written == number.written]
    order = [n.id for n in same].index(number.id)
    pattern = rf"(?<![\w.,/]){re.escape(number.written)}(?![\w/]|[.,]\d)"
    matches = list(re.finditer(pattern, line))
    assert len(matches) >= len(same), (number, line)
    # A heading number at the start of the line may look the same, so count from the end.
    match = matches[order - len(same)]
    lines[number.line - 1] = line[: match.start()] + to + line[match.end() :]
    return "\n".join(lines)


def value(written: str) -> Decimal:
    return Decimal(written.replace(".", "").replace(",", ".").rstrip("%"))


def audited(text: str) -> Audit:
    return audit_text(text, "altered copy")
