"""Entries that are in force from a day on: how the terms and policies that officers change are kept."""

from bisect import bisect_right
from datetime import date
from pathlib import Path
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, create_model

from shared.calendar.datafile import DataFileError, read_data_file

MAX_ENTRIES = 100


class DatedEntry(BaseModel):
    """What is in force on `valid_from` or later, until the next entry, and where it comes from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    valid_from: date
    provenance: Literal["report", "source", "memory", "assumed"]
    legal_source: str = Field(min_length=1, max_length=500)


EntryT = TypeVar("EntryT", bound=DatedEntry)


class Dated(Generic[EntryT]):
    """Finds the entry of a day. Days before the first entry take the first one."""

    def __init__(self, entries: list[EntryT]) -> None:
        self._entries = entries
        self._from = [entry.valid_from for entry in entries]

    def on(self, day: date) -> EntryT:
        """The entry in force on a local day."""
        return self._entries[max(0, bisect_right(self._from, day) - 1)]


def read_dated(path: Path, name: str, entry: type[EntryT]) -> Dated[EntryT]:
    """The entries of a file that lists them under `name`, in order of `valid_from`.

    Raises DataFileError with file, line and reason.
    """
    listed = (list[entry], Field(min_length=1, max_length=MAX_ENTRIES))  # type: ignore[valid-type]
    model = create_model("DatedFile", __config__=ConfigDict(extra="forbid"), **{name: listed})  # type: ignore[call-overload]
    content, lines = read_data_file(path, model)
    entries: list[EntryT] = getattr(content, name)
    problems = [
        lines.problem((name, index, "valid_from"), "must be later than the entry before it")
        for index in range(1, len(entries))
        if entries[index].valid_from <= entries[index - 1].valid_from
    ]
    if problems:
        raise DataFileError(problems)
    return Dated(entries)
