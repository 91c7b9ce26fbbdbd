"""The page of arithmetic from a core to a country follows from its own table of inputs."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "operations" / "capacity.md").read_text(
    encoding="utf-8"
)
INPUTS = {
    name: float(value.replace(",", ""))
    for name, value in re.findall(r"^\| ([a-z_]+) \| ([\d,.]+) \|", PAGE, re.MULTILINE)
}
RESULTS = {
    what: (float(country.replace(",", "")), float(province.replace(",", "")))
    for what, country, province in re.findall(
        r"^\| ([^|]+) \| [^|]+ \| ([\d,.]+) \| ([\d,.]+) \|$", PAGE, re.MULTILINE
    )
}


def worked_out() -> dict[str, float]:
    """Every line of the second table for the country."""
    facts = INPUTS["dossiers_per_year"] * (INPUTS["facts_per_dossier"] + INPUTS["other_facts_per_dossier"])
    mean = facts / INPUTS["working_seconds_per_year"]
    wanted = mean * INPUTS["peak_over_mean"] * INPUTS["headroom"]
    return {
        "facts a year": facts,
        "mean facts/s in working hours": mean,
        "peak facts/s": mean * INPUTS["peak_over_mean"],
        "wanted facts/s": wanted,
        "ingest cores": wanted / INPUTS["ingest_per_core"],
        "fold cores": wanted / INPUTS["fold_per_core"],
        "ledger a year, GB": facts * INPUTS["ledger_bytes_per_fact"] / 1e9,
        "bus, GB": facts * INPUTS["bus_bytes_per_fact"] / 1e9,
        "a year again from nothing, hours": facts / INPUTS["fold_per_core"] / 3600,
    }


def test_every_line_is_worked_out() -> None:
    assert RESULTS.keys() == worked_out().keys()


@pytest.mark.parametrize(("what", "value"), worked_out().items())
def test_a_line_follows_from_the_inputs(what: str, value: float) -> None:
    country, province = RESULTS[what]
    assert country == pytest.approx(value, rel=0.06)
    assert province == pytest.approx(value / INPUTS["provinces"], rel=0.2)
