"""What the replay assumes beside the figures: `assumptions.yaml` as typed, checked values."""

from pathlib import Path
from typing import Any

import msgspec
import yaml

ASSUMPTIONS_FILE = Path(__file__).with_name("assumptions.yaml")


class Lacking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A portal that fell short: its share of items, and the required categories it left out."""

    items: int
    lacks: tuple[str, ...]


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    exact: dict[str, str]
    thorough: tuple[str, ...]
    lacking: dict[str, Lacking]
    weights: dict[str, float]
    improved: tuple[str, ...]
    inactive: tuple[str, ...]
    kept_up: tuple[str, ...]
    visits_rest_of_2023: int
    english_portals: tuple[str, ...]


class Organisation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    boards: tuple[str, ...]
    reports: tuple[str, ...]
    late_reports: tuple[str, ...]
    channels: dict[str, str]


class Questions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The questions of one agency by what became of them until 22 March."""

    on_time: int = 0
    late: int = 0
    wrong_title: int = 0
    waiting: int = 0
    ignored: int = 0
    deleted: int = 0


class DossierShare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    weight: float
    late: float
    lowest: bool = False


class Dossiers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    agencies: dict[str, DossierShare]
    none: tuple[str, ...]
    split: str


class Procedures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    province: int
    district: int
    commune: int
    full: int
    partial: int
    abolished: int

    @property
    def total(self) -> int:
        return self.province + self.district + self.commune


class Assumptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    content: Content
    organisation: Organisation
    questions: dict[str, Questions]
    silent: tuple[str, ...]
    front_desk: str
    forwarded: int
    dossiers: Dossiers
    procedures: Procedures


def read_assumptions(path: Path = ASSUMPTIONS_FILE) -> Assumptions:
    """Read the file. Raises msgspec.ValidationError naming the place that is wrong."""
    content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    return msgspec.convert(content, Assumptions)
