"""Reading a file of facts for `./run publish`: CloudEvents or bare facts, JSON or one per line. Pure.

A bare fact is {"type": "dossier.received", "data": {…}} with an optional id, time and subject. What is
missing is worked out from the data, and the same fact always gets the same id, so that sending a file twice
is harmless.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from shared.contracts.facts import FACTS_OF_MODULE, HAPPENED_AT
from shared.contracts.words import full_type, short_type

# Which service takes a fact, by the first word of its type.
SERVICE_OF_FAMILY: Mapping[str, str] = {
    short.partition(".")[0]: module for module, facts in FACTS_OF_MODULE.items() for short in facts
}
# The field that names the entity, for the kinds whose id an agency gives.
_ID_FIELDS = {
    "article": "article_id",
    "question": "question_id",
    "dossier": "dossier_code",
    "procedure": "procedure_code",
    "dispute": "dispute_id",
    "ruling": "dispute_id",
}


class FactFileError(ValueError):
    """What is wrong with a file of facts, and where."""


def read_facts(text: str) -> list[dict[str, Any]]:
    """The objects of a file: a JSON array, one JSON object, or one object on each line."""
    try:
        whole = json.loads(text)
    except ValueError:
        return list(_read_lines(text))
    found = whole if isinstance(whole, list) else [whole]
    for number, one in enumerate(found, 1):
        if not isinstance(one, dict):
            raise FactFileError(f"entry {number} is not a JSON object")
    return found


def _read_lines(text: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError as error:
            raise FactFileError(f"line {number} is not JSON: {error}") from error
        if not isinstance(found, dict):
            raise FactFileError(f"line {number} is not a JSON object")
        yield found


def as_event(fact: Mapping[str, Any], publisher: str) -> dict[str, Any]:
    """The CloudEvent of a fact. An event that is complete already stays as it is. Raises FactFileError."""
    if "specversion" in fact:
        return dict(fact)
    kind, data = fact.get("type"), fact.get("data")
    if not isinstance(kind, str) or not isinstance(data, dict):
        raise FactFileError("a bare fact needs a 'type' such as dossier.received, and 'data'")
    short = short_type(kind) or kind
    content = json.dumps([short, data], sort_keys=True, ensure_ascii=False).encode()
    return {
        "specversion": "1.0",
        "id": str(fact.get("id") or hashlib.sha256(content).hexdigest()[:32]),
        "source": f"/publishers/{publisher}",
        "type": full_type(short),
        "subject": str(fact.get("subject") or _subject(short, data)),
        "time": str(fact.get("time") or _time(short, data)),
        "datacontenttype": "application/json",
        "data": data,
    }


def _subject(short: str, data: Mapping[str, Any]) -> str:
    family = short.partition(".")[0]
    field = _ID_FIELDS.get(family)
    if field is not None and field in data:
        kind = "dispute" if family == "ruling" else family
        return f"{kind}/{data[field]}"
    return f"{family}/{data.get('agency', '')}"


def _time(short: str, data: Mapping[str, Any]) -> str:
    field = HAPPENED_AT.get(short, "at")
    if field not in data:
        raise FactFileError(
            f"a bare {short} needs a 'time': its data has no '{field}' that says when it happened"
        )
    # A figure that belongs to a day is known when the day is over.
    return f"{data[field]}T23:59:59+07:00" if field == "date" else str(data[field])


def service_of(event: Mapping[str, Any]) -> str:
    """The service that takes an event: content, qa or dossier. Raises FactFileError."""
    short = short_type(str(event.get("type"))) or ""
    families = [short.partition(".")[0], str(event.get("subject", "")).partition("/")[0]]
    # A retraction goes where the fact that it takes back went, which its subject tells.
    for family in families[1:] if families[0] == "fact" else families[:1]:
        if family in SERVICE_OF_FAMILY:
            return SERVICE_OF_FAMILY[family]
    if families[0] == "fact":
        raise FactFileError("fact.retracted needs a 'subject' such as dossier/ID, which tells its service")
    raise FactFileError(f"{event.get('type')!r} is not a fact type of the contract")
