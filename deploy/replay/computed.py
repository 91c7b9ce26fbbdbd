"""How each of the 104 figures is computed from what the scoring service's API says.

One small function per figure or family of figures, by the figure's id. A value is a number, the text of a
scale (`90+5`), or None when the API has no count for it.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from deploy.replay.counts import INACTIVE_FIGURES
from deploy.replay.observed import Counts, Listed, Module, Observed
from deploy.replay.titles import PROVINCE

Value = int | float | str | None
Compute = Callable[[Observed], Value]

PARTY, GOVERNMENT = "content-party@", "content-government@"
"""Names of the rule sets of the two content scales, up to their version."""


def total(counts: Counts, indicator: str, agencies: Iterable[str] | None = None) -> int:
    """The sum of an indicator over these agencies, or over all."""
    chosen = counts if agencies is None else agencies
    return sum(counts.get(agency, {}).get(indicator, 0) for agency in chosen)


def percent(part: float, whole: float) -> float:
    """A share in percent; 0 of nothing."""
    return 100.0 * part / whole if whole else 0.0


# -------------------------------------------------------------------------------------------- building


def _now(indicator: str, agency: str | None = PROVINCE) -> Compute:
    return lambda seen: total(seen.quarter, indicator, None if agency is None else [agency])


def _delta(indicator: str, agency: str | None = PROVINCE) -> Compute:
    chosen = None if agency is None else [agency]
    return lambda seen: total(seen.quarter, indicator, chosen) - total(seen.year_before, indicator, chosen)


def _change(now: int, before: int) -> float:
    return percent(now - before, before)


def portals(seen: Observed, group: str | None = None) -> list[Listed]:
    """The component portals that are open at the end of the quarter, by the facts of their opening."""
    return [
        agency
        for agency in seen.agencies.values()
        if agency.group != "province"
        and group in (None, agency.group)
        and total(seen.since_opening, "portal.opened", [agency.slug])
        > total(seen.since_opening, "portal.closed", [agency.slug])
    ]


def _content_scale(seen: Observed, agency: str, name: str) -> bool:
    module = seen.scores.get(agency, {}).get("content")
    return module is not None and module.ruleset.startswith(name)


def _class(seen: Observed, name: str) -> list[str]:
    """The agencies of one of the report's four classes, closed ones too."""

    def belongs(agency: Listed) -> bool:
        if name == "party":
            return _content_scale(seen, agency.slug, PARTY)
        if name == "departments":
            return agency.group in ("departments", "vertical") and not _content_scale(
                seen, agency.slug, PARTY
            )
        return agency.group == name

    return [agency.slug for agency in seen.agencies.values() if belongs(agency)]


def _components(seen: Observed) -> list[str]:
    return [slug for name in ("party", "departments", "districts", "communes") for slug in _class(seen, name)]


def _class_figures(name: str) -> dict[str, Compute]:
    def items(counts: Counts, seen: Observed) -> int:
        return total(counts, "content.items", _class(seen, name))

    found: dict[str, Compute] = {
        f"components.{name}.items": lambda seen: items(seen.quarter, seen),
        f"components.{name}.delta": lambda seen: items(seen.quarter, seen) - items(seen.year_before, seen),
        f"components.{name}.change": lambda seen: _change(
            items(seen.quarter, seen), items(seen.year_before, seen)
        ),
    }
    if name == "communes":
        # The report gives no percentage for the communes.
        del found[f"components.{name}.change"]
    return found


def _modules(seen: Observed, module: str, ruleset: str = "") -> dict[str, Module]:
    return {
        agency: modules[module]
        for agency, modules in seen.scores.items()
        if module in modules and modules[module].ruleset.startswith(ruleset)
    }


def _scale(*parts: tuple[str, str]) -> Compute:
    """Base and bonus of these modules' scales together, `90+10`; None when agencies differ in them."""

    def compute(seen: Observed) -> Value:
        base = bonus = 0.0
        for module, ruleset in parts:
            scales = {(m.base_max, m.bonus_max) for m in _modules(seen, module, ruleset).values()}
            if len(scales) != 1:
                return None
            (found,) = scales
            base += found[0]
            bonus += found[1]
        return f"{base:g}+{bonus:g}"

    return compute


