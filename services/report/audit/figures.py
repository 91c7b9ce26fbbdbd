"""Figures: a value with the change, percentage and share that the sentence says of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from services.report.audit.layout import Block
from services.report.audit.quantities import Kind, Part, Quantity


class Flow(StrEnum):
    """What happens to the things counted, as the verb before the number says."""

    received = "received"
    carried_over = "carried_over"
    resolved = "resolved"
    on_time = "on_time"
    late = "late"
    open = "open"
    dropped = "dropped"
    turned_away = "turned_away"
    other = "other"


# The first pattern found in the words of the clause decides; parts of what was resolved come before resolved.
_FLOWS: tuple[tuple[Flow, re.Pattern[str]], ...] = tuple(
    (flow, re.compile(pattern, re.IGNORECASE))
    for flow, pattern in (
        (Flow.on_time, r"đúng hạn|trước hạn|sớm hạn|đúng thời hạn"),
        # Refused at the door: it was never received, and no balance has it.
        (Flow.turned_away, r"từ chối tiếp nhận|không(?: được)? tiếp nhận"),
        (Flow.dropped, r"(?<!\w)rút(?!\w)|từ chối|(?<!\w)hủy(?!\w)"),
        (Flow.late, r"trễ hạn|quá hạn|chậm muộn|muộn hạn"),
        (Flow.carried_over, r"(?<!\w)tồn(?!\w)|kỳ trước chuyển|chuyển (?:từ )?kỳ trước|chuyển tiếp từ"),
        (Flow.open, r"(?:đang|chưa)(?: được)? (?:giải quyết|xử lý|trả lời|tiếp nhận)|"
                    r"(?<!\w)chờ(?!\w)|còn lại|chưa đến hạn"),
        (Flow.resolved, r"(?:đã|được)(?: được)? (?:giải quyết|xử lý|trả lời|hoàn thành)|"
                        r"(?:giải quyết|trả lời|xử lý)\s*(?:là|:|được|$)"),
        (Flow.received, r"tiếp nhận|nhận được|phát sinh|gửi đến|gửi tới"),
    )
)  # fmt: skip
_FROM = re.compile(r"(?<!\w)từ\s*$", re.IGNORECASE)
_TO = re.compile(r"[^\d;.()]{0,40}?(?<!\w)(?:lên|xuống|còn)(?: còn| đến| tới)?\s*", re.IGNORECASE)
_OPENS_WITH_CHANGE = re.compile(r"\s*(?:\(\s*)?(?:đã\s+)?(?:tăng|giảm)(?!\w)", re.IGNORECASE)
OPEN_LIST = re.compile(r"\b(?:như(?! sau)|điển hình|tiêu biểu|nổi bật|ví dụ|chủ yếu)\b\s*:?", re.IGNORECASE)


@dataclass(slots=True)
class Figure:
    """A value (or fraction) and what is said of it. `flow` is other when no known verb is near."""

    quantity: Quantity
    flow: Flow
    change: Quantity | None = None
    percent: Quantity | None = None
    share: Quantity | None = None
    earlier: Quantity | None = None
    parts: list["Figure"] = field(default_factory=list)
    part_of: "Figure | None" = None

    @property
    def is_fraction(self) -> bool:
        return self.quantity.kind is Kind.fraction

    @property
    def id(self) -> int:
        return self.quantity.id


class Reading:
    """A text read: its blocks, quantities and figures, with the questions that relations ask of it."""

    def __init__(self, blocks: list[Block], quantities: list[Quantity]) -> None:
        self.blocks = blocks
        self.quantities = quantities
        self.figures = [
            Figure(q, flow_of(q)) for q in quantities
            if q.part is Part.value and q.kind in (Kind.plain, Kind.fraction)
        ]  # fmt: skip
        self._by_block: dict[int, list[Figure]] = {}
        for figure in self.figures:
            self._by_block.setdefault(figure.quantity.block, []).append(figure)
        self._pair_from_to()
        self.orphans = [q for q in quantities if q.part in (Part.change, Part.share, Part.earlier)]
        self.orphans = [q for q in self.orphans if not self._attach(q)]

    def _pair_from_to(self) -> None:
        """``từ 8.138 lên 10.449 tin, bài``: the first is the earlier value of the second."""
        for block in self.blocks:
            figures = self.figures_in(block.index)
            for first, second in pairwise(figures):
                between = block.text[first.quantity.end : second.quantity.start]
                if _FROM.search(first.quantity.before) and _TO.fullmatch(between):
                    second.earlier = first.quantity

    def figures_in(self, block: int) -> list[Figure]:
        return self._by_block.get(block, [])

    def children(self, block: int) -> list[Block]:
        """The bullets directly under a block, or the bullets of the list that it announces."""
        return [b for b in self.blocks if b.parent == block and not b.heading]

    def sentence(self, quantity: Quantity) -> str:
        block = self.blocks[quantity.block]
        return block.quote(*block.sentence_at(quantity.start))

    def sentence_of(self, quantity: Quantity) -> tuple[int, int]:
        return self.blocks[quantity.block].sentence_at(quantity.start)

    def section(self, quantity: Quantity) -> str:
        return self.blocks[quantity.block].section

    def _attach(self, quantity: Quantity) -> bool:
        if quantity.kind is Kind.percent and quantity.part is Part.change:
            return self._may_follow(quantity) and self._give(quantity, lambda f: f.percent is None, "percent")
        if quantity.part is Part.share:
            return self._give(quantity, lambda f: f.share is None, "share")
        if quantity.part is Part.earlier:
            return self._give(quantity, lambda f: f.earlier is None, "earlier")
        if not quantity.unit.terms and not self._may_follow(quantity):
            return False
        return self._give(quantity, lambda f: f.change is None, "change")

    def _may_follow(self, quantity: Quantity) -> bool:
        """Whether a change speaks of a number before it, and not of a noun of its own or of a percentage.

        It does when a number of its clause stands before it, or when its clause opens with 'tăng' or 'giảm'.
        """
        start, _ = self.blocks[quantity.block].clause_at(quantity.start)
        before = [
            q for q in self.quantities if q.block == quantity.block and start <= q.start < quantity.start
        ]
        if before:
            return not (before[-1].kind is Kind.percent and before[-1].part is not Part.change)
        return bool(_OPENS_WITH_CHANGE.match(quantity.before))

    def _give(self, quantity: Quantity, free: Callable[[Figure], bool], slot: str) -> bool:
        """Attach to the nearest value before it in the same sentence whose unit it can share."""
        sentence = self.sentence_of(quantity)
        for figure in reversed(self.figures_in(quantity.block)):
            other = figure.quantity
            if not sentence[0] <= other.start < quantity.start:
                continue
            if other.bracket is not None and other.bracket != quantity.bracket:
                continue
            if quantity.unit.terms and not (other.unit.terms & quantity.unit.terms):
                continue
            if not free(figure):
                return False
            setattr(figure, slot, quantity)
            return True
        return False


def flow_of(quantity: Quantity) -> Flow:
    """The flow named by the words of the clause before the number, or after it when it opens the clause."""
    words = quantity.before
    if not re.search(r"[^\W\d·]{2}", words):
        return _first_flow(quantity.after[:60])
    nearest = _first_flow(words.rsplit(", ", 1)[-1])
    return nearest if nearest is not Flow.other else _first_flow(words)


def flow_in(words: str) -> Flow:
    """The flow that a phrase names, for example the base of a share."""
    return _first_flow(words)


def _first_flow(words: str) -> Flow:
    return next((flow for flow, pattern in _FLOWS if pattern.search(words)), Flow.other)
