"""The register: which agencies there are, who is scored in what, what must be published, who may answer.

All of it is data beside this file, dated and marked with its provenance; the next officer edits the YAML,
not the code. `shipped_register()` reads the four files once, checks them against each other and gives one
frozen value.
Raises `RegisterError` naming the file and what to repair.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.contracts.words import Agency as Slug
from shared.contracts.words import Category as CategorySlug

Group = Literal["departments", "vertical", "districts", "communes", "party", "province"]
Bloc = Literal["party", "government", "none"]
Module = Literal["content", "qa", "dossier"]
Provenance = Literal["report", "assumed"]
Ending = Literal["merged", "split", "replaced"]

COMPONENT_GROUPS: tuple[Group, ...] = ("departments", "vertical", "districts", "communes", "party")
"""The groups of the component portals. `province` is the provincial portal itself."""

MAX_AGENCIES = 30_000
"""Scoring packs an agency's number in 15 bits."""


CODE_PATTERN = r"^(?:\d{3}\.\d{2}\.\d{2}\.H\d{2}|H\d{2}(?:\.\d{1,3}){0,3})$"
"""A national agency code in its old or its new form."""


class RegisterError(ValueError):
    """The register's files contradict each other or their own form."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class FormerName(_Row):
    """What an agency was called until a day, inclusive."""

    name: str = Field(min_length=1, max_length=120)
    name_en: str = Field(min_length=1, max_length=120)
    until: date


class AgencyRow(_Row):
    """One line of agencies.yaml. `closed` is the last day, inclusive.

    `ending` says how it ended: `merged` into one agency that may be older, `split` into several that
    begin after it, or `replaced` by one that begins after it. `heir` is the successor that takes over what is
    said about the agency after its last day; without one nobody does.
    """

    slug: Slug
    name: str = Field(min_length=1, max_length=120)
    name_en: str = Field(min_length=1, max_length=120)
    group: Group
    parent: Slug | None = None
    code: str | None = Field(default=None, pattern=CODE_PATTERN)
    opened: date
    closed: date | None = None
    ending: Ending | None = None
    successors: tuple[Slug, ...] = ()
    heir: Slug | None = None
    former_names: tuple[FormerName, ...] = ()
    provenance: Provenance
    note: str | None = None


class _Dated(_Row):
    first: date = Field(alias="from")
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        return self.first <= day and (self.until is None or day <= self.until)


class EligibilityList(_Dated):
    """Who is scored in one module. `count` guards the list against a slip of the hand."""

    module: Module
    bloc: Bloc = "none"
    count: int = Field(ge=0)
    provenance: Provenance
    note: str | None = None
    agencies: tuple[Slug, ...]


class RequiredCategory(_Dated):
    """One category that must be published while its decree is in force."""

    slug: CategorySlug
    name: str
    name_en: str


class TitleList(_Dated):
    """The right titles of answerers, for named agencies or for groups."""

    provenance: Provenance
    agencies: tuple[Slug, ...] = ()
    groups: tuple[Group, ...] = ()
    right: tuple[str, ...]


class Agency(AgencyRow):
    """An agency with what follows from the lists: its content bloc and the modules it is scored in.

    Both are taken on the agency's last day, or from the lists without an end for one that is still open.
    """

    bloc: Bloc
    modules: tuple[Module, ...]

    def existed_in(self, first: date, last: date) -> bool:
        """Whether its portal was open on at least one day of first..last, both included."""
        return self.opened <= last and (self.closed is None or first <= self.closed)

    def name_on(self, day: date) -> tuple[str, str]:
        """Its name on a day, in Vietnamese and in English: the old one for days before a renaming."""
        for former in self.former_names:
            if day <= former.until:
                return former.name, former.name_en
        return self.name, self.name_en


class Register:
    """The whole register, by slug, in the file's order. As a collection it holds the slugs."""

    def __init__(
        self,
        rows: Iterable[AgencyRow],
        eligibility: Iterable[EligibilityList],
        categories: Iterable[RequiredCategory],
        titles: Iterable[TitleList],
    ) -> None:
        self.eligibility = tuple(eligibility)
        self.categories = tuple(categories)
        self.titles = tuple(titles)
        rows = tuple(rows)
        complete = {row.slug: self._complete(row) for row in rows}
        self.agencies: Mapping[str, Agency] = MappingProxyType(complete)
        _check(rows, self)

    def _complete(self, row: AgencyRow) -> Agency:
        mine = [
            entry
            for entry in self.eligibility
            if row.slug in entry.agencies
            and (entry.until is None or (row.closed is not None and entry.holds_on(row.closed)))
        ]
        blocs = [entry.bloc for entry in mine if entry.module == "content"]
        order: tuple[Module, ...] = ("content", "qa", "dossier")
        scored = {entry.module for entry in mine}
        return Agency(
            **row.model_dump(),
            bloc=blocs[-1] if blocs else "none",
            modules=tuple(module for module in order if module in scored),
        )

    def __contains__(self, slug: object) -> bool:
        return slug in self.agencies

    def __iter__(self) -> Iterator[str]:
        return iter(self.agencies)

    def __len__(self) -> int:
        return len(self.agencies)

    def get(self, slug: str) -> Agency | None:
        return self.agencies.get(slug)

    def agency_on(self, slug: str, day: date) -> str | None:
        """Who answers on `day` for what is said about `slug`: itself until its last day, then its heir, then
        the heir's heir. None when it has ended and the register names no heir. A day before its opening,
        and an agency that the register does not have, change nothing.
        """
        agency = self.agencies.get(slug)
        while agency is not None and agency.closed is not None and agency.closed < day:
            if agency.heir is None:
                return None
            agency = self.agencies[agency.heir]
        return slug if agency is None else agency.slug

    def eligible(self, module: Module, first: date, last: date) -> tuple[Agency, ...]:
        """Who is scored in `module` over the window first..last: listed on its last day, open during it."""
        listed = {
            slug
            for entry in self.eligibility
            if entry.module == module
            for slug in entry.agencies
            if entry.holds_on(min(last, self.agencies[slug].closed or last))
        }
        return tuple(a for a in self.agencies.values() if a.slug in listed and a.existed_in(first, last))

    def required_categories(self, day: date) -> tuple[RequiredCategory, ...]:
        """What must be published on `day`; empty when no decree was in force."""
        return tuple(category for category in self.categories if category.holds_on(day))

    def right_titles(self, slug: str, day: date) -> tuple[str, ...] | None:
        """The titles that may sign an answer of this agency on `day`; None when nobody has said."""
        agency = self.agencies.get(slug)
        if agency is None:
            return None
        in_force = [entry for entry in self.titles if entry.holds_on(day)]
        for entry in in_force:
            if slug in entry.agencies:
                return entry.right
        for entry in in_force:
            if agency.group in entry.groups:
                return entry.right
        return None

    def is_wrong_title(self, slug: str, title: str, day: date) -> bool:
        """Whether an answer signed `title` is a fault. Unknown agencies and unlisted groups have none."""
        right = self.right_titles(slug, day)
        if right is None:
            return False
        name = self.agencies[slug].name
        allowed = {_plain(text) for entry in right for text in (entry, f"{entry} {name}")}
        return _plain(title) not in allowed


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _check(rows: tuple[AgencyRow, ...], register: Register) -> None:
    if len(rows) > MAX_AGENCIES:
        raise RegisterError(f"agencies.yaml: {len(rows)} agencies, at most {MAX_AGENCIES} are possible")
    if len(register.agencies) != len(rows):
        seen: set[str] = set()
        twice = sorted({row.slug for row in rows if row.slug in seen or seen.add(row.slug)})  # type: ignore[func-returns-value]
        raise RegisterError(f"agencies.yaml: used twice: {', '.join(twice)}")
    known = register.agencies
    for row in rows:
        for other in (*((row.parent,) if row.parent else ()), *row.successors):
            if other not in known:
                raise RegisterError(f"agencies.yaml: {row.slug} names {other}, which is not in the file")
        if row.closed is not None and row.closed < row.opened:
            raise RegisterError(f"agencies.yaml: {row.slug} closes before it opens")
        _check_succession(row, known)
        _check_names(row)
        if row.group == "communes" and (row.parent is None or known[row.parent].group != "districts"):
            raise RegisterError(f"agencies.yaml: the commune {row.slug} needs a district as parent")
    _check_lists(register)


