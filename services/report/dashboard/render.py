"""Words, numbers and templates: how the dashboard writes, in Vietnamese and English.

All texts live in `texts/<language>.yaml`, all structure in `templates/`. Values are escaped by the template
engine, so what an agency sends can never become markup.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from jinja2 import Environment, FileSystemLoader, Undefined

from shared.calendar.local import local

HERE = Path(__file__).parent
LANGUAGES = ("vi", "en")
"""The first is the one that pages without a prefix speak."""

PAGE_LANGUAGE: dict[str, Literal["vi", "en-GB"]] = {"vi": "vi", "en": "en-GB"}
"""The language as the framework and the page's own `lang` name it."""

Words = Callable[..., str]


@cache
def texts(language: str) -> dict[str, str]:
    """All texts of a language by dotted name."""
    with (HERE / "texts" / f"{language}.yaml").open(encoding="utf-8") as file:
        return dict(_flat("", yaml.safe_load(file)))


def _flat(prefix: str, tree: Mapping[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in tree.items():
        name = f"{prefix}{key}"
        found.extend(_flat(f"{name}.", value) if isinstance(value, Mapping) else [(name, str(value))])
    return found


def words(language: str) -> Words:
    """`t(name, **values)` for one language. An unknown name shows as itself, so that it is noticed."""
    known = texts(language)

    def say(name: str, default: str | None = None, /, **values: object) -> str:
        text = known.get(name)
        if text is None:
            return name if default is None else default
        return text.format(**values) if values else text

    return say


def branch(language: str, prefix: str) -> dict[str, str]:
    """The texts under `prefix.`, by the rest of their name: what the browser's own script needs."""
    start = f"{prefix}."
    return {name[len(start) :]: text for name, text in texts(language).items() if name.startswith(start)}


# ---------------------------------------------------------------------- numbers and dates


def number(value: float | int | Decimal | None, language: str, places: int = 0) -> str:
    """`1234.5` → `1.234,5` in Vietnamese, `1,234.5` in English; a dash for nothing."""
    if value is None:
        return "–"
    exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = f"{exact:,.{places}f}"
    return text if language == "en" else text.translate(str.maketrans(",.", ".,"))


def points(value: float | int | Decimal | None, language: str) -> str:
    """Points with as many places as they need, two at most: 14, 13,5, 13,33."""
    if value is None:
        return "–"
    exact = Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    places = 0 if exact == exact.to_integral_value() else 1 if exact * 10 == (exact * 10).to_integral() else 2
    return number(exact, language, places)


def signed(value: float | int | Decimal | None, language: str) -> str:
    """Points with their sign; a real minus, which screen readers read."""
    if value is None:
        return "–"
    if not value:
        return "0"
    size = -value if value < 0 else value
    return ("+" if value > 0 else "−") + points(size, language)


def percent(value: float | Decimal | None, language: str) -> str:
    """A change in percent with its sign and one decimal; a dash where there is none."""
    if value is None:
        return "–"
    sign = "−" if value < 0 else "+" if value > 0 else ""
    return f"{sign}{number(-value if value < 0 else value, language, 1)}%"


def given(value: Any) -> Any:
    """The value, None for a field that another service left out."""
    return None if isinstance(value, Undefined) else value


def day(value: date | datetime | str | None) -> str:
    """A local day as `22/03/2024`."""
    if not value:
        return "–"
    if isinstance(value, str):
        value = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    if isinstance(value, datetime):
        value = local(value).date()
    return f"{value:%d/%m/%Y}"


def instant(value: datetime | str | None) -> str:
    """A local minute as `22/03/2024 16:05`."""
    if not value:
        return "–"
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return f"{local(value):%d/%m/%Y %H:%M}"


def period_name(period: str, t: Words) -> str:
    """`2024-Q1` → `Quý I năm 2024`."""
    year, _, part = period.partition("-")
    return t(f"period.name.{part or 'year'}", year=year)


# ---------------------------------------------------------------------- templates


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    t = words(language)
    environment.globals.update(t=t, language=language)
    environment.filters.update(
        json=lambda value: json.dumps(value, ensure_ascii=False, indent=1),
        num=lambda value, places=0: number(given(value), language, places),
        points=lambda value: points(given(value), language),
        signed=lambda value: signed(given(value), language),
        percent=lambda value: percent(given(value), language),
        day=lambda value: day(given(value)),
        instant=lambda value: instant(given(value)),
        period=lambda value: period_name(value, t),
    )
    return environment


def draw(language: str, template: str, **values: Any) -> str:
    """The markup of `templates/<template>.html` with `values`."""
    return _environment(language).get_template(f"{template}.html").render(**values)
