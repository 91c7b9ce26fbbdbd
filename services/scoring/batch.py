"""From the records of one poll to the rows of one statement. Pure but for the names it needs numbers for.

Only the newest version of each entity in the batch is counted; the causes of all of them are kept, so that a
score change names every fact that led to it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

import msgspec

from services.scoring import flows
from services.scoring.contribution import Contribution, Mark, WrongTitle, contribution
from services.scoring.succession import NO_ENDINGS, Endings, passed_on
from services.scoring.traces import traceparent_of
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


_decode = msgspec.json.Decoder(_Event).decode


class Counted(NamedTuple):
    """One entity in its newest version of the batch, with what it adds."""

    key: str
    version: int
    agency: str
    contribution: Contribution


class Reading:
    """Takes records one by one and keeps the newest version of each entity. Never raises on bad data."""

    def __init__(self, wrong_title: WrongTitle, endings: Endings = NO_ENDINGS) -> None:
        self._wrong_title = wrong_title
        self._endings = endings
        self._newest: dict[str, _Data] = {}
        self._causes: list[tuple[str, _Data]] = []
        self.traces: dict[str, str] = {}
        self.unreadable: list[str] = []
        self.taken = 0

    def take(self, record: Incoming, *, with_causes: bool = True) -> None:
        """One record. What is not a change of the contract is noted in `unreadable`."""
        self.taken += 1
        value = record.value
        if value is None:
            return
        try:
            data = _decode(value).data
            key = f"{data.kind}/{(record.key or b'').decode()}"
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.unreadable.append(f"{record.key!r}: {error}")
            return
        if not data.agency or not key.isprintable():
            # An entity that no agency answers for yet was never opened; no id of the contract holds a NUL.
            return
        if with_causes:
            self._causes.append((key, data))
            trace = traceparent_of(record)
            if trace is not None:
                self.traces |= {f"{cause.source} {cause.id}": trace for cause in data.causes}
        known = self._newest.get(key)
        if known is None or known.version < data.version:
            self._newest[key] = data

    def counted(self) -> Iterator[Counted]:
        """The entities in the order of their keys."""
        wrong_title = self._wrong_title
        for key, data in sorted(self._newest.items()):
            found = contribution(data.kind, data.agency, data.state, wrong_title)
            if self._endings:
                found = found._replace(marks=passed_on(found.marks, self._endings))
            yield Counted(key, data.version, data.agency, found)

    def causes(self) -> Iterable[tuple[str, int, str]]:
        """Key, version, `<source> <id>` of every cause of every version."""
        for key, data in self._causes:
            for cause in data.causes:
                text = f"{cause.source} {cause.id}"
                if text.isprintable():
                    yield key, data.version, text


class Batch(NamedTuple):
    """Columns for the fold statement: entities by key, each with the end of its slice of the marks."""

    keys: list[str]
    versions: list[int]
    agencies: list[int]
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
    traces: Mapping[str, str] = {}

    @property
    def size(self) -> int:
        """How many entities it holds."""
        return len(self.keys)


class UnknownNames(Exception):
    """Names that have no number yet."""


def names(counted: Iterable[Counted]) -> tuple[set[str], set[str]]:
    """The agencies and flows that need numbers."""
    agencies: set[str] = set()
    found: set[str] = set()
    for entry in counted:
        agencies.add(entry.agency)
        for mark in entry.contribution.marks:
            agencies.add(mark[0])
            found.add(mark[1])
    return agencies, found


def pack(counted: Iterable[Counted], reading: Reading, vocabulary: Vocabulary) -> Batch:
    """The columns. Raises UnknownNames when a name has no number, though one can still be given."""
    batch = Batch([], [], [], [], [], [], [], [], [], [], [], [], reading.taken, reading.traces)
    slots: dict[str, int] = {}
    for slot, entry in enumerate(counted):
        slots[entry.key] = slot
        _add(batch, entry, vocabulary)
    add_slot, add_version, add_cause = (
        batch.cause_slots.append, batch.cause_versions.append, batch.causes.append,
    )  # fmt: skip
    for key, version, cause in reading.causes():
        add_slot(slots[key])
        add_version(version)
        add_cause(cause)
    return batch


def _add(batch: Batch, entry: Counted, vocabulary: Vocabulary) -> None:
    key, version, name, (found, fault) = entry
    agencies, known = vocabulary.agencies, vocabulary.flows
    try:
        agency = agencies[name]
        pairs = [
            (agencies[mark[0]] << 48 | known[mark[1]] << 30 | mark[2] << 15 | mark[3], mark[4])
            for mark in found
        ]
    except KeyError as error:
        agency, pairs, fault = _without_numbers(entry, str(error.args[0]), vocabulary)
    if len(pairs) > 1:
        pairs.sort()
    plain = True
    for mark, amount in pairs:
        batch.marks.append(mark)
        batch.amounts.append(amount)
        plain = plain and amount == 1
    batch.keys.append(key)
    batch.versions.append(version)
    batch.agencies.append(agency)
    batch.ends.append(len(batch.marks))
    batch.plain.append(plain)
    batch.others.append(_others(pairs, agency))
    batch.faults.append(fault)


def _without_numbers(
    entry: Counted, name: str, vocabulary: Vocabulary
) -> tuple[int, list[tuple[int, int]], str | None]:
    """An entity one of whose names can get no number any more counts nowhere, and says so."""
    if name not in vocabulary.full:
        raise UnknownNames(name)
    return vocabulary.agencies.get(entry.agency, 0), [], f"no number is left for {name}"


def _others(pairs: list[tuple[int, int]], agency: int) -> str | None:
    """The further agencies that marks speak of, as an array literal. The marks are in ascending order."""
    if not pairs or pairs[0][0] >> flows.AGENCY_SHIFT == agency == pairs[-1][0] >> flows.AGENCY_SHIFT:
        return None
    found = {mark >> flows.AGENCY_SHIFT for mark, _ in pairs} - {agency}
    return "{" + ",".join(map(str, sorted(found))) + "}" if found else None


def unpacked(marks: Iterable[tuple[int, int]], vocabulary: Vocabulary) -> list[Mark]:
    """Stored marks with their names: the way back."""
    found = []
    for mark, amount in marks:
        agency, flow, cohort, effective = flows.unpack(mark)
        found.append(
            (vocabulary.agency_names[agency], vocabulary.flow_names[flow], cohort, effective, amount)
        )
    return found
