"""A question's asker is sent by mistake, over both entrances: afterwards no table has it."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.qa.lifecycle import lifecycle as qa
from tests.security.entrance import Entrance, Key, entrance

pytestmark = pytest.mark.anyio
ASKER = "Nguyen Thi Nguoi Hoi"
PHONE = "0912 345 678"


def question(id_: str, **more: Any) -> dict[str, Any]:
    """A question with its asker."""
    at = "2024-01-15T08:30:00+07:00"
    data = {"question_id": id_, "agency": "so-y-te", "received_at": at, "field": "y tế", **more}
    return {
        "specversion": "1.0", "id": id_, "source": "/publishers/cong", "time": at,
        "type": "vn.laocai.question.received.v1", "subject": f"question/{id_}", "data": data,
    }  # fmt: skip


async def everything(at: Entrance) -> str:
    """Every row of every table of the service, as text, binary columns decoded."""
    told = []
    for row in await at.admin.fetch(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = 'public'"
    ):
        rows = await at.admin.fetch(f'SELECT * FROM "{row["schemaname"]}"."{row["tablename"]}"')
        for found in rows:
            told += [
                value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in found
            ]
    return "\n".join(told)


async def _send_all(at: Entrance, key: Key) -> None:
    with_asker = question("q1", asker_name=ASKER, asker_phone=PHONE)
    answer = await at.post([with_asker, question("q2")], key)
    assert [one["status"] for one in answer.json()["results"]] == ["rejected", "accepted"]
    value = json.dumps(with_asker).encode()
    assert await at.take(value, key.headers(value) | {"x-asker": ASKER}) == "schema"
    assert await at.take(value, Key("cong", b"w" * 32).headers(value)) == "signature"
    broken = value[:-1]
    assert await at.take(broken, key.headers(broken)) == "envelope"


async def test_an_asker_is_never_stored(empty_postgres_url: str, tmp_path: Path) -> None:
    async with entrance(empty_postgres_url, tmp_path, qa()) as at:
        await _send_all(at, await at.publisher("cong"))
        rows = await at.refused()
        assert sorted(row["reason"] for row in rows) == ["envelope", "schema", "schema", "signature"]
        stored = await everything(at)
        assert "q2" in stored, "the search sees what is there"
        assert ASKER not in stored
        assert PHONE not in stored
        one = (await at.http.get(f"/v1/rejections/{rows[0]['number']}")).json()
        assert "asker_name" in json.dumps(one["errors"]), "the reason still names the field at fault"


async def test_a_repaired_question_comes_in_without_its_asker(
    empty_postgres_url: str, tmp_path: Path
) -> None:
    async with entrance(empty_postgres_url, tmp_path, qa()) as at:
        key = await at.publisher("cong")
        await at.post([question("q1", asker_name=ASKER)], key)
        (row,) = await at.refused()
        answer = await at.http.post(
            f"/v1/rejections/{row['number']}/repair", json={"by": "an", "event": question("q1")}
        )
        assert answer.status_code == 200, answer.text
        assert ASKER not in await everything(at)
