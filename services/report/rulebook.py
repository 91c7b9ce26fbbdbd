"""The rule sets as the scoring service tells them, ready to be shown: by name and version."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from services.report.upstream import Upstream, listed, path

FRESH_SECONDS = 60.0
PROVINCIAL = "provincial"
"""The family of rule sets that the province scores by."""

RuleSet = Mapping[str, Any]
_FRACTION = re.compile(r"\d{1,9}/[1-9]\d{0,8}")


class Rulebook:
    """Rule sets by `id@version`."""

    def __init__(self, rulesets: list[RuleSet]) -> None:
        self.rulesets = rulesets
        self._by_name = {f"{one['id']}@{one['version']}": one for one in rulesets}

    def get(self, name: str) -> RuleSet | None:
        """The rule set of a score's `ruleset` field."""
        return self._by_name.get(name)

    def criterion(self, ruleset: str, criterion: str) -> Mapping[str, Any]:
        """A criterion's own data; empty when the rule set is not known any more."""
        found = self._by_name.get(ruleset)
        for one in found["criteria"] if found else ():
            if one["id"] == criterion:
                return dict(one)
        return {}

    def families(self) -> dict[str, list[RuleSet]]:
        """Versions of each rule set, newest first, by its id; the province's own before those of others."""
        found: dict[str, list[RuleSet]] = {}
        for one in self.rulesets:
            found.setdefault(one["id"], []).append(one)
        for versions in found.values():
            versions.sort(
                key=lambda one: (str(one.get("valid_from") or ""), str(one["version"])), reverse=True
            )
        others = {
            name: versions[0].get("family", PROVINCIAL) != PROVINCIAL for name, versions in found.items()
        }
        return {name: found[name] for name in sorted(found, key=lambda name: (others[name], name))}


def word(texts: Any, language: str) -> str:
    """The text in a language; Vietnamese where there is no other. Texts may be plain or by language."""
    if isinstance(texts, Mapping):
        return str(texts.get(language) or texts.get("vi") or next(iter(texts.values()), ""))
    return str(texts or "")


_last: tuple[Any, Rulebook] = (None, Rulebook([]))
"""The newest answer, and what was read in it: many pages ask for it each second."""


async def load(upstream: Upstream) -> Rulebook:
    """The current rulebook. Raises UpstreamError."""
    global _last
    answer = await upstream.get("scoring", path("rulesets"), fresh_s=FRESH_SECONDS)
    if _last[0] is not answer:
        _last = (answer, Rulebook([_plain(one) for one in listed("scoring", answer, "rulesets")]))
    return _last[1]


def _plain(value: Any) -> Any:
    """A value as its file has it: an expression is its text, an exact fraction a number."""
    if isinstance(value, Mapping):
        if value.keys() == {"text", "terms"}:
            return value["text"]
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str) and _FRACTION.fullmatch(value):
        return float(Fraction(value))
    return value
