"""What an officer's step on a dispute becomes: facts of the office, to be signed and sent. Pure.

The facts' ids name the dispute, the version of it that the officer saw, and the attempt: two officers who
decide at once make the same ids, and only one of them can be in the ledger.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from services.content.dispute import OPEN
from shared.calendar.local import iso, parse_instant
from shared.contracts.facts import FACTS_OF_MODULE, HAPPENED_AT, RETRACTED, FactRetracted
from shared.contracts.words import full_type
from shared.runtime.access.office import OFFICE

_ENTITY_FIELD = {
    "article": "article_id",
    "question": "question_id",
    "dossier": "dossier_code",
    "procedure": "procedure_code",
}
_NOT_CORRECTIONS = ("dispute.", "ruling.")

Event = dict[str, Any]


class RefusedError(ValueError):
    """A step that the rules do not allow. `code` is stable; the text says what to do."""

    def __init__(self, code: str, detail: str, errors: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = errors


class Dispute(NamedTuple):
    """A dispute as the ledger has it."""

    agency: str
    entity: str
    version: int
    state: Mapping[str, Any]


class Outgoing(NamedTuple):
    """One fact on its way to a module's inbox."""

    module: str
    key: str
    short: str
    event: Event


def check_open(dispute: Dispute, now: datetime, *, taking_up: bool = False) -> None:
    """Raises RefusedError unless the step can still be taken."""
    status, name = dispute.state["status"], f"{dispute.agency}/{dispute.entity}"
    if status not in OPEN:
        raise RefusedError("dispute-state", f"The dispute {name} is {status}: nothing follows its end.")
    if taking_up and status == "taken_up":
        by = dispute.state["taken_up_by"]
        raise RefusedError("dispute-state", f"{by} has taken the dispute {name} up already; decide it.")
    due = dispute.state["due_at"]
    if due is not None and now > parse_instant(due):
        raise RefusedError("dispute-expired", f"The term to decide {name} ran out at {due}.")


def taken_up(dispute: Dispute, attempt: int, officer: str, now: datetime) -> list[Outgoing]:
    """The fact of taking a dispute up."""
    data = {
        "agency": dispute.agency,
        "dispute_id": dispute.entity,
        "opened_at": iso(now),
        "officer": officer,
    }
    return [_about(dispute, attempt, "ruling.opened", data, now)]


def decided(
    dispute: Dispute,
    attempt: int,
    officer: str,
    ruling: str,
    reason: str,
    corrections: Sequence[tuple[str, str | None, Mapping[str, Any]]],
    now: datetime,
) -> list[Outgoing]:
    """The facts of a decision: its corrections (type, module, data), then the ruling that names them.

    Raises RefusedError for a correction that no fact can be made of.
    """
    if ruling == "dismissed" and corrections:
        raise _wrong("/corrections", "a dispute that is dismissed corrects nothing")
    found = []
    for number, (short, module, given) in enumerate(corrections, 1):
        where = f"/corrections/{number - 1}"
        place, data = _completed(dispute, short, module, given, officer, reason, now, where)
        found.append(_correction(dispute, attempt, number, place, short, data, now))
    data = {
        "agency": dispute.agency,
        "dispute_id": dispute.entity,
        "given_at": iso(now),
        "officer": officer,
        "ruling": ruling,
        "reason": reason,
        "corrections": [{"source": one.event["source"], "id": one.event["id"]} for one in found],
    }
    return [*found, _about(dispute, attempt, "ruling.given", data, now)]


def _completed(
    dispute: Dispute,
    short: str,
    module: str | None,
    given: Mapping[str, Any],
    officer: str,
    reason: str,
    now: datetime,
    where: str,
) -> tuple[str, Event]:
    """Module and data of a correction: what the officer left out follows from the dispute."""
    data = {"agency": dispute.agency, **given}
    name = f"{dispute.agency}/{dispute.entity}"
    model: type[BaseModel]
    if short == RETRACTED:
        data.setdefault("reason", f"{name}: {reason}"[:4_000])
        place = module or _module_of_contested(dispute, data.get("retracts"))
        if place is None:
            detail = "say which module keeps the fact: content, qa or dossier"
            raise _wrong(where + "/module", detail)
        model = FactRetracted
    else:
        known = [one for one, facts in FACTS_OF_MODULE.items() if short in facts]
        if not known or short.startswith(_NOT_CORRECTIONS):
            raise _wrong(where + "/type", f"{short} is no fact that a ruling can send")
        place = known[0]
        model = FACTS_OF_MODULE[place][short]
        data.setdefault(HAPPENED_AT.get(short, "at"), iso(now))
        if short == "assessment.recorded":
            data.setdefault("assessed_by", officer)
            data.setdefault("note", f"{name}: {reason}"[:4_000])
    try:
        model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        pointer = "/".join(str(step) for step in first["loc"])
        raise _wrong(f"{where}/data/{pointer}", first["msg"]) from error
    return place, data


def _module_of_contested(dispute: Dispute, retracts: Any) -> str | None:
    contested = dispute.state["fact"]
    if contested is None or retracts != contested:
        return None
    module: str | None = dispute.state["module"]
    return module


def _wrong(pointer: str, detail: str) -> RefusedError:
    errors = [{"pointer": pointer, "detail": detail}]
    return RefusedError("corrections", "A correction cannot be sent as it stands.", errors)


def _about(dispute: Dispute, attempt: int, short: str, data: Event, now: datetime) -> Outgoing:
    """A fact about the dispute itself."""
    word = "opened" if short == "ruling.opened" else "ruling"
    event = _event(dispute, attempt, word, short, f"dispute/{dispute.entity}", data, now)
    return Outgoing("content", dispute.entity, short, event)


def _correction(
    dispute: Dispute, attempt: int, number: int, module: str, short: str, data: Event, now: datetime
) -> Outgoing:
    family = short.partition(".")[0]
    key = str(data.get(_ENTITY_FIELD.get(family, ""), data["agency"]))
    event = _event(dispute, attempt, str(number), short, f"{family}/{key}", data, now)
    return Outgoing(module, key, short, event)


def _event(
    dispute: Dispute, attempt: int, word: str, short: str, subject: str, data: Event, now: datetime
) -> Event:
    field = HAPPENED_AT.get(short, "at")
    happened = str(data.get(field, "")) if field != "date" else ""
    return {
        "specversion": "1.0",
        "id": f"dispute/{dispute.agency}/{dispute.entity}/{dispute.version}.{attempt}/{word}",
        "source": f"/publishers/{OFFICE}",
        "type": full_type(short),
        "subject": subject,
        "time": happened or iso(now),
        "datacontenttype": "application/json",
        "data": data,
    }