def _between(module: str, ruleset: str, low: float, high: float) -> Compute:
    return lambda seen: sum(low <= m.points <= high for m in _modules(seen, module, ruleset).values())


def _without_question(seen: Observed) -> Value:
    return sum(
        m.points == 15 and not total(seen.quarter, "qa.received", [agency])
        for agency, m in _modules(seen, "qa").items()
    )


def _not_kept_up(seen: Observed, chosen: Callable[[Listed], bool]) -> int:
    """Open portals without a single item in the quarter."""
    return sum(
        not total(seen.quarter, "content.items", [agency.slug]) for agency in portals(seen) if chosen(agency)
    )


def _idle_communes(district: str) -> Compute:
    return lambda seen: _not_kept_up(seen, lambda agency: agency.parent == district)


def _system(counts: Counts, seen: Observed) -> int:
    return total(counts, "content.items", [PROVINCE, *_components(seen)])


def _in_force(seen: Observed, suffix: str = "") -> int:
    published = total(seen.since_opening, f"procedure.published{suffix}")
    return published - total(seen.since_opening, f"procedure.abolished{suffix}")


def _online(seen: Observed) -> Value:
    known = any("procedure.published.online" in counts for counts in seen.since_opening.values())
    return _in_force(seen, ".online") if known else None


def _followers(counts: Counts) -> int:
    return total(counts, "content.followers.facebook", [PROVINCE])


def _resolved(word: str = "") -> Compute:
    return lambda seen: percent(
        total(seen.quarter, f"dossier.resolved.{word}"), total(seen.quarter, "dossier.resolved")
    )


def _resolved_share(seen: Observed) -> Value:
    all_of_them = total(seen.quarter, "dossier.received") + total(seen.quarter, "dossier.carried_over")
    return percent(total(seen.quarter, "dossier.resolved"), all_of_them)


def _unscored(seen: Observed) -> Value:
    return sum("content" not in agency.modules and agency.group != "communes" for agency in portals(seen))


# ---------------------------------------------------------------------------------------- the figures

_PROVINCIAL: dict[str, Compute] = {
    **{
        f"portal.{name}{suffix}": make(f"content.{name}")
        for name in ("items", "articles", "datasets", "visits")
        for suffix, make in (("", _now), (".delta", _delta))
    },
    "portal.visits.cumulative": lambda seen: total(seen.since_opening, "content.visits", [PROVINCE]),
    "portal.spokesperson": _now("content.spokesperson"),
    "portal.press_digest": _now("content.press_digest"),
    "facebook.posts": _now("content.social.facebook"),
    "facebook.posts.delta": _delta("content.social.facebook"),
    "facebook.reach": _now("content.reach.facebook"),
    "facebook.reach.delta": _delta("content.reach.facebook"),
    "facebook.followers": lambda seen: _followers(seen.quarter),
    "facebook.followers.delta": lambda seen: _followers(seen.quarter) - _followers(seen.end_of_2023),
    "zalo.posts": _now("content.social.zalo"),
    "zalo.posts.delta": _delta("content.social.zalo"),
    "zalo.views": _now("content.reach.zalo"),
    "zalo.views.change": lambda seen: _change(
        total(seen.quarter, "content.reach.zalo"), total(seen.year_before, "content.reach.zalo")
    ),
}

_COMPONENTS: dict[str, Compute] = {
    "components.items": lambda seen: total(seen.quarter, "content.items", _components(seen)),
    "components.items.delta": lambda seen: (
        total(seen.quarter, "content.items", _components(seen))
        - total(seen.year_before, "content.items", _components(seen))
    ),
    "components.items.change": lambda seen: _change(
        total(seen.quarter, "content.items", _components(seen)),
        total(seen.year_before, "content.items", _components(seen)),
    ),
    **_class_figures("party"),
    **_class_figures("departments"),
    **_class_figures("districts"),
    **_class_figures("communes"),
    "top.cong-an-tinh": _now("content.items", "cong-an-tinh"),
    "top.ban-tuyen-giao": _now("content.items", "ban-tuyen-giao-tinh-uy"),
    "top.so-tttt": _now("content.items", "so-thong-tin-va-truyen-thong"),
    "top.vqg-hoang-lien": _now("content.items", "vuon-quoc-gia-hoang-lien"),
    "top.tp-lao-cai": _now("content.items", "thanh-pho-lao-cai"),
    "top.tx-sa-pa": _now("content.items", "thi-xa-sa-pa"),
    "system.items.change": lambda seen: _change(_system(seen.quarter, seen), _system(seen.year_before, seen)),
}


