"""The formula of a criterion in words: what a rule set file writes for programs, as an officer reads it."""

import re
from collections.abc import Callable, Mapping
from typing import Any

Words = Callable[..., str]
"""Finds a text by its name, with a default, and fills it in."""

_INDICATOR = re.compile(r"([a-z]+(?:[._-][a-z0-9_-]+)+)")


def in_words(formula: Mapping[str, Any], maximum: object, t: Words, decimal_comma: bool) -> str | None:
    """The sentence of a formula in the language of `t`; None for a kind that has none."""

    def number(value: object) -> str:
        text = f"{value:g}" if isinstance(value, float) else str(value)
        return text.replace(".", ",") if decimal_comma else text

    def named(expression: object) -> str:
        """An expression with the indicators' names in place of their words."""
        # Every other part is an indicator: what lies between them are numbers and signs.
        parts = _INDICATOR.split(str(expression))
        parts[::2] = [number(part).replace("*", "×").replace("-", "−") for part in parts[::2]]
        parts[1::2] = [f"“{_label(part, t)}”" for part in parts[1::2]]
        # A sum is one thing to what stands around it.
        return f"({''.join(parts)})" if len(parts) > 3 or parts[0] or parts[-1] else "".join(parts)

    kind = str(formula.get("kind"))
    filled = {name: number(value) for name, value in formula.items() if not isinstance(value, list | dict)}
    filled |= {"max": number(maximum), "of": named(formula.get("of", "")), "over": named(formula.get("over"))}
    filled["target"] = "" if float(formula.get("target", 1)) == 1 else f" ÷ {filled['target']}"
    match kind:
        case "capped_ratio":
            low = formula.get("zero_below") or 0
            # 100 % of the target would be the target itself, so the share is told in percent.
            below = t("formula.zero_below", share=number(round(float(low) * 100, 2))) if float(low) else ""
            return f"{t('formula.capped_ratio', **filled)}{below}"
        case "bands":
            steps = "; ".join(
                t("formula.band", start=number(band["from"]), points=number(band["points"]))
                for band in formula["bands"]
            )
            value = f"{filled['of']} ÷ {filled['over']}" if formula.get("over") else filled["of"]
            return f"{value}: {steps}"
        case "coverage":
            items = [_label(f"{formula.get('prefix', '')}{item}", t) for item in formula["items"]]
            return t("formula.coverage", **filled, n=len(items), items="; ".join(items))
        case "per_item" | "deduction" | "judged" | "constant":
            return t(f"formula.{kind}", **filled)
    return None


def _label(name: str, t: Words) -> str:
    return t(f"indicator.{name}", name)
