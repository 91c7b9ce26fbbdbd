"""Communes on the dashboard: in their district's table, not the province's; a district sees its own only."""

from typing import Any

from services.report import league
from services.report.accounts import Officer
from services.report.dashboard import render
from services.report.dashboard.communes import districts_of

AGENCIES: dict[str, Any] = {
    "so-y-te": {"agency": "so-y-te", "name": "Sở Y tế", "group": "departments", "parent": None},
    "huyen-bat-xat": {"agency": "huyen-bat-xat", "name": "Bát Xát", "group": "districts", "parent": None},
    "thi-xa-sa-pa": {"agency": "thi-xa-sa-pa", "name": "Sa Pa", "group": "districts", "parent": None},
    "xa-y-ty": {"agency": "xa-y-ty", "name": "Y Tý", "group": "communes", "parent": "huyen-bat-xat"},
    "xa-ta-phin": {"agency": "xa-ta-phin", "name": "Tả Phìn", "group": "communes", "parent": "thi-xa-sa-pa"},
}
LAN = Officer("lan", "Lan", "district", "huyen-bat-xat")
MINH = Officer("minh", "Minh", "officer")


def test_a_district_s_officer_sees_the_own_communes_and_acts_on_nothing() -> None:
    assert LAN.may("viewer")
    assert not LAN.may("officer")
    assert LAN.sees_communes_of("huyen-bat-xat")
    assert not LAN.sees_communes_of("thi-xa-sa-pa")
    assert LAN.sees_communes_of(None), "what the province scores is everybody's to read"
    assert districts_of(AGENCIES, LAN) == ["huyen-bat-xat"]


def test_everybody_else_sees_every_district() -> None:
    for reader in (None, MINH):
        assert districts_of(AGENCIES, reader) == ["huyen-bat-xat", "thi-xa-sa-pa"]


def test_communes_do_not_stand_in_the_province_s_table() -> None:
    score = {
        "total": {"points": 1, "max": 2},
        "complete": True,
        "modules": {"content": {"points": 1, "max": 2}},
    }
    table = league.rows(AGENCIES.values(), dict.fromkeys(AGENCIES, score), {})
    assert {row["agency"] for row in table} == {"so-y-te", "huyen-bat-xat", "thi-xa-sa-pa"}


def drawn(rows: list[dict[str, Any]]) -> str:
    class Visit:
        def link(self, where: str) -> str:
            return where

    return render.draw(
        "vi", "communes", visit=Visit(), rows=rows, rulesets=["communes-huyen-bat-xat@2024.1"],
        names={"xa-y-ty": "Xã Y Tý", "huyen-bat-xat": "Huyện Bát Xát"}, district="huyen-bat-xat",
    )  # fmt: skip


def test_a_commune_nobody_has_judged_yet_says_so_and_a_district_without_rules_too() -> None:
    row = {"agency": "xa-y-ty", "rank": 1, "total": {"points": 62.5, "max": 105}, "complete": False}
    page = drawn([row])
    assert "Chờ huyện đánh giá" in page
    assert "62,5" in page
    assert "communes-huyen-bat-xat@2024.1" in page
    assert "chưa được chấm điểm" in drawn([])
