"""The dashboard's words: both languages say everything, and every word that a page asks for exists."""

import re
import string

import pytest

from services.report.dashboard import render

SOURCES = [
    *render.HERE.glob("templates/*.html"),
    *render.HERE.glob("*.py"),
]
ASKED = re.compile(r"""\bt\(\s*f?["']([a-z_]+(?:\.[a-z_.{}]+)?)["']\s*(~)?""")
COUNTED = re.compile(r"\b(?:content|qa|dossier|window)\.[a-z_.]+")
SCRIPTED = re.compile(r"""\btext\(\s*["`]([a-z_]+)(\$\{)?""")


def test_both_languages_say_the_same_things() -> None:
    assert render.texts("vi").keys() == render.texts("en").keys()


@pytest.mark.parametrize("language", render.LANGUAGES)
def test_no_text_is_empty(language: str) -> None:
    assert [name for name, text in render.texts(language).items() if not text.strip()] == []


def test_both_languages_fill_in_the_same_values() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    vi, en = render.texts("vi"), render.texts("en")
    assert {name: fields(vi[name]) for name in vi} == {name: fields(en[name]) for name in en}


def test_every_text_that_pages_ask_for_exists() -> None:
    known = set(render.texts("vi"))
    missing = []
    for source in SOURCES:
        for name, joined in ASKED.findall(source.read_text(encoding="utf-8")):
            start = name.split("{")[0]
            partly = bool(joined) or "{" in name
            if not (any(one.startswith(start) for one in known) if partly else name in known):
                missing.append(f"{source.name}: {name}")
    assert missing == []


def test_every_text_that_scripts_ask_for_exists() -> None:
    known = set(render.branch("vi", "live"))
    missing = []
    for source in (render.HERE / "static").glob("*.js"):
        for name, partly in SCRIPTED.findall(source.read_text(encoding="utf-8")):
            if not (any(one.startswith(name) for one in known) if partly else name in known):
                missing.append(f"{source.name}: {name}")
    assert missing == []


def test_every_count_that_the_shipped_rule_sets_look_at_has_a_name() -> None:
    rulesets = render.HERE.parents[1] / "scoring" / "rulesets"
    counted = {
        name.rstrip(".")
        for file in rulesets.glob("*.yaml")
        for name in COUNTED.findall(file.read_text(encoding="utf-8"))
        if not name.endswith(".")
    }
    assert len(counted) > 10
    known = render.texts("vi")
    assert {name for name in counted if f"indicator.{name}" not in known} == set()


def test_a_name_without_text_shows_as_itself() -> None:
    assert render.words("vi")("no.such.text") == "no.such.text"
