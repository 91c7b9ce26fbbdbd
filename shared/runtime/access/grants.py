"""What a publisher may say: about which agencies, with which types. Pure."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

ANY = "*"
_COMMUNES = "/*"
_AGENCY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_TYPE_PATTERN = re.compile(r"\*|[a-z_]+\.(?:\*|[a-z_]+)", re.ASCII)


class GrantError(ValueError):
    """A grant that cannot be meant as written."""


@dataclass(frozen=True, slots=True)
class Grant:
    """`agencies` and `types` as granted; an exact set plus whether everything is allowed.

    `*` among the agencies means every agency of the register; agencies named beside it are allowed even
    when the register does not know them. `huyen-bat-xat/*` means the communes whose parent in the register
    is that district: it may speak for those it scores, without naming each.
    """

    agencies: frozenset[str]
    districts: frozenset[str]
    every_agency: bool
    types: frozenset[str]
    families: frozenset[str]
    every_type: bool

    def allows_type(self, short_type: str) -> bool:
        """Whether a type by its short name, `dossier.received`, is granted."""
        return self.every_type or short_type in self.types or short_type.partition(".")[0] in self.families

    def allows_agency(self, agency: str, register: Collection[str]) -> bool:
        """Whether the publisher may speak for `agency`; `register` holds the slugs that `*` stands for.

        A register that only lists slugs knows no parents: then a district's word allows none.
        """
        if agency in self.agencies or (self.every_agency and agency in register):
            return True
        return bool(self.districts) and _parent(agency, register) in self.districts


def _parent(agency: str, register: Collection[str]) -> str | None:
    look_up = getattr(register, "get", None)
    parent: str | None = getattr(look_up(agency) if look_up else None, "parent", None)
    return parent


def make_grant(agencies: Iterable[str], types: Iterable[str]) -> Grant:
    """Read a grant from its words. Raises GrantError for an empty or malformed one."""
    agency_words = [word.strip() for word in agencies if word.strip()]
    type_words = [word.strip() for word in types if word.strip()]
    if not agency_words or not type_words:
        raise GrantError("a grant names at least one agency (or *) and one type pattern (or *)")
    for word in agency_words:
        if word != ANY and (not _AGENCY.fullmatch(word.removesuffix(_COMMUNES)) or len(word) > 80):
            raise GrantError(
                f"{word!r} is not an agency slug such as 'so-y-te', nor communes such as 'huyen-bat-xat/*'"
            )
    for word in type_words:
        if not _TYPE_PATTERN.fullmatch(word):
            raise GrantError(f"{word!r} is not a type pattern such as 'dossier.*' or 'fact.retracted'")
    return Grant(
        agencies=frozenset(word for word in agency_words if not word.endswith(ANY)),
        districts=frozenset(
            word.removesuffix(_COMMUNES) for word in agency_words if word.endswith(_COMMUNES)
        ),
        every_agency=ANY in agency_words,
        types=frozenset(word for word in type_words if not word.endswith(ANY)),
        families=frozenset(word[:-2] for word in type_words if word.endswith(".*")),
        every_type=ANY in type_words,
    )