def _group(name: str) -> Compute:
    return lambda seen: len(portals(seen, name))


_PORTALS: dict[str, Compute] = {
    "portals.total": lambda seen: len(portals(seen)),
    **{f"portals.{g}": _group(g) for g in ("departments", "vertical", "districts", "communes", "party")},
    "portals.by_district": lambda seen: sum(
        agency.parent is not None and "content" not in agency.modules for agency in portals(seen, "communes")
    ),
    "portals.not_scored": _unscored,
    "portals.scored": lambda seen: len(_modules(seen, "content")),
    "boards.established": lambda seen: total(seen.since_opening, "content.board.established"),
    "reports.received": lambda seen: total(seen.quarter, "content.report.received"),
    **{figure: _idle_communes(district) for figure, district in INACTIVE_FIGURES.items()},
    "inactive.agencies": lambda seen: _not_kept_up(seen, lambda agency: agency.group != "communes"),
}

_SCORES: dict[str, Compute] = {
    "scale.content.party": _scale(("content", PARTY)),
    "content.party.full": _between("content", PARTY, 95, 95),
    "content.party.rest": _between("content", PARTY, 83, 94),
    "scale.content.government": _scale(("content", GOVERNMENT)),
    "content.government.full": _between("content", GOVERNMENT, 55, 55),
    "content.government.rest": _between("content", GOVERNMENT, 49, 54),
    "scale.qa": _scale(("qa", "")),
    "qa.agencies": lambda seen: len(_modules(seen, "qa")),
    "qa.score.16": _between("qa", "", 16, 16),
    "qa.score.15": _between("qa", "", 15, 15),
    "qa.score.15.no_question": _without_question,
    "qa.score.13_14": _between("qa", "", 13, 14),
    "qa.score.0": _between("qa", "", 0, 0),
    "scale.dossier": _scale(("dossier", "")),
    "dossier.agencies": lambda seen: len(_modules(seen, "dossier")),
    "dossier.score.27": _between("dossier", "", 27, 27),
    "dossier.score.25": _between("dossier", "", 25, 25),
    "scale.total.government": _scale(("content", GOVERNMENT), ("qa", ""), ("dossier", "")),
    "scale.total.party": _scale(("content", PARTY)),
}

_FLOWS: dict[str, Compute] = {
    **{
        f"qa.{name}": _now(f"qa.{name}", None)
        for name in ("received", "eligible", "answered", "waiting", "deleted")
    },
    "qa.received.delta": _delta("qa.received", None),
    "procedures.decisions": _now("procedure.decisions", None),
    "procedures.in_decisions": lambda seen: (
        total(seen.quarter, "procedure.published") + total(seen.quarter, "procedure.abolished")
    ),
    "procedures.total": _in_force,
    "procedures.online": _online,
    "dossier.received": _now("dossier.received", None),
    "dossier.received.delta": _delta("dossier.received", None),
    "dossier.received.one_stop": _now("dossier.received.one_stop", None),
    "dossier.received.online": _now("dossier.received.online", None),
    "dossier.carried_over": _now("dossier.carried_over", None),
    "dossier.resolved": _now("dossier.resolved", None),
    "dossier.resolved.share": _resolved_share,
    "dossier.resolved.on_time": _now("dossier.resolved.on_time", None),
    "dossier.resolved.on_time.share": _resolved("on_time"),
    "dossier.resolved.late": _now("dossier.resolved.late", None),
    "dossier.resolved.late.share": _resolved("late"),
    "dossier.in_progress": _now("dossier.in_progress", None),
    "dossier.in_progress.share": lambda seen: percent(
        total(seen.quarter, "dossier.in_progress"), total(seen.quarter, "dossier.received")
    ),
}

COMPUTE: Mapping[str, Compute] = MappingProxyType(
    {**_PROVINCIAL, **_COMPONENTS, **_PORTALS, **_SCORES, **_FLOWS}
)
"""Figure id to how it is computed."""
