"""What an agency was called on a day: scores of a time before a renaming carry the name of that time."""

from collections.abc import Mapping
from datetime import date
from typing import Any


def named_on(agency: Mapping[str, Any], day: date) -> dict[str, Any]:
    """The agency with the names that it had on `day`, as the register tells them."""
    for former in agency.get("former_names") or ():
        if day.isoformat() <= former["until"]:
            return {**agency, "name": former["name"], "name_en": former["name_en"]}
    return dict(agency)
