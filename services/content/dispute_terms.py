"""The terms for deciding a dispute: dated data in `disputes.yaml`."""

from pathlib import Path

from pydantic import Field

from shared.calendar.dated import Dated, DatedEntry, read_dated

DISPUTES = Path(__file__).parent / "disputes.yaml"


class Term(DatedEntry):
    """The term for disputes submitted on `valid_from` or later."""

    decide_working_days: int = Field(ge=1, le=250)
    due_soon_working_days: int = Field(ge=0, le=60)


def read_terms(path: Path = DISPUTES) -> Dated[Term]:
    """The terms from their file. Raises DataFileError with file, line and reason."""
    return read_dated(path, "terms", Term)
