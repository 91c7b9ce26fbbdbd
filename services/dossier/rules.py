"""The rules around a dossier's clock: data in `deadlines.yaml`."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.calendar.datafile import read_data_file

DEADLINES = Path(__file__).parent / "deadlines.yaml"


class Rules(BaseModel):
    """When to warn, and which facts are irregular. All terms are in working days."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    due_soon_working_days: int = Field(ge=0, le=60)
    supplement_within_working_days: int = Field(ge=1, le=60)
    extension_ahead_working_days: int = Field(ge=0, le=60)
    extensions_at_most: int = Field(ge=0, le=100)
    provenance: Literal["report", "source", "memory", "assumed"]
    legal_source: str = Field(min_length=1, max_length=500)


def read_rules(path: Path = DEADLINES) -> Rules:
    """The rules from their file. Raises DataFileError with file, line and reason."""
    return read_data_file(path, Rules)[0]
