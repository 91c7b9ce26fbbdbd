"""Whatever a quarter holds, its report passes its own check: nothing, one of each, or very much."""

import random
import tempfile
from datetime import date
from pathlib import Path

import pytest

from services.report.documents.building import build
from services.report.documents.making import write_documents
from services.report.documents.scoring import Scoring, ask
from shared.calendar.periods import Window
from tests.unit.report.scoring_answers import Answers, serve

QUARTER = Window(date(2024, 1, 1), date(2024, 3, 31))
SEEDS = (0, 3, 8, 9, 29)
"""Two for size; the others once met a false alarm of the audit."""


def any_quarter(seed: int) -> Answers:
    """Counts that agree with each other, few or many, over some of the agencies."""
    rng = random.Random(seed)
    answers = Answers(window=QUARTER)
    for counts in answers.counts.values():
        counts.clear()
    most = rng.choice((1, 2, 9, 400))
    busy = rng.choice((0.02, 0.2, 1.0))
    for window in ("now", "before"):
        for agency in answers.agencies():
            if rng.random() < busy and agency.closed is None:
                told = {**_content(rng, most), **_questions(rng, most), **_dossiers(rng, most)}
                for indicator, count in told.items():
                    if count:
                        answers.put(window, agency.slug, indicator, count)
    for slug in rng.sample(sorted(answers.scores), k=rng.randrange(len(answers.scores))):
        if rng.random() < 0.5:
            del answers.scores[slug]
    return answers


def _content(rng: random.Random, most: int) -> dict[str, int]:
    articles, datasets = rng.randint(0, most), rng.randint(0, most)
    return {
        "content.articles": articles,
        "content.datasets": datasets,
        "content.items": articles + datasets,
        "content.report.received": rng.randint(0, 1),
        "procedure.published": rng.randint(0, most),
        "procedure.decisions": rng.randint(0, 1),
    }


def _questions(rng: random.Random, most: int) -> dict[str, int]:
    received = rng.randint(0, most)
    deleted = rng.choice((0, rng.randint(0, received)))
    answered = rng.randint(0, received - deleted)
    on_time = rng.choice((answered, rng.randint(0, answered)))
    return {
        "qa.received": received,
        "qa.deleted": deleted,
        "qa.answered": answered,
        "qa.answered_on_time": on_time,
        "qa.answered_late": answered - on_time,
        "qa.wrong_title": rng.randint(0, answered),
        "qa.overdue": rng.randint(0, received - deleted - answered),
    }


def _dossiers(rng: random.Random, most: int) -> dict[str, int]:
    online, one_stop = rng.randint(0, most), rng.randint(0, most)
    carried = rng.choice((0, rng.randint(0, most)))
    left = online + one_stop + carried
    ended = {}
    for name in ("resolved.on_time", "resolved.late", "resolved.no_due", "withdrawn", "rejected.received"):
        ended[f"dossier.{name}"] = rng.choice((0, rng.randint(0, left)))
        left -= ended[f"dossier.{name}"]
    return {
        **ended,
        "dossier.rejected": ended["dossier.rejected.received"] + rng.choice((0, rng.randint(0, most))),
        "dossier.received": online + one_stop,
        "dossier.received.online": online,
        "dossier.received.one_stop": one_stop,
        "dossier.carried_over": carried,
        "dossier.in_progress": left,
        "dossier.overdue": rng.randint(0, left),
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_the_report_of_any_quarter_passes_its_own_check(seed: int) -> None:
    with serve(any_quarter(seed)) as url, Scoring(url) as scoring:
        snapshot = build(ask(scoring, "2024-Q1"))
    with tempfile.TemporaryDirectory() as out:
        assert write_documents(snapshot, Path(out), pdf=False).checked.passed
