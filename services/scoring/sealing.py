"""Seals: one text for one content, its SHA-256, and working the sealed points out again. Pure.

What is sealed is the canonical JSON of all scores of a period: keys sorted, no spaces, agencies in order, no
revision and no instant. So the seal changes exactly when a score does. Beside it stand the rules it was made
with, as their files had them, and who each agency was: from the counts in the scores and these rules, every
point can be worked out again by anyone, without our database.
"""

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache

import msgspec

from services.scoring.late import assembled, summed
from services.scoring.publish import canonical
from services.scoring.ruleset import RuleSet, Scored, read_rule_set
from services.scoring.score import Document, criterion_document, score_criterion

_rule_set = lru_cache(maxsize=64)(read_rule_set)


def sealed_text(period: str, contents: Mapping[str, str]) -> str:
    """The canonical JSON of the scores of a period, from the canonical JSON of each agency's."""
    scores = [msgspec.json.decode(contents[agency]) for agency in sorted(contents)]
    return canonical({"period": period, "scores": scores})


def inputs_text(agencies: Iterable[Scored], rule_texts: Mapping[str, str], *, day: str, calendar: str) -> str:
    """The canonical JSON of what stands beside the scores: rules as written, agencies, day, calendar."""
    return canonical(
        {
            "rulesets": dict(rule_texts),
            "agencies": {
                one.agency: {
                    "group": one.group,
                    "bloc": one.bloc,
                    "parent": one.parent,
                    "modules": list(one.modules),
                }
                for one in agencies
            },
            "day": day,
            "calendar": calendar,
        }
    )


def sha256(text: str) -> str:
    """SHA-256 of the text in UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def faults(document_text: str, inputs: str, limit: int = 20) -> list[str]:
    """What does not follow in a sealed document: points from counts, sums from points. Empty when all does.

    Uses only the two sealed texts.
    """
    document: Document = msgspec.json.decode(document_text)
    known: Document = msgspec.json.decode(inputs)
    rules = {name: _rule_set(text, name) for name, text in known["rulesets"].items()}
    found: list[str] = []
    agencies = [score["agency"] for score in document["scores"]]
    if agencies != sorted(set(agencies)):
        found.append("the agencies are not each there once, in order")
    for score in document["scores"]:
        who = known["agencies"].get(score["agency"])
        if who is None:
            found.append(f"{score['agency']} is not among the agencies kept with the seal")
            continue
        scored = Scored(score["agency"], who["group"], who["bloc"], who["parent"], tuple(who["modules"]))
        found += _faults_of(score, scored, rules)
        if len(found) >= limit:
            return found[:limit]
    return found


def _faults_of(score: Document, agency: Scored, rules: Mapping[str, RuleSet]) -> list[str]:
    found = []
    for name, module in score["modules"].items():
        rule_set = rules.get(module["ruleset"])
        if rule_set is None:
            found.append(f"{agency.agency}: the rule set {module['ruleset']} is not kept with the seal")
            continue
        if [c["id"] for c in module["criteria"]] != [c.id for c in rule_set.criteria]:
            found.append(f"{agency.agency}: {name} does not hold the criteria of {rule_set.name}")
            continue
        pairs = zip(rule_set.criteria, module["criteria"], strict=True)
        again = [
            criterion_document(score_criterion(agency, criterion, shown["indicators"]))
            for criterion, shown in pairs
        ]
        for shown, made in zip(module["criteria"], again, strict=True):
            if canonical(shown) != canonical(made):
                place = f"{agency.agency}: {name}/{shown['id']}"
                found.append(f"{place} is {shown['points']} and works out as {made['points']}")
        if canonical(summed(module["ruleset"], module["criteria"])) != canonical(module):
            found.append(f"{agency.agency}: the sums of {name} do not hold")
    if canonical(_total(score)) != canonical({"total": score["total"], "complete": score["complete"]}):
        found.append(f"{agency.agency}: the total does not hold")
    return found


def _total(score: Document) -> Document:
    made = assembled(score, score["modules"])
    return {"total": made["total"], "complete": made["complete"]}