def _check_succession(row: AgencyRow, known: Mapping[str, Agency]) -> None:
    """An agency that ends says how, and whoever follows is there on the day after."""
    where = f"agencies.yaml: {row.slug}"
    if row.closed is None:
        if row.successors or row.ending or row.heir:
            raise RegisterError(f"{where} has successors but no last day (closed)")
        return
    if bool(row.successors) != (row.ending is not None):
        raise RegisterError(f"{where}: say both how it ended (ending) and who follows (successors)")
    if row.ending is not None and (len(row.successors) > 1) != (row.ending == "split"):
        raise RegisterError(f"{where} was {row.ending}, and names {len(row.successors)} successors")
    if row.heir is not None and row.heir not in row.successors:
        raise RegisterError(f"{where}: its heir {row.heir} is none of its successors")
    _check_circle(row, known)
    following = row.closed + timedelta(days=1)
    for slug in row.successors:
        other = known[slug]
        if not other.existed_in(following, following):
            raise RegisterError(f"{where}: its successor {slug} is not open on {following}")
        if row.ending != "merged" and other.opened <= row.closed:
            raise RegisterError(f"{where}: its successor {slug} opens before it closes: their days overlap")


def _check_circle(row: AgencyRow, known: Mapping[str, Agency]) -> None:
    """Nobody follows itself. Days that cannot overlap make a circle impossible but for merged agencies."""
    seen: set[str] = set()
    waiting = list(row.successors)
    while waiting:
        slug = waiting.pop()
        if slug == row.slug:
            raise RegisterError(f"agencies.yaml: {row.slug} follows itself, by way of its successors")
        if slug not in seen and slug in known:
            seen.add(slug)
            waiting.extend(known[slug].successors)


