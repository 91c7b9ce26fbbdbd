"""The answers of a scoring service that counted exactly the reference figures, in the shapes of the contract.

The figures give sums; who had how much of them is filled in evenly. `serve` puts the answers behind a real
HTTP server on a free port, so that the documents are made through their own client.
"""

import csv
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from services.report.documents.scoring import windows_of
from shared.calendar.periods import Window
from shared.register import Agency, Register, shipped_register

FIGURES = Path(__file__).parent / "reference" / "figures-2024-q1.csv"
WINDOW = Window(date(2024, 1, 1), date(2024, 3, 22))
AS_OF = "2024-03-22T17:00:00+07:00"
Counts = dict[str, dict[str, int]]
INACTIVE = {
    "huyen-bat-xat": "bat-xat", "thi-xa-sa-pa": "sa-pa", "thanh-pho-lao-cai": "lao-cai",
    "huyen-si-ma-cai": "si-ma-cai", "huyen-van-ban": "van-ban", "huyen-bao-yen": "bao-yen",
    "huyen-bac-ha": "bac-ha", "huyen-muong-khuong": "muong-khuong",
}  # fmt: skip
NAMED = {
    "cong-an-tinh": "top.cong-an-tinh", "ban-tuyen-giao-tinh-uy": "top.ban-tuyen-giao",
    "so-thong-tin-va-truyen-thong": "top.so-tttt", "vuon-quoc-gia-hoang-lien": "top.vqg-hoang-lien",
    "thanh-pho-lao-cai": "top.tp-lao-cai", "thi-xa-sa-pa": "top.tx-sa-pa",
}  # fmt: skip
SILENT = ("trung-tam-dich-vu-dau-gia-tai-san-tinh", "hoi-khuyen-hoc-tinh", "ban-quan-ly-du-an-vlg-lao-cai")
CRITERIA = {
    "content": (("regularity", "0.4"), ("volume", "0.4"), ("categories", "0.2")),
    "qa": (("acceptance", "0.4"), ("timeliness", "0.3"), ("right-title", "0.3")),
    "dossier": (("on-time", "0.6"), ("online", "0.4")),
}
SCALES = {"party": (90, 5), "government": (50, 5), "qa": (15, 3), "dossier": (25, 2)}
TITLES = {
    "regularity": "Đăng tin thường xuyên",
    "volume": "Số lượng tin, bài",
    "categories": "Đủ chuyên mục bắt buộc",
    "acceptance": "Tiếp nhận câu hỏi",
    "timeliness": "Trả lời đúng hạn",
    "right-title": "Đúng chức danh người trả lời",
    "on-time": "Tỷ lệ giải quyết đúng hạn",
    "online": "Tỷ lệ tiếp nhận trực tuyến",
    "bonus": "Khuyến khích",
}


def published() -> dict[str, str]:
    """Figure id → value as the figures file has it."""
    with FIGURES.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["value"] for row in csv.DictReader(file)}


