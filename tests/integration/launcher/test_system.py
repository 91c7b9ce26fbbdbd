"""A whole system through `./run`: what the commands promise."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.local.control import report_of
from deploy.local.layout import Layout, open_layout
from tests.running_parts import free_port_base, scratch
from tests.whole_system import RunningSystem

pytestmark = pytest.mark.system


def _dossier(code: str, agency: str = "so-y-te") -> dict[str, Any]:
    return {
        "type": "dossier.received",
        "data": {
            "dossier_code": code,
            "agency": agency,
            "procedure_code": "1.000001",
            "channel": "online",
            "received_at": "2024-02-01T08:00:00+07:00",
        },
    }


def _wrong(code: str) -> dict[str, Any]:
    """A dossier with a channel that the contract does not know."""
    made = _dossier(code)
    made["data"]["channel"] = "post"
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "facts.json"


def test_status_tells_services_ports_and_bus(system: RunningSystem) -> None:
    told = system.json("status")
    assert told["running"]
    assert {service["name"] for service in told["services"]} >= {"content", "qa", "dossier"}
    assert all(service["ready"] and service["restarts"] == 0 for service in told["services"])
    assert told["parts"]["postgres"]["port"] == system.layout.port("postgres")
    assert told["broker"]["address"] == system.kafka


def test_officers_get_accounts_with_a_password_shown_once(system: RunningSystem) -> None:
    added = system.run("officer", "add", "lan", "--role", "approver", "--full-name", "Nguyễn Thị Lan")
    assert len(added.stdout.strip()) >= 20
    assert "Nguyễn Thị Lan" in system.run("officer", "list").stdout
    again = system.run("officer", "add", "lan", "--role", "officer", check=False)
    assert again.returncode != 0
    assert "exists" in again.stderr
    for told in (system.run("officer", "--help").stdout, system.run("officer", "add", "--help").stdout):
        assert "./run officer" in told


def test_facts_are_accepted_once_and_refused_ones_are_kept(system: RunningSystem, file: Path) -> None:
    system.add_publisher("first", agencies="so-y-te", types="dossier.*")
    file.write_text(json.dumps([_dossier("L-1"), _dossier("L-2", "so-xay-dung")]))
    words = ("publish", str(file), "--publisher", "first", "--json")
    first, second = (json.loads(system.run(*words, check=False).stdout)["results"] for _ in range(2))
    assert [result["status"] for result in first] == ["accepted", "rejected"]
    assert [result["status"] for result in second] == ["duplicate", "rejected"]
    assert system.run(*words, check=False).returncode == 1
    (parked,) = system.json("parked", "list", "--publisher", "first")["parked"]
    assert parked["reason"] == "grant"


def test_a_wider_grant_lets_parked_facts_in_again(system: RunningSystem, file: Path) -> None:
    system.add_publisher("second", agencies="so-y-te", types="dossier.*")
    file.write_text(json.dumps([_dossier("L-3", "so-xay-dung")]))
    system.run("publish", str(file), "--publisher", "second", check=False)
    stuck = system.run("parked", "replay", "--publisher", "second", check=False)
    assert stuck.returncode == 1
    system.run("publisher", "grants", "second", "--agencies", "so-y-te,so-xay-dung", "--types", "dossier.*")
    settled = system.json("parked", "replay", "--publisher", "second", "--note", "grant was too narrow")
    assert [row["state"] for row in settled["settled"]] == ["replayed"]
    assert not system.json("parked", "list", "--publisher", "second")["parked"]


def test_everything_of_one_reason_is_settled_with_one_command(system: RunningSystem, file: Path) -> None:
    system.add_publisher("fourth", agencies="so-y-te", types="dossier.*")
    foreign = [_dossier(f"L-{n}", "so-xay-dung") for n in range(10, 14)]
    file.write_text(json.dumps([*foreign, _wrong("L-14")]))
    system.run("publish", str(file), "--publisher", "fourth", check=False)
    system.run("publisher", "grants", "fourth", "--agencies", "so-y-te,so-xay-dung", "--types", "dossier.*")
    told = system.run("parked", "replay", "--reason", "grant", "--publisher", "fourth", "--by", "an")
    assert "4 settled, 0 refused" in told.stderr
    (left,) = system.json("parked", "list", "--publisher", "fourth")["parked"]
    assert left["reason"] == "schema"
    replayed = system.json("parked", "list", "--publisher", "fourth", "--state", "replayed")["parked"]
    assert [row["settled_by"] for row in replayed] == ["an"] * 4


def test_a_refused_fact_is_shown_repaired_or_dropped(system: RunningSystem, file: Path) -> None:
    system.add_publisher("fifth", agencies="so-y-te", types="dossier.*")
    file.write_text(json.dumps([_wrong("L-20"), _wrong("L-21")]))
    system.run("publish", str(file), "--publisher", "fifth", check=False)
    repaired, dropped = system.json("parked", "list", "--publisher", "fifth")["parked"]
    shown = json.loads(system.run("parked", "show", repaired["ref"]).stdout)
    original = json.loads(shown["payload"])
    code = original["data"]["dossier_code"]
    assert code in ("L-20", "L-21")
    original["data"]["channel"] = "one_stop"
    file.write_text(json.dumps(original))
    words = ("--by", "an", "--note", "gõ nhầm")
    (one,) = system.json("parked", "repair", repaired["ref"], str(file), *words)["settled"]
    assert (one["state"], one["settled_by"], one["note"]) == ("repaired", "an", "gõ nhầm")
    assert system.get("dossier", f"/v1/entities/dossier/{code}")["state"]["status"] == "received"
    (one,) = system.json("parked", "drop", dropped["ref"], *words)["settled"]
    assert one["state"] == "dropped"
    again = system.run("parked", "repair", dropped["ref"], str(file), check=False)
    assert again.returncode == 1
    assert not system.json("parked", "list", "--publisher", "fifth")["parked"]


def test_publishers_are_listed_with_their_grants(system: RunningSystem) -> None:
    system.add_publisher("third", agencies="so-y-te", types="question.*")
    system.run("publisher", "revoke", "third")
    listed = {row["name"]: row for row in system.json("publisher", "list")["publishers"]}
    assert listed["third"]["types"] == ["question.*"]
    assert listed["third"]["revoked_at"]
    again = system.run("publisher", "add", "third", "--agencies", "*", "--types", "*", check=False)
    assert again.returncode == 1
    assert "already" in again.stderr


def test_a_killed_service_is_started_again(system: RunningSystem) -> None:
    before = system.pid("qa")
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while report_of(system.layout)["parts"]["qa"]["restarts"] == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert system.pid("qa") != before
    system.settle()
    assert all(service["ready"] for service in system.json("status")["services"])


def test_up_again_finds_the_system_running(system: RunningSystem) -> None:
    before = report_of(system.layout)["pid"]
    system.run("up", "--no-report")
    assert report_of(system.layout)["pid"] == before


def test_taken_ports_are_told_before_anything_starts(system: RunningSystem) -> None:
    with scratch() as directory:
        other = RunningSystem(Layout(directory / "data", system.layout.port_base))
        refused = other.run("up", check=False)
    assert refused.returncode == 1
    assert "in use by another program" in refused.stderr
    assert "--port-base" in refused.stderr


def test_commands_say_what_to_do_when_nothing_runs() -> None:
    with scratch() as directory:
        idle = RunningSystem(_layout(directory))
        for words in (("scores", "--period", "2024-Q1"), ("parked", "list"), ("publisher", "list")):
            told = idle.run(*words, check=False)
            assert told.returncode == 1, words
            assert "./run up" in told.stderr
            assert not told.stdout
        status = idle.run("status", "--json", check=False)
        assert not json.loads(status.stdout)["running"]
        assert "Nothing runs" in idle.run("down").stderr


@pytest.fixture(scope="module")
def other_system() -> Iterator[RunningSystem]:
    with scratch() as directory:
        running = RunningSystem(_layout(directory))
        running.run("up", "--broker", "mesh", "--no-report")
        yield running
        running.run("down")


def test_two_systems_live_side_by_side(system: RunningSystem, other_system: RunningSystem) -> None:
    other_system.add_publisher("beside")
    names = [row["name"] for row in system.json("publisher", "list")["publishers"]]
    assert "beside" not in names
    assert other_system.json("status")["broker"]["kind"] == "mesh"
    assert not other_system.json("status")["broker"]["durable"]


def test_a_killed_supervisor_leaves_nothing_that_the_next_start_does_not_clear(
    other_system: RunningSystem,
) -> None:
    other_system.add_publisher("stays")
    report = report_of(other_system.layout)
    os.kill(report["pid"], signal.SIGKILL)
    other_system.run("up", "--broker", "mesh", "--no-report")
    fresh = report_of(other_system.layout)
    old = {part["pid"] for part in report["parts"].values()} - {
        part["pid"] for part in fresh["parts"].values()
    }
    assert not [pid for pid in old if psutil.pid_exists(pid)]
    assert "stays" in [row["name"] for row in other_system.json("publisher", "list")["publishers"]]


def test_down_leaves_no_process_and_no_port(other_system: RunningSystem) -> None:
    report = report_of(other_system.layout)
    family = [
        member
        for part in report["parts"].values()
        for process in (psutil.Process(part["pid"]),)
        for member in (process, *process.children(recursive=True))
    ]
    other_system.run("down")
    assert not [process for process in family if process.is_running()]
    for part in ("content", "postgres", "kafka"):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", other_system.layout.port(part)), timeout=5)
    other_system.run("up", "--broker", "mesh", "--no-report")


def _layout(directory: Path) -> Layout:
    return open_layout(directory / "data", free_port_base())
