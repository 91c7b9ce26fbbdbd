"""From the records of one poll to the rows of one statement. Pure but for the names it needs numbers for.

Only the newest version of each entity in the batch is counted; the causes of all of them are kept, so that a
score change names every fact that led to it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import msgspec

from services.scoring import flows
from services.scoring.contribution import Contribution, Mark, WrongTitle, contribution
from services.scoring.vocabulary import Vocabulary


class Incoming(Protocol):
    """What is needed of a record of the bus."""

    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes | None: ...


class _Cause(msgspec.Struct, frozen=True, gc=False):
    source: str
    id: str


class _Data(msgspec.Struct, frozen=True, gc=False):
    kind: str
    version: int
    agency: str
    state: msgspec.Raw
    causes: list[_Cause] = []


class _Event(msgspec.Struct, frozen=True, gc=False):
    data: _Data


_NOT_STORABLE = {0: None, 10: None}
"""Characters that a stored cause cannot hold; the contract allows them in no id."""

_decode = msgspec.json.Decoder(_Event).decode


class Counted(NamedTuple):
    """One entity in its newest version of the batch, with what it adds."""

    key: str
    version: int
    agency: str
    contribution: Contribution


class Reading:
    """Takes records one by one and keeps the newest version of each entity. Never raises on bad data."""

    def __init__(self, wrong_title: WrongTitle) -> None:
        self._wrong_title = wrong_title
        self._newest: dict[str, _Data] = {}
        self._causes: list[tuple[str, int, list[_Cause]]] = []
        self.unreadable: list[str] = []
        self.taken = 0

    def take(self, record: Incoming, *, with_causes: bool = True) -> None:
        """One record. What is not a change of the contract is noted in `unreadable`."""
        self.taken += 1
        if record.value is None:
            return
        try:
            data = _decode(record.value).data
            key = f"{data.kind}/{(record.key or b'').decode()}"
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.unreadable.append(f"{record.key!r}: {error}")
            return
        if "\x00" in key or not data.agency:
            # An entity that no agency answers for yet was never opened.
            return
        if with_causes:
            self._causes.append((key, data.version, data.causes))
        known = self._newest.get(key)
        if known is None or known.version < data.version:
            self._newest[key] = data

    def counted(self) -> Iterator[Counted]:
        """The entities in the order of their keys."""
        for key, data in sorted(self._newest.items()):
            found = contribution(data.kind, data.agency, data.state, self._wrong_title)
            yield Counted(key, data.version, data.agency, found)

    def causes(self) -> Iterable[tuple[str, int, str]]:
        """Key, version, `<source> <id>` of every cause of every version."""
        for key, version, causes in self._causes:
            for cause in causes:
                yield key, version, f"{cause.source} {cause.id}".translate(_NOT_STORABLE)


class Batch(NamedTuple):
    """Columns for the fold statement: entities by key, each with its slice of the marks."""

    keys: list[str]
    versions: list[int]
    agencies: list[int]
    starts: list[int]
    ends: list[int]
    plain: list[bool]
    others: list[str | None]
    faults: list[str | None]
    marks: list[int]
    amounts: list[int]
    cause_slots: list[int]
    cause_versions: list[int]
    causes: list[str]
    taken: int

    @property
    def size(self) -> int:
        """How many entities it holds."""
        return len(self.keys)


def names(counted: Sequence[Counted]) -> tuple[set[str], set[str]]:
    """The agencies and flows that need numbers."""
    agencies = {entry.agency for entry in counted}
    found: set[str] = set()
    for entry in counted:
        for mark in entry.contribution.marks:
            agencies.add(mark[0])
            found.add(mark[1])
    return agencies, found


def pack(counted: Sequence[Counted], reading: Reading, vocabulary: Vocabulary) -> Batch:
    """The columns, once every name has its number."""
    batch = Batch([], [], [], [], [], [], [], [], [], [], [], [], [], reading.taken)
    slots: dict[str, int] = {}
    for entry in counted:
        agency = vocabulary.agencies.get(entry.agency)
        if agency is None:
            continue
        slots[entry.key] = len(batch.keys)
        _add(batch, entry, agency, vocabulary)
    for key, version, cause in reading.causes():
        slot = slots.get(key)
        if slot is not None:
            batch.cause_slots.append(slot)
            batch.cause_versions.append(version)
            batch.causes.append(cause)
    return batch


def _add(batch: Batch, entry: Counted, agency: int, vocabulary: Vocabulary) -> None:
    marks, amounts, plain, fault = _packed(entry.contribution, vocabulary)
    batch.keys.append(entry.key)
    batch.versions.append(entry.version)
    batch.agencies.append(agency)
    batch.starts.append(len(batch.marks) + 1)
    batch.marks.extend(marks)
    batch.amounts.extend(amounts)
    batch.ends.append(len(batch.marks))
    batch.plain.append(plain)
    batch.faults.append(fault)
    batch.others.append(_others(marks, agency))


def _others(marks: list[int], agency: int) -> str | None:
    """The further agencies that marks speak of, as an array literal."""
    if not marks or (marks[0] >> flows.AGENCY_SHIFT == agency == marks[-1] >> flows.AGENCY_SHIFT):
        return None
    found = {mark >> flows.AGENCY_SHIFT for mark in marks} - {agency}
    return "{" + ",".join(map(str, sorted(found))) + "}" if found else None


def _packed(found: Contribution, vocabulary: Vocabulary) -> tuple[list[int], list[int], bool, str | None]:
    """Marks in ascending order with their amounts; a name without a number makes the entity a fault."""
    agencies, known = vocabulary.agencies, vocabulary.flows
    try:
        pairs = [
            (agencies[agency] << 48 | known[flow] << 30 | cohort << 15 | effective, amount)
            for agency, flow, cohort, effective, amount in found.marks
        ]
    except KeyError as error:
        return [], [], True, f"no number is left for {error}"
    if len(pairs) > 1:
        pairs.sort()
    marks = [mark for mark, _ in pairs]
    amounts = [amount for _, amount in pairs]
    return marks, amounts, amounts.count(1) == len(amounts), found.fault


def unpacked(marks: Iterable[tuple[int, int]], vocabulary: Vocabulary) -> list[Mark]:
    """Stored marks with their names: the way back."""
    found = []
    for mark, amount in marks:
        agency, flow, cohort, effective = flows.unpack(mark)
        found.append(
            (vocabulary.agency_names[agency], vocabulary.flow_names[flow], cohort, effective, amount)
        )
    return found