class Answers:
    """All answers by address. `published` may be changed before they are made."""

    def __init__(self, figures: Mapping[str, str] | None = None, window: Window = WINDOW) -> None:
        self.figures = dict(figures or published())
        self.window = window
        self.incomplete: set[str] = set()
        self.state: dict[str, Any] = {"period": "2024-Q1", "state": "open", "sha256": None}
        self.register: Register = shipped_register()
        self.counts: dict[str, Counts] = {name: {} for name in windows_of(self.window)}
        self._portal()
        self._components()
        self._organisation()
        self._questions()
        self._dossiers()
        self.scores = self._scores()

    def n(self, figure: str) -> int:
        return int(self.figures[figure])

    def put(self, window: str, agency: str, indicator: str, count: int) -> None:
        # Two windows of the same days have one address, and so one answer.
        same = [
            name for name, days in windows_of(self.window).items() if days == windows_of(self.window)[window]
        ]
        counts = self.counts[same[0]].setdefault(agency, {})
        counts[indicator] = counts.get(indicator, 0) + count

    def agencies(self) -> list[Agency]:
        return list(self.register.agencies.values())

    def open(self, rule: Any) -> list[str]:
        return [a.slug for a in self.agencies() if a.closed is None and rule(a)]

    def _portal(self) -> None:
        slug = self.open(lambda a: a.group == "province")[0]
        pairs = (
            ("portal.articles", "content.articles"), ("portal.datasets", "content.datasets"),
            ("portal.visits", "content.visits"), ("facebook.posts", "content.social.facebook"),
            ("facebook.reach", "content.reach.facebook"), ("zalo.posts", "content.social.zalo"),
        )  # fmt: skip
        for figure, indicator in pairs:
            self.put("now", slug, indicator, self.n(figure))
            self.put("before", slug, indicator, self.n(figure) - self.n(f"{figure}.delta"))
        for window, suffix in (("now", ""), ("before", ".delta")):
            items = self.n("portal.items") - (self.n(f"portal.items{suffix}") if suffix else 0)
            self.put(window, slug, "content.items", items)
        self.put("now", slug, "content.reach.zalo", self.n("zalo.views"))
        self.put("before", slug, "content.reach.zalo", 106_400)
        followers = self.n("facebook.followers")
        self.put("now", slug, "content.followers.facebook", followers)
        self.put(
            "last_year", slug, "content.followers.facebook", followers - self.n("facebook.followers.delta")
        )
        self.put("now", slug, "content.spokesperson", self.n("portal.spokesperson"))
        self.put("now", slug, "content.press_digest", self.n("portal.press_digest"))
        self.put("history_2", slug, "content.visits", 60_000_000)
        self.put("history_3", slug, "content.visits", self.n("portal.visits.cumulative") - 60_000_000)

    def _components(self) -> None:
        silent = set(SILENT)
        for district, figure in INACTIVE.items():
            communes = self.open(lambda a, d=district: a.parent == d)
            silent.update(communes[: self.n(f"inactive.{figure}")])
        classes = {
            "party": lambda a: a.bloc == "party",
            "departments": lambda a: a.bloc != "party" and a.group in ("departments", "vertical"),
            "districts": lambda a: a.group == "districts",
            "communes": lambda a: a.group == "communes",
        }
        for name, rule in classes.items():
            total = self.n(f"components.{name}.items")
            before = total - self.n(f"components.{name}.delta")
            members = [slug for slug in self.open(rule) if slug not in silent]
            fixed = {slug: self.n(NAMED[slug]) for slug in members if slug in NAMED}
            rest = share(total - sum(fixed.values()), [slug for slug in members if slug not in fixed])
            for slug, items in (fixed | rest).items():
                self._items("now", slug, items)
            for slug, items in share(before, members).items():
                self._items("before", slug, items)

    def _items(self, window: str, slug: str, items: int) -> None:
        self.put(window, slug, "content.items", items)
        self.put(window, slug, "content.articles", items - items // 4)
        self.put(window, slug, "content.datasets", items // 4)

    def _organisation(self) -> None:
        departments = self.open(lambda a: a.group == "departments")
        entries = share(self.n("procedures.in_decisions"), departments)
        for slug, decisions in share(self.n("procedures.decisions"), departments).items():
            self.put("now", slug, "procedure.decisions", decisions)
            self.put("now", slug, "procedure.published", entries[slug])
        self.put("history_3", departments[0], "procedure.published", 3200)
        self.put("history_3", departments[0], "procedure.abolished", 105)
        listed = self.open(lambda a: a.group not in ("communes", "province"))
        for slug in listed[: self.n("reports.received")]:
            self.put("now", slug, "content.report.received", 1)
        for slug in listed[-self.n("boards.established") :]:
            self.put("boards", slug, "content.board.established", 1)
        for slug in ("so-tai-chinh", "so-ngoai-vu", "ban-dan-toc-tinh"):
            self.put("now", slug, "content.channel.opened", 1)
        for slug in ("so-giao-thong-van-tai", "so-xay-dung"):
            self.put("this_year", slug, "portal.opened", 1)
        self.put("this_year", "so-giao-thong-van-tai-xay-dung", "portal.closed", 1)

    def _questions(self) -> None:
        scored = self.scored("qa")
        asked = scored[: len(scored) - self.n("qa.score.15.no_question")]
        eligible = share(self.n("qa.eligible"), asked)
        answered = share(self.n("qa.answered"), asked)
        for slug, deleted in share(self.n("qa.deleted"), asked).items():
            self.put("now", slug, "qa.received", eligible[slug] + deleted)
            self.put("now", slug, "qa.deleted", deleted)
            self.put("now", slug, "qa.answered", answered[slug])
            self.put("now", slug, "qa.answered_on_time", answered[slug])
        self.put("now", asked[1], "qa.answered_on_time", -1)
        self.put("now", asked[1], "qa.answered_late", 1)
        self.put("now", asked[2], "qa.wrong_title", 1)
        before = self.n("qa.received") - self.n("qa.received.delta")
        for slug, received in share(before, asked).items():
            self.put("before", slug, "qa.received", received)

    def _dossiers(self) -> None:
        scored = self.scored("dossier")
        busy = scored[: self.n("dossier.score.27")]
        flows = {
            name: share(self.n(f"dossier.{name}"), busy, rising=True)
            for name in (
                "received.online",
                "received.one_stop",
                "carried_over",
                "resolved.on_time",
                "resolved.late",
            )
        }
        for name, shared in flows.items():
            for slug, count in shared.items():
                self.put("now", slug, f"dossier.{name}", count)
        for slug in busy:
            row = self.counts["now"][slug]
            row["dossier.received"] = row["dossier.received.online"] + row["dossier.received.one_stop"]
            row["dossier.in_progress"] = (
                row["dossier.received"] + row["dossier.carried_over"] - row["dossier.resolved.on_time"]
                - row["dossier.resolved.late"]
            )  # fmt: skip
        before = self.n("dossier.received") - self.n("dossier.received.delta")
        for slug, count in share(before - 4000, busy).items():
            self.put("before", slug, "dossier.received.online", count)
        for slug, count in share(4000, busy).items():
            self.put("before", slug, "dossier.received.one_stop", count)

    def scored(self, module: str) -> list[str]:
        return [a.slug for a in self.agencies() if a.closed is None and module in a.modules]

    def _scores(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}

        def give(slugs: Sequence[str], scale: str, points: Sequence[Decimal]) -> None:
            module = scale if scale in ("qa", "dossier") else "content"
            for slug, value in zip(slugs, points, strict=True):
                found.setdefault(slug, {})[module] = module_score(module, SCALES[scale], value)

        for bloc, low, high in (("party", 83, 94), ("government", 49, 54)):
            slugs = self.open(lambda a, b=bloc: a.bloc == b)
            full = self.n(f"content.{bloc}.full")
            give(slugs, bloc, [Decimal(sum(SCALES[bloc]))] * full + spread(low, high, len(slugs) - full))
        bands = (("13_14", 13, 14), ("0", 0, 0))
        scored = self.scored("qa")
        points = [Decimal(16)] * self.n("qa.score.16")
        for figure, low, high in bands:
            points += spread(low, high, self.n(f"qa.score.{figure}"))
        points += [Decimal(15)] * self.n("qa.score.15")
        give(scored, "qa", points)
        dossier = self.scored("dossier")
        give(
            dossier,
            "dossier",
            [Decimal(27)] * self.n("dossier.score.27") + [Decimal(25)] * self.n("dossier.score.25"),
        )
        return found

    def answer(self, path: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        """The JSON of an address, None for one that is not there."""
        days = {"from": self.window.first.isoformat(), "to": self.window.last.isoformat(), "as_of": AS_OF}
        if path == "/v1/agencies":
            return {"agencies": [agency_row(a) for a in self.agencies()]}
        if path == "/v1/periods":
            return {"periods": [self.state]}
        if path == "/v1/rulesets":
            return {"rulesets": rule_sets()}
        if path == "/v1/indicators":
            windows = windows_of(self.window)
            name = next(n for n, w in windows.items() if w.first.isoformat() == query["from"] and
                        w.last.isoformat() == query["to"])  # fmt: skip
            return {"from": query["from"], "to": query["to"], "as_of": AS_OF, "agencies": self.counts[name]}
        if path == "/v1/scores":
            scores = [
                {"agency": a, "modules": summary(m), "complete": a not in self.incomplete}
                for a, m in self.scores.items()
            ]
            return {**days, "period": None, "scores": scores}
        agency = path.removeprefix("/v1/scores/")
        if agency in self.scores:
            return {**days, "agency": agency, "modules": self.scores[agency], "complete": True}
        return None


def share(total: int, among: Sequence[str], *, rising: bool = False) -> dict[str, int]:
    """Split a total exactly; with `rising` the later ones get more."""
    weights = [i + 3 for i in range(len(among))] if rising else [1] * len(among)
    parts = [total * weight // sum(weights) for weight in weights]
    for index in range(total - sum(parts)):
        parts[-1 - index % len(parts)] += 1
    return dict(zip(among, parts, strict=True))


def spread(low: int, high: int, count: int) -> list[Decimal]:
    """`count` points from low to high, both reached."""
    if count <= 1:
        return [Decimal(high)] * count
    step = Decimal(high - low) / (count - 1)
    return [(low + step * i).quantize(Decimal("0.01")) for i in range(count)]


def module_score(module: str, scale: tuple[int, int], points: Decimal) -> dict[str, Any]:
    """A module's score whose criteria add up to the points."""
    base_max, bonus_max = Decimal(scale[0]), Decimal(scale[1])
    base = min(points, base_max)
    bonus = points - base
    criteria, left = [], base
    parts = CRITERIA[module]
    for index, (name, weight) in enumerate(parts):
        given = left if index == len(parts) - 1 else (base * Decimal(weight)).quantize(Decimal("0.01"))
        left -= given
        criteria.append(criterion(name, given, base_max * Decimal(weight), is_bonus=False))
    criteria.append(criterion("bonus", bonus, bonus_max, is_bonus=True))
    return {
        "points": float(points),
        "bonus": float(bonus),
        "base_max": float(base_max),
        "bonus_max": float(bonus_max),
        "max": float(base_max + bonus_max),
        "ruleset": f"{module}@2024.1",
        "criteria": criteria,
    }


def criterion(name: str, points: Decimal, most: Decimal, *, is_bonus: bool) -> dict[str, Any]:
    return {
        "id": name, "points": float(points), "max": float(most), "bonus": is_bonus, "status": "scored",
        "indicators": {},
    }  # fmt: skip


def summary(modules: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {k: v for k, v in module.items() if k != "criteria"} for name, module in modules.items()}


def rule_sets() -> list[dict[str, Any]]:
    return [
        {"id": m, "version": "2024.1", "criteria": [{"id": c, "title": {"vi": TITLES[c]}} for c in names]}
        for m, names in ((m, [c for c, _ in rows] + ["bonus"]) for m, rows in CRITERIA.items())
    ]


def agency_row(agency: Agency) -> dict[str, Any]:
    return {
        "agency": agency.slug, "name": agency.name, "name_en": agency.name_en, "group": agency.group,
        "bloc": agency.bloc, "parent": agency.parent, "modules": list(agency.modules),
        "provenance": agency.provenance, "opened": agency.opened.isoformat(),
        "closed": agency.closed.isoformat() if agency.closed else None,
    }  # fmt: skip


@contextmanager
def serve(answers: Answers) -> Iterator[str]:
    """The answers behind HTTP; gives the base address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            body = answers.answer(parts.path, query)
            self.send_response(200 if body is not None else 404)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body or {"title": "not found"}).encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Tests need no access log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
