"""The chain of the audit trail: whatever is touched afterwards is noticed."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.audit_trail.chain import START, Deed, Link, canonical, link_of, text_of, verify

AT = datetime(2024, 4, 1, 9, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
DEEDS = st.builds(
    Deed, st.just("scoring"), st.text(max_size=8), st.just("x"), st.text(max_size=8), st.text(), JSON
)


def chain(deeds: list[Deed]) -> list[Link]:
    links: list[Link] = []
    for number, deed in enumerate(deeds, 1):
        text = text_of(deed, number, AT)
        links.append(
            Link(number, "scoring", text, link_of(links[-1].sha256 if links else START, "scoring", text))
        )
    return links


@given(st.lists(DEEDS, max_size=6))
def test_a_chain_that_nobody_touched_holds(deeds: list[Deed]) -> None:
    links = chain(deeds)
    found = verify(links)
    assert (found.entries, found.findings) == (len(deeds), ())
    assert found.head == (links[-1].sha256 if links else START)


@given(st.lists(DEEDS, min_size=2, max_size=6), st.data())
def test_a_changed_removed_moved_or_added_entry_is_found_at_its_place(
    deeds: list[Deed], data: st.DataObject
) -> None:
    links = chain(deeds)
    place = data.draw(st.integers(0, len(links) - 2))
    one, following = links[place], links[place + 1]
    changed = Link(one.number, one.role, canonical({"number": one.number, "actor": "another"}), one.sha256)
    other_role = Link(one.number, "qa", one.text, one.sha256)
    swapped = [Link(one.number, *_rest(following)), Link(following.number, *_rest(one))]
    for touched in (
        [*links[:place], changed, *links[place + 1 :]],
        [*links[:place], other_role, *links[place + 1 :]],
        [*links[:place], *links[place + 1 :]],
        [*links[:place], *swapped, *links[place + 2 :]],
        [*links[: place + 1], one, *links[place + 1 :]],
    ):
        assert one.number in {f.number for f in verify(touched).findings} | {
            f.number - 1 for f in verify(touched).findings
        }


def _rest(link: Link) -> tuple[str, str, str]:
    return link.role, link.text, link.sha256


@given(st.lists(DEEDS, min_size=1, max_size=5))
def test_a_chain_made_anew_is_told_by_a_witness(deeds: list[Deed]) -> None:
    links = chain(deeds)
    witness = {len(links): links[-1].sha256}
    assert not verify(links, witness).findings
    anew = chain([Deed("scoring", "another", "x", "y"), *deeds[1:]])
    assert not verify(anew).findings
    assert verify(anew, witness).findings
    assert [f.problem for f in verify(links[:-1], witness).findings] == ["was noted, and is not there"]


def test_the_same_value_is_the_same_text() -> None:
    assert canonical({"b": 1, "a": "Sở"}) == '{"a":"Sở","b":1}'
    spaced = Link(1, "x", '{"number": 1}', link_of(START, "x", '{"number": 1}'))
    assert [f.problem for f in verify([spaced]).findings] == ["is not in canonical form"]
    broken = Link(1, "x", "{", link_of(START, "x", "{"))
    assert [f.problem for f in verify([broken]).findings] == ["is not the JSON of an entry"]
