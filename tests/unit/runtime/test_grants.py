"""Grants: who may speak for whom, with which words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.register.register import shipped_register
from shared.runtime.access.grants import GrantError, make_grant

REGISTER = frozenset({"so-y-te", "so-noi-vu"})
SLUGS = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,3}", fullmatch=True)
TYPES = st.from_regex(r"[a-z_]{1,10}\.[a-z_]{1,10}", fullmatch=True)


@given(st.sets(SLUGS, min_size=1), st.sets(TYPES, min_size=1), SLUGS, TYPES)
def test_an_exact_grant_allows_what_it_names(
    agencies: set[str], types: set[str], agency: str, short: str
) -> None:
    grant = make_grant(agencies, types)
    assert grant.allows_agency(agency, REGISTER) == (agency in agencies)
    assert grant.allows_type(short) == (short in types)


def test_a_star_among_agencies_means_the_register_and_names_go_beyond_it() -> None:
    grant = make_grant(["*", "xa-moi"], ["*"])
    assert grant.allows_agency("so-y-te", REGISTER)
    assert grant.allows_agency("xa-moi", REGISTER)
    assert not grant.allows_agency("khong-co", REGISTER)


def test_a_family_does_not_reach_into_another_with_the_same_beginning() -> None:
    grant = make_grant(["so-y-te"], ["dossier.*", "fact.retracted"])
    assert grant.allows_type("dossier.received")
    assert grant.allows_type("fact.retracted")
    assert not grant.allows_type("dossiers.received")
    assert not grant.allows_type("fact.other")


@pytest.mark.parametrize(
    ("agencies", "types"),
    [
        ([], ["*"]),
        (["*"], []),
        (["So-Y-Te"], ["*"]),
        (["a"], ["dossier"]),
        (["a"], ["dossier.*.x"]),
        (["a"], [".*"]),
    ],
)
def test_a_grant_that_cannot_be_meant_is_refused(agencies: list[str], types: list[str]) -> None:
    with pytest.raises(GrantError):
        make_grant(agencies, types)


class _Entry:
    def __init__(self, parent: str | None) -> None:
        self.parent = parent


WITH_PARENTS = {"huyen-bat-xat": _Entry(None), "xa-y-ty": _Entry("huyen-bat-xat"), "xa-ta-phin": _Entry("x")}


def test_a_district_may_be_granted_its_own_communes_without_naming_each() -> None:
    grant = make_grant(["huyen-bat-xat/*"], ["assessment.recorded"])
    assert grant.allows_agency("xa-y-ty", WITH_PARENTS)
    assert not grant.allows_agency("xa-ta-phin", WITH_PARENTS)
    assert not grant.allows_agency("huyen-bat-xat", WITH_PARENTS), "the district itself is not among them"
    assert not grant.allows_agency("khong-co", WITH_PARENTS)
    assert not grant.allows_agency("xa-y-ty", frozenset(WITH_PARENTS)), "a list of slugs knows no parents"


def test_the_register_that_ships_knows_the_communes_of_a_district() -> None:
    grant = make_grant(["huyen-bat-xat/*"], ["assessment.recorded"])
    for register in (shipped_register(), shipped_register().agencies):
        assert grant.allows_agency("xa-y-ty-bat-xat", register)
        assert not grant.allows_agency("xa-ta-phin-sa-pa", register)


@pytest.mark.parametrize("word", ["/*", "Huyen/*", "a/b/*", "huyen-bat-xat/", "huyen-bat-xat/x"])
def test_a_malformed_word_for_communes_is_refused(word: str) -> None:
    with pytest.raises(GrantError, match="communes"):
        make_grant([word], ["*"])
