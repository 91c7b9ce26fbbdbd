"""The terms for answering a question: dated data in `deadlines.yaml`."""

from pathlib import Path

from pydantic import Field

from shared.calendar.dated import Dated, DatedEntry, read_dated

DEADLINES = Path(__file__).parent / "deadlines.yaml"


class Term(DatedEntry):
    """The term for questions first accepted on `valid_from` or later."""

    answer_working_days: int = Field(ge=1, le=250)
    due_soon_working_days: int = Field(ge=0, le=60)


def read_terms(path: Path = DEADLINES) -> Dated[Term]:
    """The terms from their file. Raises DataFileError with file, line and reason."""
    return read_dated(path, "terms", Term)
