"""Signals with their evidence, districts that score their communes, the national index: from end to end."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from deploy.local.events import as_event
from tests.whole_system import RunningSystem

AGENCY = "so-ngoai-vu"
PERIOD = "2024-Q1"
TITLE = "Sở Ngoại vụ tiếp và làm việc với đoàn công tác tỉnh Vân Nam về hợp tác biên giới"
SA_PA_PARENT = "thi-xa-sa-pa"


def at(day: date, hour: int = 9) -> str:
    return f"{day.isoformat()}T{hour:02}:00:00+07:00"


def article(number: int, day: date, title: str) -> dict[str, Any]:
    data = {
        "article_id": f"sig-{number}", "agency": AGENCY, "title": title, "kind": "news",
        "url": "https://example.vn/a", "published_at": at(day),
    }  # fmt: skip
    return as_event({"type": "article.published", "data": data}, "so-ngoai-vu-cong")


def paused_dossier(number: int) -> list[dict[str, Any]]:
    """Received in February, paused two hours before its due instant."""
    code = f"000.00.29.H38-240201-{number:04d}"
    received = {
        "dossier_code": code, "agency": AGENCY, "procedure_code": "1.001234", "channel": "online",
        "received_at": "2024-02-01T08:00:00+07:00", "due_at": "2024-02-23T17:00:00+07:00",
    }  # fmt: skip
    paused = {"dossier_code": code, "agency": AGENCY, "at": "2024-02-23T15:00:00+07:00"}
    return [
        as_event({"type": "dossier.received", "data": received}, "so-ngoai-vu-cong"),
        as_event({"type": "dossier.supplement_requested", "data": paused}, "so-ngoai-vu-cong"),
    ]


@pytest.fixture(scope="module")
def gamed(system: RunningSystem) -> RunningSystem:
    """An agency that published at the end, under one title, paused at the last moment, and told it late."""
    key = system.add_publisher("so-ngoai-vu-cong", AGENCY)
    facts = [article(n, date(2024, 3, 28) + timedelta(days=n // 5), TITLE) for n in range(15)]
    facts += [
        article(100 + n, date(2024, 1, 8 + n), f"Bản tin đối ngoại riêng {n} {n * n}") for n in range(5)
    ]
    facts += [one for n in range(4) for one in paused_dossier(n)]
    results = system.send(facts, key)
    assert {result["status"] for result in results} == {"accepted"}, results
    system.settle()
    return system


def signals_of(system: RunningSystem, **query: str) -> list[dict[str, Any]]:
    answer = system.get("scoring", "/v1/signals", **{"period": PERIOD, "agency": AGENCY, **query})
    assert answer["unread"] == []
    found: list[dict[str, Any]] = answer["signals"]
    return found


def test_each_kind_of_signal_is_found_with_its_evidence_in_the_ledger(gamed: RunningSystem) -> None:
    found = {one["kind"]: one for one in signals_of(gamed)}
    assert found.keys() == {
        "bulk_before_cutoff", "near_identical_titles", "backdated", "paused_before_due",
    }  # fmt: skip
    assert found["bulk_before_cutoff"]["numbers"] == {"items": 15, "of": 20, "days": 5, "share": "75%"}
    assert found["near_identical_titles"]["numbers"]["title"] == TITLE
    assert found["paused_before_due"]["numbers"]["pauses"] == 4
    assert found["backdated"]["numbers"]["share"] == "100%", "all of it was recorded long after"
    for kind, one in found.items():
        assert one["title"]["vi"], kind
        assert one["innocent"]["vi"], kind
        fact = one["facts"][0]
        module = "content" if fact["type"].startswith("article") else "dossier"
        kept = gamed.get(module, "/v1/facts", source=fact["source"], id=fact["id"])
        assert (kept["recorded_at"], kept["time"]) == (fact["recorded_at"], fact["time"])


def test_no_point_moves_because_of_a_signal(gamed: RunningSystem) -> None:
    """With signals read and without, every score is the same, byte for byte."""
    before = gamed.get("scoring", f"/v1/scores/{AGENCY}", period=PERIOD)
    changes = gamed.get("scoring", f"/v1/scores/{AGENCY}/changes", period=PERIOD)
    assert signals_of(gamed)
    gamed.settle()
    assert gamed.get("scoring", f"/v1/scores/{AGENCY}", period=PERIOD) == before
    assert gamed.get("scoring", f"/v1/scores/{AGENCY}/changes", period=PERIOD) == changes
    told = json.dumps(gamed.get("scoring", f"/v1/scores/{AGENCY}/explanation", period=PERIOD))
    assert "signal" not in told


def test_signals_can_be_chosen_and_read_page_by_page(gamed: RunningSystem) -> None:
    assert {one["kind"] for one in signals_of(gamed, kind="backdated")} == {"backdated"}
    every = signals_of(gamed)
    first = gamed.get("scoring", "/v1/signals", period=PERIOD, agency=AGENCY, limit="1")
    assert first["signals"] == every[:1]
    rest = gamed.get("scoring", "/v1/signals", period=PERIOD, agency=AGENCY, after=str(first["next"]))
    assert rest["signals"] == every[1:]
    window = gamed.get(
        "scoring", "/v1/signals", **{"from": "2024-01-01", "to": "2024-03-22", "agency": AGENCY}
    )
    assert "bulk_before_cutoff" not in window["counts"], "before that cut-off there was no bulk"
    shown = gamed.run("signals", "--period", PERIOD, "--agency", AGENCY, "--facts").stdout
    assert "Đăng dồn" in shown


# --------------------------------------------------------------------------------------- communes


def judged(commune: str, points: str, publisher: str) -> dict[str, Any]:
    data = {
        "agency": commune, "period": PERIOD, "criterion": "commune-quality", "points": points,
        "assessed_by": "Phòng Văn hóa và Thông tin huyện", "assessed_at": "2024-03-25T09:00:00+07:00",
    }  # fmt: skip
    return as_event({"type": "assessment.recorded", "data": data}, publisher)


def test_a_district_judges_and_sees_its_own_communes(system: RunningSystem) -> None:
    key = system.add_publisher("huyen-bat-xat-cham-diem", "huyen-bat-xat/*", "assessment.recorded")
    communes = system.get("scoring", "/v1/agencies", parent="huyen-bat-xat")["agencies"]
    assert len(communes) == 13
    mine = next(row["agency"] for row in communes)
    (other,) = system.get("scoring", "/v1/agencies", parent=SA_PA_PARENT)["agencies"][:1]
    before = system.get("scoring", f"/v1/scores/{mine}", period=PERIOD)
    assert not before["complete"], "nobody has judged it yet: incomplete, not low"
    results = system.send([judged(mine, "8.5", "huyen-bat-xat-cham-diem")], key) + system.send(
        [judged(other["agency"], "9", "huyen-bat-xat-cham-diem")], key
    )
    assert [result["status"] for result in results] == ["accepted", "rejected"]
    assert "no grant for the agency" in results[1]["problem"]["detail"]
    system.settle()
    after = system.get("scoring", f"/v1/scores/{mine}", period=PERIOD)
    assert after["complete"]
    assert after["total"]["points"] - before["total"]["points"] == 8.5
    changes = system.get("scoring", f"/v1/scores/{mine}/changes", period=PERIOD)["changes"]
    assert [cause["source"] for cause in changes[-1]["causes"]] == ["/publishers/huyen-bat-xat-cham-diem"]
    table = system.get("scoring", "/v1/scores", period=PERIOD, parent="huyen-bat-xat")["scores"]
    assert {row["agency"] for row in table} == {row["agency"] for row in communes}
    assert {row["modules"]["content"]["ruleset"] for row in table} == {"communes-huyen-bat-xat@2024.1"}
    assert next(row["rank"] for row in table if row["agency"] == mine) == 1
    province = system.get("scoring", "/v1/scores", period=PERIOD)["scores"]
    assert "communes" not in {row["group"] for row in province}, "the province's table is its own"
    shown = system.json("scores", "--period", PERIOD, "--parent", "huyen-bat-xat")
    assert shown["scores"] == table


# ------------------------------------------------------------------------------- national index


def test_the_national_index_stands_beside_and_says_what_is_unknown(system: RunningSystem) -> None:
    families = {one["family"]: one for one in system.get("scoring", "/v1/families")["families"]}
    assert families.keys() == {"communes", "national", "provincial"}
    assert not families["national"]["published"]
    table = system.json("families", "national", "--period", PERIOD)
    assert len(table["scores"]) == 29
    assert not any(row["complete"] for row in table["scores"])
    told = system.get("scoring", "/v1/families/national/scores/so-y-te/explanation", period=PERIOD)
    index = told["modules"]["index"]
    assert index["max"] == 100
    unknown = [one for one in index["criteria"] if one["status"] == "unknown"]
    assert unknown
    assert all(one["points"] is None for one in unknown)
    page = system.get(
        "scoring", "/v1/families/national/scores/so-y-te/evidence", period=PERIOD,
        criterion="3.3-received-online",
    )  # fmt: skip
    assert page["indicators"] == ["dossier.received.online", "dossier.received"]
    published = system.get("scoring", "/v1/scores/so-y-te", period=PERIOD)
    assert "index" not in published["modules"]
