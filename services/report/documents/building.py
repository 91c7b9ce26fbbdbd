"""From the scoring service's answers to one snapshot."""

from collections.abc import Iterator
from typing import Any

from services.report.documents import catalogue, selections
from services.report.documents.figures import Data, ModulePoints
from services.report.documents.scoring import Answers, drift, windows_of
from services.report.documents.snapshot import Days, Ledger, Snapshot


def build(answers: Answers) -> Snapshot:
    """The snapshot of these answers. Raises Unfit or pydantic's ValidationError for answers of another
    shape."""
    agencies = selections.read_agencies(answers)
    counts, scores = selections.read_counts(answers), selections.read_scores(answers)
    chosen = selections.selections(agencies, counts, scores)
    lists = selections.named_lists(agencies, counts, chosen)
    chosen |= {f"list.{name}": named.agencies for name, named in lists.items()}
    chosen |= {f"agency.{slug}": (slug,) for slug in lists["active"].agencies}
    chosen["dossier.full_points"] = tuple(
        slug for slug in chosen["dossier.with_dossier"] if _full(scores[slug]["dossier"])
    )
    data = Data(counts=counts, scores=scores, selections=chosen)
    ledger = Ledger(data)
    catalogue.define(ledger, _addresses(answers), agencies)
    catalogue.define_active(ledger, _addresses(answers), agencies, lists["active"].agencies)
    state, seal = _state(answers)
    drifted = tuple(drift(answers))
    return Snapshot(
        period=answers.period.name,
        state=state,
        seal=seal,
        as_of=answers.scores.body.get("as_of") or answers.counts["now"].body["as_of"],
        windows=_windows(answers),
        agencies=agencies,
        rulesets=tuple(sorted({m.ruleset for modules in scores.values() for m in modules.values()})),
        incomplete=tuple(s["agency"] for s in answers.scores.body["scores"] if not s.get("complete", True)),
        drifted=drifted,
        titles=_titles(answers),
        data=data,
        figures=ledger.figures,
        lists=lists,
    )


def _full(score: ModulePoints) -> bool:
    return score.points == score.max


def _addresses(answers: Answers) -> dict[str, str]:
    named = {name: answer.address for name, answer in answers.counts.items()}
    return {**named, "agencies": answers.agencies.address, "scores": answers.scores.address}


def _windows(answers: Answers) -> dict[str, Days]:
    return {
        name: Days(**{"from": window.first, "to": window.last, "source": answers.counts[name].address})
        for name, window in windows_of(answers.window).items()
    }


def _titles(answers: Answers) -> dict[str, str]:
    """``questions@2024.1/acceptance`` → its Vietnamese title, as far as the service tells."""
    found: dict[str, str] = {}
    for rules in answers.rulesets.body.get("rulesets", ()):
        for criterion in rules.get("criteria", ()):
            title = criterion.get("title")
            words = title.get("vi") if isinstance(title, dict) else title
            if words:
                found[f"{rules['id']}@{rules['version']}/{criterion['id']}"] = words
    return found


def _state(answers: Answers) -> tuple[Any, str | None]:
    """Sealed only when the whole period was closed and is what the report is about."""
    if answers.window != answers.period.window:
        return "live", None
    for row in answers.periods.body.get("periods", ()):
        if row.get("period") == answers.period.name and row.get("state") == "closed":
            return "sealed", row.get("sha256")
    return "live", None


def doubts(snapshot: Snapshot) -> Iterator[str]:
    """What an officer should know before signing: sums that do not balance, scores that are not complete."""
    open_now, balance = snapshot.value("dossier.in_progress"), snapshot.value("dossier.balance")
    if open_now != balance:
        yield (
            f"Hồ sơ: tồn + tiếp nhận - đã giải quyết - rút - từ chối = {balance}, hệ thống ghi đang giải "
            f"quyết "
            f"{open_now}. / Dossiers: the flows leave {balance}, the service says {open_now} are open."
        )
    unplaced = sorted(slug for slug in snapshot.data.counts["now"] if slug not in snapshot.agencies)
    if unplaced:
        yield f"Không có trong danh bạ / not in the register: {', '.join(unplaced)}"
    if snapshot.incomplete:
        names = ", ".join(snapshot.name(slug) for slug in snapshot.incomplete)
        yield f"Chưa chấm đủ tiêu chí / criteria not judged yet: {names}"
    if snapshot.drifted:
        names = ", ".join(snapshot.name(slug) for slug in snapshot.drifted)
        when = (
            "sau khi chốt / after the seal" if snapshot.state == "sealed" else "trong lúc đọc / while reading"
        )
        yield f"Số đếm đã thay đổi so với điểm ({when}) / counts moved against scores: {names}"
    parts = ("portals.by_district", "portals.not_scored", "portals.scored")
    if snapshot.number("portals.total") != sum(snapshot.number(part) for part in parts):
        yield "Cổng cấp xã + không chấm + chấm điểm khác tổng số Cổng. / The portals' groups do not add up."
