"""The figures of the report, part by part: what each one is, its formula, and where its counts came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from services.report.documents.figures import (
    Band,
    Combination,
    Extreme,
    Formula,
    Members,
    Percentage,
    RatioExtreme,
    Scale,
    Sum,
)
from services.report.documents.selections import CLASSES, COMPONENT_GROUPS
from services.report.documents.snapshot import Agency, Ledger

HUNDREDTH = Decimal("0.01")
ENDS: tuple[Literal["lowest", "highest"], ...] = ("lowest", "highest")
ITEMS = "tin, bài, CSDL"
CLASS_NAMES = {
    "party": "khối Đảng và chuyên ngành đặc thù",
    "departments": "sở, ban, ngành, đơn vị tỉnh",
    "districts": "huyện, thị xã, thành phố",
    "communes": "xã, phường, thị trấn",
}
GROUP_NAMES = {
    "departments": "sở, ban, ngành tỉnh",
    "vertical": "ngành dọc và đơn vị khác",
    "districts": "cấp huyện",
    "communes": "cấp xã",
    "party": "khối Đảng",
}


@dataclass(slots=True)
class Catalogue:
    """Defines figures in a ledger, with the addresses of the answers that they are made of."""

    ledger: Ledger
    addresses: dict[str, str]

    def add(self, figure: str, label: str, unit: str, formula: Formula, *windows: str) -> None:
        used = formula.windows if isinstance(formula, Sum) else windows
        sources = [self.addresses[name] for name in used]
        self.ledger.define(figure, label, unit, formula, sources)

    def count(
        self, figure: str, label: str, unit: str, indicators: Sequence[str], over: str = "all",
        windows: Sequence[str] = ("now",), minus: Sequence[str] = (),
    ) -> None:  # fmt: skip
        formula = Sum(indicators=tuple(indicators), over=over, windows=tuple(windows), minus=tuple(minus))
        self.add(figure, label, unit, formula)

    def plus(
        self, figure: str, label: str, unit: str, plus: Sequence[str], minus: Sequence[str] = ()
    ) -> None:
        self.add(figure, label, unit, Combination(plus=tuple(plus), minus=tuple(minus)))

    def percent(self, figure: str, label: str, part: str, whole: Sequence[str]) -> None:
        self.add(figure, label, "%", Percentage(part=part, whole=tuple(whole)))

    def compared(
        self,
        figure: str,
        label: str,
        unit: str,
        indicators: Sequence[str],
        over: str,
        against: str = "before",
    ) -> None:
        """A count with the same of an earlier window, the difference and its percentage of the earlier
        value."""
        self.count(figure, label, unit, indicators, over)
        self.count(f"{figure}.before", f"{label}, kỳ so sánh", unit, indicators, over, (against,))
        self.difference(figure, label, unit)

    def difference(self, figure: str, label: str, unit: str) -> None:
        self.plus(f"{figure}.delta", f"{label}, tăng giảm", unit, [figure], [f"{figure}.before"])
        self.percent(f"{figure}.change", f"{label}, tỷ lệ tăng giảm", f"{figure}.delta", [f"{figure}.before"])


def define(ledger: Ledger, addresses: dict[str, str], agencies: dict[str, Agency]) -> None:
    """Define every figure of the report."""
    catalogue = Catalogue(ledger, addresses)
    _portal(catalogue)
    _social(catalogue)
    _components(catalogue)
    _portals(catalogue)
    _content_scores(catalogue, "party")
    _content_scores(catalogue, "government")
    catalogue.plus(
        "portals.scored",
        "Cổng được chấm điểm",
        "Cổng",
        ["content.party.agencies", "content.government.agencies"],
    )
    _questions(catalogue)
    _question_scores(catalogue)
    _procedures(catalogue)
    _dossiers(catalogue)
    _dossier_scores(catalogue)
    catalogue.add(
        "boards.established", "đơn vị có Ban biên tập", "đơn vị", Members(of="list.boards"), "boards"
    )
    catalogue.add("reports.received", "đơn vị đã gửi báo cáo", "đơn vị", Members(of="list.reports"), "now")
    _silent(catalogue, agencies)


def define_active(
    ledger: Ledger, addresses: dict[str, str], agencies: dict[str, Agency], active: Sequence[str]
) -> None:
    """The items of each portal that the report names as the most active."""
    catalogue = Catalogue(ledger, addresses)
    for slug in active:
        catalogue.count(f"active.{slug}", agencies[slug].name, ITEMS, ["content.items"], f"agency.{slug}")


def _portal(c: Catalogue) -> None:
    for name, label in (("articles", "tin, bài"), ("datasets", "bộ thông tin CSDL")):
        c.compared(f"portal.{name}", f"Cổng tỉnh: {label}", label, [f"content.{name}"], "province")
    c.plus("portal.items", "Cổng tỉnh: tin, bài, CSDL", ITEMS, ["portal.articles", "portal.datasets"])
    before = ["portal.articles.before", "portal.datasets.before"]
    c.plus("portal.items.before", "Cổng tỉnh: tin, bài, CSDL, kỳ so sánh", ITEMS, before)
    c.difference("portal.items", "Cổng tỉnh: tin, bài, CSDL", ITEMS)
    c.compared("portal.visits", "Cổng tỉnh: lượt truy cập", "lượt", ["content.visits"], "province")
    history = [name for name in c.addresses if name.startswith("history_")]
    c.count(
        "portal.visits.cumulative", "Cổng tỉnh: lượt truy cập lũy kế", "lượt", ["content.visits"], "province",
        history,
    )  # fmt: skip
    c.count("portal.spokesperson", "bản tin người phát ngôn", "bản tin", ["content.spokesperson"], "province")
    c.count("portal.press_digest", "điểm báo", "bản tin", ["content.press_digest"], "province")


def _social(c: Catalogue) -> None:
    for channel, name in (("facebook", "Facebook"), ("zalo", "Zalo")):
        c.compared(
            f"{channel}.posts", f"{name}: tin, bài", "tin, bài", [f"content.social.{channel}"], "province"
        )
        reach = "facebook.reach" if channel == "facebook" else "zalo.views"
        c.compared(reach, f"{name}: lượt tiếp cận", "lượt", [f"content.reach.{channel}"], "province")
        c.compared(
            f"{channel}.followers", f"{name}: người theo dõi", "người", [f"content.followers.{channel}"],
            "province", "last_year",
        )  # fmt: skip


def _components(c: Catalogue) -> None:
    for name in CLASSES:
        c.compared(f"components.{name}.items", CLASS_NAMES[name], ITEMS, ["content.items"], f"class.{name}")
    for suffix in ("", ".before"):
        parts = [f"components.{name}.items{suffix}" for name in CLASSES]
        c.plus(f"components.items{suffix}", f"Cổng thành phần: tin, bài, CSDL{suffix}", ITEMS, parts)
    c.difference("components.items", "Cổng thành phần: tin, bài, CSDL", ITEMS)
    for suffix in ("", ".before"):
        parts = [f"portal.items{suffix}", f"components.items{suffix}"]
        c.plus(f"system.items{suffix}", f"toàn hệ thống: tin, bài, CSDL{suffix}", ITEMS, parts)
    c.difference("system.items", "toàn hệ thống: tin, bài, CSDL", ITEMS)
    c.count(
        "components.communes.portals.delta",
        "Cổng cấp xã thêm sau một năm",
        "Cổng",
        ["portal.opened"],
        "communes",
        ("between",),
        ("portal.closed",),
    )


def _portals(c: Catalogue) -> None:
    for group in COMPONENT_GROUPS:
        c.add(
            f"portals.{group}", f"Cổng {GROUP_NAMES[group]}", "Cổng", Members(of=f"open.{group}"), "agencies"
        )
    c.plus("portals.total", "Cổng thành phần", "Cổng", [f"portals.{group}" for group in COMPONENT_GROUPS])
    c.count(
        "portals.total.delta", "Cổng tăng giảm so với cuối năm trước", "Cổng", ["portal.opened"], "all",
        ("this_year",), ("portal.closed",),
    )  # fmt: skip
    c.add("portals.by_district", "Cổng do cấp huyện chấm điểm", "Cổng", Members(of="by_district"), "agencies")
    c.add("portals.not_scored", "Cổng không chấm điểm", "Cổng", Members(of="not_scored"), "agencies")


def _scale(c: Catalogue, figure: str, of: str, module: str) -> Decimal:
    """The three numbers of a scale; gives the maximum, 0 where nobody is scored."""
    ends: tuple[tuple[str, Literal["base_max", "bonus_max", "max"]], ...]
    ends = (("base", "base_max"), ("bonus", "bonus_max"), ("max", "max"))
    for name, end in ends:
        formula = Scale(of=of, module=module, end=end)
        c.add(f"scale.{figure}.{name}", f"thang điểm {figure}", "điểm", formula, "scores")
    return c.ledger.value(f"scale.{figure}.max") or Decimal(0)


def _band(c: Catalogue, figure: str, of: str, module: str, low: Decimal, high: Decimal) -> None:
    """How many lie in a band, and the lowest and highest points among them."""
    c.add(figure, "số đơn vị", "đơn vị", Band(of=of, module=module, low=low, high=high), "scores")
    for end in ENDS:
        formula = Extreme(of=of, module=module, low=low, high=high, end=end)
        c.add(f"{figure}.{end}", "điểm", "điểm", formula, "scores")


def _content_scores(c: Catalogue, bloc: str) -> None:
    of, figure = f"scored.content.{bloc}", f"content.{bloc}"
    c.add(f"{figure}.agencies", f"Cổng được chấm điểm, {bloc}", "Cổng", Members(of=of), "scores")
    highest = _scale(c, figure, of, "content")
    _band(c, f"{figure}.full", of, "content", highest, highest)
    _band(c, f"{figure}.rest", of, "content", Decimal(0), highest - HUNDREDTH)


def _questions(c: Catalogue) -> None:
    unit = "câu hỏi"
    c.compared("qa.received", "câu hỏi nhận được", unit, ["qa.received"], "all")
    c.count("qa.deleted", "câu hỏi bị xóa", unit, ["qa.deleted"])
    c.plus("qa.eligible", "câu hỏi đủ điều kiện", unit, ["qa.received"], ["qa.deleted"])
    c.percent("qa.eligible.share", "tỷ lệ đủ điều kiện", "qa.eligible", ["qa.received"])
    c.count("qa.answered_on_time", "trả lời đúng hạn", unit, ["qa.answered_on_time"])
    c.count("qa.answered", "câu hỏi đã trả lời", unit, ["qa.answered"])
    c.plus("qa.waiting", "chờ tiếp nhận, chờ trả lời", unit, ["qa.eligible"], ["qa.answered"])
    c.count("qa.answered_late", "trả lời chậm", unit, ["qa.answered_late"])
    c.count("qa.wrong_title", "trả lời chưa đúng chức danh", unit, ["qa.wrong_title"])
    c.count("qa.overdue", "quá hạn chưa trả lời", unit, ["qa.overdue"])


def _question_scores(c: Catalogue) -> None:
    of = "scored.qa"
    c.add("qa.agencies", "đơn vị được chấm điểm Hỏi - Đáp", "đơn vị", Members(of=of), "scores")
    highest = _scale(c, "qa", of, "qa")
    base = c.ledger.value("scale.qa.base") or Decimal(0)
    _band(c, "qa.score.above", of, "qa", base + HUNDREDTH, highest)
    _band(c, "qa.score.base", of, "qa", base, base)
    c.add(
        "qa.score.base.no_question", "trong đó không có câu hỏi", "đơn vị",
        Band(of="qa.without_question", module="qa", low=base, high=base), "scores",
    )  # fmt: skip
    _band(c, "qa.score.below", of, "qa", HUNDREDTH, base - HUNDREDTH)
    _band(c, "qa.score.zero", of, "qa", Decimal(0), Decimal(0))


def _procedures(c: Catalogue) -> None:
    c.count("procedures.decisions", "quyết định công bố, bãi bỏ", "quyết định", ["procedure.decisions"])
    entries = ["procedure.published", "procedure.abolished"]
    c.count("procedures.in_decisions", "TTHC trong các quyết định", "TTHC", entries)
    history = [name for name in c.addresses if name.startswith("history_")]
    c.count(
        "procedures.total", "TTHC đang có hiệu lực", "TTHC", ["procedure.published"], "all", history,
        ("procedure.abolished",),
    )  # fmt: skip


def _dossiers(c: Catalogue) -> None:
    unit = "hồ sơ"
    for name, label in (("one_stop", "qua một cửa"), ("online", "trực tuyến")):
        c.count(f"dossier.received.{name}", f"tiếp nhận {label}", unit, [f"dossier.received.{name}"])
        c.count(
            f"dossier.received.{name}.before", f"tiếp nhận {label}, kỳ so sánh", unit,
            [f"dossier.received.{name}"], windows=("before",),
        )  # fmt: skip
    for suffix in ("", ".before"):
        parts = [f"dossier.received.one_stop{suffix}", f"dossier.received.online{suffix}"]
        c.plus(f"dossier.received{suffix}", f"hồ sơ tiếp nhận{suffix}", unit, parts)
    c.difference("dossier.received", "hồ sơ tiếp nhận", unit)
    c.percent("dossier.online.share", "tỷ lệ trực tuyến", "dossier.received.online", ["dossier.received"])
    c.count("dossier.carried_over", "tồn từ kỳ trước", unit, ["dossier.carried_over"])
    for name, label in (("on_time", "đúng hạn"), ("late", "trễ hạn"), ("no_due", "không có hạn")):
        c.count(f"dossier.resolved.{name}", f"giải quyết {label}", unit, [f"dossier.resolved.{name}"])
    parts = ["dossier.resolved.on_time", "dossier.resolved.late", "dossier.resolved.no_due"]
    c.plus("dossier.resolved", "hồ sơ đã giải quyết", unit, parts)
    whole = ["dossier.received", "dossier.carried_over"]
    c.percent("dossier.resolved.share", "tỷ lệ giải quyết", "dossier.resolved", whole)
    for name in ("on_time", "late", "no_due"):
        c.percent(f"dossier.resolved.{name}.share", "tỷ lệ", f"dossier.resolved.{name}", ["dossier.resolved"])
    c.count("dossier.withdrawn", "hồ sơ rút", unit, ["dossier.withdrawn"])
    received = "dossier.rejected.received"
    c.count(received, "hồ sơ đã tiếp nhận rồi từ chối", unit, [received])
    c.count("dossier.turned_away", "hồ sơ từ chối tiếp nhận", unit, ["dossier.rejected"], minus=[received])
    c.count("dossier.in_progress", "hồ sơ đang giải quyết", unit, ["dossier.in_progress"])
    c.percent(
        "dossier.in_progress.share", "tỷ lệ đang giải quyết", "dossier.in_progress", ["dossier.received"]
    )
    c.count("dossier.overdue", "đang giải quyết đã quá hạn", unit, ["dossier.overdue"])
    c.plus(
        "dossier.balance", "số phải còn lại", unit, whole,
        ["dossier.resolved", "dossier.withdrawn", received],
    )  # fmt: skip


def _dossier_scores(c: Catalogue) -> None:
    of = "scored.dossier"
    c.add("dossier.agencies", "đơn vị được chấm điểm DVC", "đơn vị", Members(of=of), "scores")
    highest = _scale(c, "dossier", of, "dossier")
    busy = "dossier.with_dossier"
    _band(c, "dossier.score.full", busy, "dossier", highest, highest)
    _band(c, "dossier.score.rest", busy, "dossier", Decimal(0), highest - HUNDREDTH)
    _band(c, "dossier.score.none", "dossier.without_dossier", "dossier", Decimal(0), highest)
    on_time = ("dossier.resolved.on_time",)
    decided = ("dossier.resolved.on_time", "dossier.resolved.late")
    for end in ENDS:
        formula = RatioExtreme(of="dossier.full_points", part=on_time, whole=decided, end=end)
        c.add(f"dossier.score.full.on_time.{end}", "tỷ lệ đúng hạn", "%", formula, "now")


def _silent(c: Catalogue, agencies: dict[str, Agency]) -> None:
    c.add("inactive.agencies", "Cổng không duy trì", "Cổng", Members(of="silent.agencies"), "now")
    for district in (a for a in agencies.values() if a.group == "districts" and a.listed):
        slug = district.agency
        c.add(
            f"inactive.{slug}",
            f"{district.name}: Cổng cấp xã không duy trì",
            "Cổng",
            Members(of=f"silent.{slug}"),
            "now",
        )
        c.add(
            f"communes.{slug}",
            f"{district.name}: Cổng cấp xã",
            "Cổng",
            Members(of=f"communes.{slug}"),
            "agencies",
        )
