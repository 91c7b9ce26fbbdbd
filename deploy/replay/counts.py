"""How many items each portal published: the report's sums shared out, exactly."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from random import Random
from types import MappingProxyType

from deploy.replay.assumptions import Assumptions
from deploy.replay.drafts import apportion
from deploy.replay.figures import Figures
from shared.register import Agency, Register

QUARTER_DATES = (date(2024, 1, 1), date(2024, 3, 22))
YEAR_BEFORE_DATES = (date(2023, 1, 1), date(2023, 3, 22))

CLASSES = MappingProxyType(
    {
        "party": "components.party",
        "departments": "components.departments",
        "districts": "components.districts",
        "communes": "components.communes",
    }
)
"""The report's four classes of component portals, with the figures that name their sums."""

INACTIVE_FIGURES = MappingProxyType(
    {
        "inactive.bat-xat": "huyen-bat-xat",
        "inactive.sa-pa": "thi-xa-sa-pa",
        "inactive.lao-cai": "thanh-pho-lao-cai",
        "inactive.si-ma-cai": "huyen-si-ma-cai",
        "inactive.van-ban": "huyen-van-ban",
        "inactive.bao-yen": "huyen-bao-yen",
        "inactive.bac-ha": "huyen-bac-ha",
        "inactive.muong-khuong": "huyen-muong-khuong",
    }
)
"""Figures of commune portals not kept up, with their district."""

UNSCORED_WEIGHT = 0.6
IMPROVED_BEFORE = 0.6
"""A portal named as improved had this share of its items a year before."""
LEAST_OF_A_COMMUNE = 4


@dataclass(frozen=True, slots=True)
class Items:
    """Items per portal in the quarter and in the same days of the year before; 0 for one not kept up."""

    now: dict[str, int]
    before: dict[str, int]


def class_of(agency: Agency) -> str | None:
    """The class of the report an agency's items belong to; None for the provincial portal."""
    if agency.bloc == "party":
        return "party"
    if agency.group in ("departments", "vertical"):
        return "departments"
    return agency.group if agency.group in ("districts", "communes") else None


def share_items(register: Register, figures: Figures, assumed: Assumptions, random: Random) -> Items:
    """Share the sums of both years out. Raises ValueError when the assumptions do not fit the sums."""
    idle = _not_kept_up(register, figures, assumed, random)
    now: dict[str, int] = {}
    before: dict[str, int] = {}
    for name, figure in CLASSES.items():
        members = [a for a in register.agencies.values() if class_of(a) == name]
        open_now = [a for a in members if a.existed_in(*QUARTER_DATES) and a.slug not in idle]
        now.update(_share_now(open_now, figures.count(f"{figure}.items"), figures, assumed, random))
        open_before = [a for a in members if a.existed_in(*YEAR_BEFORE_DATES)]
        total = figures.before(f"{figure}.items", f"{figure}.delta")
        before.update(_share_before(open_before, total, now, assumed, random))
    now.update(dict.fromkeys(idle, 0))
    return Items(now, before)


def _not_kept_up(register: Register, figures: Figures, assumed: Assumptions, random: Random) -> set[str]:
    idle = set(assumed.content.inactive)
    if len(idle) != figures.count("inactive.agencies"):
        raise ValueError(f"assumptions.yaml names {len(idle)} inactive agencies, the report other")
    kept = {*assumed.content.improved, *assumed.content.kept_up}
    for figure, district in INACTIVE_FIGURES.items():
        communes = [a.slug for a in register.agencies.values() if a.parent == district and a.slug not in kept]
        idle.update(random.sample(communes, figures.count(figure)))
    return idle


def _share_now(
    members: list[Agency], total: int, figures: Figures, assumed: Assumptions, random: Random
) -> dict[str, int]:
    content = assumed.content
    fixed = {
        a.slug: figures.count(content.exact[a.slug])
        if a.slug in content.exact
        else content.lacking[a.slug].items
        for a in members
        if a.slug in content.exact or a.slug in content.lacking
    }
    rest = total - sum(fixed.values())
    weights = {
        a.slug: content.weights.get(a.slug, 1.0 if a.slug in content.thorough else UNSCORED_WEIGHT)
        * random.uniform(0.9, 1.1)
        for a in members
        if a.slug not in fixed
    }
    least = 0
    if members[0].group == "communes":
        weights = {slug: random.lognormvariate(0, 0.8) for slug in weights}
        least = LEAST_OF_A_COMMUNE
    if rest < least * len(weights):
        raise ValueError(f"assumptions.yaml: the fixed numbers leave {rest} items for {len(weights)} portals")
    shared = apportion(rest - least * len(weights), weights)
    return fixed | {slug: count + least for slug, count in shared.items()}


def _share_before(
    members: Iterable[Agency], total: int, now: dict[str, int], assumed: Assumptions, random: Random
) -> dict[str, int]:
    fixed: dict[str, int] = {}
    weights: dict[str, float] = {}
    for agency in members:
        if agency.slug in assumed.content.improved:
            fixed[agency.slug] = int(now[agency.slug] * IMPROVED_BEFORE)
        else:
            weights[agency.slug] = max(now.get(agency.slug, 0), 20) * random.uniform(0.7, 1.3)
    return fixed | apportion(total - sum(fixed.values()), weights)
