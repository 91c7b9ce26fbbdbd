"""./run publish: send a file of facts as an agency's system does, signed, over HTTP."""

import json as json_module
import time
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from deploy.local import control, screen
from deploy.local.commands_publisher import remembered_key
from deploy.local.events import FactFileError, as_event, read_facts, service_of
from deploy.local.layout import LaunchError, Layout
from deploy.local.options import DATA_DEFAULT, Data, Json, PortBase, opened
from shared.contracts.envelope import BATCH
from shared.contracts.words import MAX_BODY_BYTES, MAX_EVENTS_PER_REQUEST
from shared.runtime.access.sealing import SealError, read_key
from shared.runtime.signature import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

app = typer.Typer()
_ATTEMPTS = 5


@app.command(rich_help_panel="Facts")
def publish(
    file: Annotated[Path, typer.Argument(help="JSON, or one JSON object per line; - reads standard input.")],
    publisher: Annotated[str | None, typer.Option(help="Who sends it.")] = None,
    key: Annotated[str | None, typer.Option(help="whsec_…; without it the key kept in DATA/keys.")] = None,
    data: Data = DATA_DEFAULT,
    port_base: PortBase = None,
    json: Json = False,
) -> None:
    """Send the facts of a file, signed, and show what became of each.

    The file holds CloudEvents, or bare facts such as
    {"type": "dossier.received", "data": {"dossier_code": "…", "agency": "…", …}}.

    Exit code 1 when any was rejected.
    """
    layout = opened(data, port_base)
    control.require_running(layout)
    name, secret = (publisher, key) if publisher and key else remembered_key(layout, publisher)
    try:
        text = typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text(encoding="utf-8")
        events = [as_event(fact, name) for fact in read_facts(text)]
        results = send(layout, events, read_key(key or secret))
    except (FactFileError, SealError, UnicodeDecodeError) as error:
        raise LaunchError(f"{file}: {error}.") from error
    except OSError as error:
        raise LaunchError(f"{file} cannot be read: {error.strerror}.") from error
    _show(results, json)
    if any(result["status"] == "rejected" for result in results):
        raise typer.Exit(1)


def send(layout: Layout, events: list[dict[str, Any]], key: bytes) -> list[dict[str, Any]]:
    """Send events in order, each to its service, in requests of at most 1,000. The results in that order."""
    results: list[dict[str, Any]] = [{} for _ in events]
    by_service: dict[str, list[int]] = {}
    for number, event in enumerate(events):
        by_service.setdefault(service_of(event), []).append(number)
    with httpx.Client(timeout=60) as client:
        for service, numbers in by_service.items():
            for chunk, body in _chunks(events, numbers):
                answer = _post(client, f"{layout.url(service)}/v1/events", body, key)
                for number, result in zip(chunk, answer, strict=True):
                    results[number] = {"service": service, **result}
    return results


def _chunks(events: list[dict[str, Any]], numbers: list[int]) -> list[tuple[list[int], bytes]]:
    """The events of one service in bodies within the limits of a request."""
    chunks: list[tuple[list[int], list[bytes]]] = []
    size = 0
    for number in numbers:
        one = json_module.dumps(events[number], ensure_ascii=False).encode()
        size += len(one) + 1
        if not chunks or len(chunks[-1][0]) == MAX_EVENTS_PER_REQUEST or size + 2 > MAX_BODY_BYTES:
            chunks.append(([], []))
            size = len(one) + 1
        chunks[-1][0].append(number)
        chunks[-1][1].append(one)
    return [(chunk, b"[" + b",".join(bodies) + b"]") for chunk, bodies in chunks]


def _post(client: httpx.Client, url: str, body: bytes, key: bytes) -> list[dict[str, Any]]:
    """Send one signed request; again when the service is busy or starting, which cannot harm."""
    for attempt in range(_ATTEMPTS):
        stamp = int(time.time())
        message = f"run-{stamp}-{attempt}"
        headers = {
            "content-type": BATCH,
            ID_HEADER: message,
            TIMESTAMP_HEADER: str(stamp),
            SIGNATURE_HEADER: sign(key, message, stamp, body),
        }
        try:
            answer = client.post(url, content=body, headers=headers)
        except httpx.TransportError as error:
            last = str(error)
        else:
            if answer.status_code == 200:
                return list(answer.json()["results"])
            last = _problem(answer)
            if answer.status_code not in (429, 503):
                break
        time.sleep(0.3 * 2**attempt)
    raise LaunchError(f"{url} did not take the facts: {last}")


def _problem(answer: httpx.Response) -> str:
    try:
        told = answer.json()
        return f"{told.get('title')}: {told.get('detail')}"
    except ValueError:
        return f"status {answer.status_code}"


def _show(results: list[dict[str, Any]], json: bool) -> None:
    if json:
        screen.print_json({"results": results})
        return
    rows = [
        (result["id"], result["service"], result["status"], (result.get("problem") or {}).get("detail", ""))
        for result in results
    ]
    screen.print_table("", ("id", "service", "status", "why"), rows)
    counts = {
        status: sum(row[2] == status for row in rows) for status in ("accepted", "duplicate", "rejected")
    }
    screen.note(", ".join(f"{number} {status}" for status, number in counts.items()))
