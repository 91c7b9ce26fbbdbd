"""The shipped register holds what the report states, and a slip of the hand in its files is named."""

import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

import shared.register
from shared.register import Register, RegisterError, load_register, shipped_register

QUARTER = (date(2024, 1, 1), date(2024, 3, 22))


@pytest.fixture(scope="module")
def register() -> Register:
    return shipped_register()


def test_there_are_196_component_portals_in_the_groups_of_the_report(register: Register) -> None:
    open_now = [a for a in register.agencies.values() if a.existed_in(*QUARTER)]
    groups = Counter(agency.group for agency in open_now)
    assert groups == {
        "departments": 22,
        "vertical": 28,
        "districts": 9,
        "communes": 123,
        "party": 14,
        "province": 1,
    }


def test_communes_per_district(register: Register) -> None:
    parents = Counter(a.parent for a in register.agencies.values() if a.group == "communes")
    assert parents == {
        "huyen-bat-xat": 13,
        "thi-xa-sa-pa": 16,
        "thanh-pho-lao-cai": 17,
        "huyen-si-ma-cai": 11,
        "huyen-van-ban": 15,
        "huyen-bao-yen": 17,
        "huyen-bac-ha": 14,
        "huyen-muong-khuong": 10,
        "huyen-bao-thang": 10,
    }


def test_fourteen_communes_and_the_split_are_younger_than_the_first_quarter_of_2023(
    register: Register,
) -> None:
    young = Counter(a.group for a in register.agencies.values() if a.opened > date(2023, 3, 31))
    assert young == {"communes": 14, "departments": 2}


@pytest.mark.parametrize(("module", "count"), [("content", 52), ("qa", 39), ("dossier", 29)])
def test_eligibility_in_the_quarter(register: Register, module: str, count: int) -> None:
    assert len(register.eligible(module, *QUARTER)) == count  # type: ignore[arg-type]


def test_content_blocs(register: Register) -> None:
    blocs = Counter(agency.bloc for agency in register.eligible("content", *QUARTER))
    assert blocs == {"party": 16, "government": 36}


def test_21_portals_are_scored_by_nobody(register: Register) -> None:
    unscored = [
        a
        for a in register.agencies.values()
        if a.existed_in(*QUARTER) and a.bloc == "none" and a.group not in ("communes", "province")
    ]
    assert len(unscored) == 21


def test_the_split_department_is_scored_until_it_closes_and_has_successors(register: Register) -> None:
    old = register.agencies["so-giao-thong-van-tai-xay-dung"]
    assert old.successors == ("so-giao-thong-van-tai", "so-xay-dung")
    assert old.modules == ("content", "qa", "dossier")
    assert old in register.eligible("content", date(2023, 1, 1), date(2023, 12, 31))
    assert old not in register.eligible("content", *QUARTER)
    assert not register.agencies["so-xay-dung"].existed_in(date(2023, 1, 1), date(2023, 12, 31))


def test_dossier_agencies_have_a_national_code_of_their_own(register: Register) -> None:
    codes = [a.code for a in register.agencies.values() if "dossier" in a.modules]
    assert None not in codes
    assert len(set(codes)) == len(codes)


def test_required_categories_hold_while_the_decree_does(register: Register) -> None:
    assert len(register.required_categories(date(2024, 3, 22))) == 12
    assert register.required_categories(date(2026, 7, 1)) == ()


@pytest.mark.parametrize(
    ("agency", "title", "wrong"),
    [
        ("so-y-te", "Giám đốc", False),
        ("so-y-te", " phó  giám đốc ", False),
        ("so-y-te", "Phó Giám đốc Sở Y tế", False),
        ("so-y-te", "Giám đốc Trung tâm Kiểm soát bệnh tật", True),
        ("so-y-te", "Chuyên viên", True),
        ("thanh-tra-tinh", "Giám đốc", True),
        ("huyen-si-ma-cai", "Phó Chủ tịch UBND Huyện Si Ma Cai", False),
        ("hoi-nong-dan-tinh", "Bất kỳ", False),
        ("nobody", "Bất kỳ", False),
    ],
)
def test_titles(register: Register, agency: str, title: str, wrong: bool) -> None:
    assert register.is_wrong_title(agency, title, date(2024, 2, 1)) is wrong


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("agencies.yaml", "slug: so-y-te,", "slug: so-tai-chinh,", "used twice: so-tai-chinh"),
        (
            "agencies.yaml",
            "parent: huyen-bat-xat",
            "parent: huyen-moi",
            "huyen-moi, which is not in the file",
        ),
        ("agencies.yaml", "closed: 2023-12-31", "closed: 2013-12-31", "closes before it opens"),
        ("agencies.yaml", "group: party", "group: partei", "agencies.yaml"),
        ("eligibility.yaml", "count: 39", "count: 40", "says 40 agencies and lists 39"),
        ("eligibility.yaml", "- thanh-tra-tinh", "- thanh-tra", "not in agencies.yaml: thanh-tra"),
        ("titles.yaml", "agencies: [thanh-tra-tinh]", "agencies: [thanh-tra]", "not in agencies.yaml"),
        ("categories.yaml", "categories:", "categories: 7 #", "categories.yaml"),
    ],
)
def test_a_slip_of_the_hand_is_named(tmp_path: Path, file: str, old: str, new: str, message: str) -> None:
    folder = tmp_path / "register"
    shutil.copytree(Path(shared.register.__file__).parent, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RegisterError, match=message):
        load_register(folder)
