"""The terms for deciding a dispute: dated data in `disputes.yaml`."""

from bisect import bisect_right
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.calendar.datafile import DataFileError, read_data_file

DISPUTES = Path(__file__).parent / "disputes.yaml"


class Term(BaseModel):
    """The term in force for disputes submitted on `valid_from` or later."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    valid_from: date
    decide_working_days: int = Field(ge=1, le=250)
    due_soon_working_days: int = Field(ge=0, le=60)
    provenance: Literal["report", "source", "memory", "assumed"]
    legal_source: str = Field(min_length=1, max_length=500)


class TermFile(BaseModel):
    """The file: its entries in order of `valid_from`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    terms: list[Term] = Field(min_length=1, max_length=100)


class Terms:
    """Finds the term of a day. Days before the first entry take the first one."""

    def __init__(self, entries: list[Term]) -> None:
        self._entries = entries
        self._from = [entry.valid_from for entry in entries]

    def on(self, day: date) -> Term:
        """The term in force on a local day."""
        return self._entries[max(0, bisect_right(self._from, day) - 1)]


def read_terms(path: Path = DISPUTES) -> Terms:
    """The terms from their file. Raises DataFileError with file, line and reason."""
    content, lines = read_data_file(path, TermFile)
    problems = [
        lines.problem(("terms", index, "valid_from"), "must be later than the entry before it")
        for index in range(1, len(content.terms))
        if content.terms[index].valid_from <= content.terms[index - 1].valid_from
    ]
    if problems:
        raise DataFileError(problems)
    return Terms(content.terms)
