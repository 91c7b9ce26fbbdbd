"""One system's directory: what is remembered, what is secret, what is refused."""

import json
import stat
from pathlib import Path

import pytest

from deploy.local.layout import (
    LaunchError,
    held,
    load_secrets,
    open_layout,
    read_json,
    remember,
    remembered,
    write_json,
)
from deploy.local.system import Plan, label, ports_of, read_scale


def test_the_port_base_is_remembered(tmp_path: Path) -> None:
    layout = open_layout(tmp_path / "data", 23_900)
    layout.create()
    remember(layout, port_base=layout.port_base)
    assert open_layout(tmp_path / "data", None).port_base == 23_900
    assert open_layout(tmp_path / "data", 9_000).port_base == 9_000
    assert open_layout(tmp_path / "other", None).port_base == 8_000


@pytest.mark.parametrize("base", [0, 80, 65_500])
def test_a_port_base_out_of_range_is_refused(tmp_path: Path, base: int) -> None:
    with pytest.raises(LaunchError, match="--port-base"):
        open_layout(tmp_path, base)


def test_ports_are_those_of_the_contract(tmp_path: Path) -> None:
    layout = open_layout(tmp_path, 8_000)
    named = {name: layout.port(name) for name in ("content", "qa", "dossier", "scoring", "report")}
    assert named == {"content": 8001, "qa": 8002, "dossier": 8003, "scoring": 8004, "report": 8080}
    assert (layout.port("postgres"), layout.port("kafka"), layout.port("scoring", 1)) == (8090, 8092, 8014)


def test_no_two_parts_share_a_port(tmp_path: Path) -> None:
    plan = Plan(scale={"scoring": 4, "dossier": 4, "content": 4, "qa": 4})
    ports = ports_of(open_layout(tmp_path, 8_000), plan)
    assert len(set(ports.values())) == len(ports)


def test_secrets_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    layout = open_layout(tmp_path / "data", None)
    layout.create()
    first, again = load_secrets(layout), load_secrets(layout)
    assert first == again
    assert len({first.admin, *first.roles.values()}) == 6
    assert len(first.master_key_file.read_text().strip()) == 44
    for path in (*layout.secrets.iterdir(), layout.secrets, layout.keys):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_json_is_replaced_whole_and_read_with_a_plain_error(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert read_json(path) == {}
    write_json(path, {"a": "ơ"})
    assert json.loads(path.read_text()) == {"a": "ơ"}
    assert [other.name for other in tmp_path.iterdir()] == ["a.json"]
    path.write_text("{")
    with pytest.raises(LaunchError, match=r"a\.json is not JSON"):
        read_json(path)


def test_what_is_remembered_grows(tmp_path: Path) -> None:
    layout = open_layout(tmp_path, None)
    remember(layout, broker="mesh")
    remember(layout, partitions=3)
    assert remembered(tmp_path) == {"broker": "mesh", "partitions": 3}


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    layout = open_layout(tmp_path, None)
    layout.create()
    with held(layout, "x") as first, held(layout, "x") as second, held(layout, "y") as other:
        assert (first, second, other) == (True, False, True)
    with held(layout, "x") as after:
        assert after


def test_scale_is_read_or_refused() -> None:
    assert read_scale(["scoring=2", "dossier=3"]) == {"scoring": 2, "dossier": 3}
    for wrong in ("scoring", "scoring=0", "scoring=9", "postgres=2", "scoring=x"):
        with pytest.raises(LaunchError, match="--scale"):
            read_scale([wrong])


def test_replicas_have_names() -> None:
    assert [label("scoring", number) for number in range(3)] == ["scoring", "scoring-2", "scoring-3"]
