"""An agency is called in old periods what it was called then."""

from datetime import date

from services.report.naming import named_on

AGENCY = {
    "agency": "so-c",
    "name": "Sở C",
    "name_en": "C",
    "former_names": [
        {"name": "Sở A", "name_en": "A", "until": "2018-12-31"},
        {"name": "Sở B", "name_en": "B", "until": "2021-12-31"},
    ],
}


def test_each_day_has_the_name_of_its_time() -> None:
    days = (date(2018, 12, 31), date(2019, 1, 1), date(2021, 12, 31), date(2022, 1, 1))
    assert [named_on(AGENCY, day)["name"] for day in days] == ["Sở A", "Sở B", "Sở B", "Sở C"]
    assert named_on(AGENCY, days[0])["name_en"] == "A"
    assert named_on({"agency": "x", "name": "X"}, days[0]) == {"agency": "x", "name": "X"}