def _check_names(row: AgencyRow) -> None:
    """Old names follow each other within the days of the agency."""
    ends = [former.until for former in row.former_names]
    if ends != sorted(set(ends)):
        raise RegisterError(f"agencies.yaml: {row.slug}: its former names overlap; order them by `until`")
    if ends and (ends[0] < row.opened or (row.closed is not None and row.closed <= ends[-1])):
        raise RegisterError(f"agencies.yaml: {row.slug}: a former name lies outside of its days")


def _check_lists(register: Register) -> None:
    for entry in register.eligibility:
        where = f"eligibility.yaml: {entry.module} {entry.bloc} from {entry.first}"
        if len(set(entry.agencies)) != entry.count or len(entry.agencies) != entry.count:
            raise RegisterError(f"{where}: says {entry.count} agencies and lists {len(set(entry.agencies))}")
        if (entry.bloc == "none") != (entry.module != "content"):
            raise RegisterError(f"{where}: content lists, and only they, name a bloc")
        _known(register, entry.agencies, where)
    for titles in register.titles:
        _known(register, titles.agencies, "titles.yaml")


def _known(register: Register, slugs: Iterable[str], where: str) -> None:
    unknown = [slug for slug in slugs if slug not in register.agencies]
    if unknown:
        raise RegisterError(f"{where}: not in agencies.yaml: {', '.join(unknown)}")


# The C loader takes a tenth of the time; it is missing where PyYAML was built without libyaml.
_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_RowT = TypeVar("_RowT", bound=_Row)


def _rows(folder: Path, file: str, section: str, model: type[_RowT]) -> list[_RowT]:
    try:
        content: Any = yaml.load((folder / file).read_text(encoding="utf-8"), Loader=_SafeLoader)
        return [model.model_validate(row) for row in content[section]]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValidationError) as error:
        raise RegisterError(f"{file}: {error}") from error


def load_register(folder: Path) -> Register:
    """Read the four files of `folder`. Raises RegisterError."""
    return Register(
        _rows(folder, "agencies.yaml", "agencies", AgencyRow),
        _rows(folder, "eligibility.yaml", "lists", EligibilityList),
        _rows(folder, "categories.yaml", "categories", RequiredCategory),
        _rows(folder, "titles.yaml", "lists", TitleList),
    )


@cache
def shipped_register() -> Register:
    """The register that ships with the system."""
    return load_register(Path(__file__).parent)
