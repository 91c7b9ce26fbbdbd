"""A snapshot of the reference figures and the documents made from it, each made once a run."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from services.report.documents.building import build
from services.report.documents.making import Made, write_documents
from services.report.documents.scoring import Scoring, ask
from services.report.documents.snapshot import Snapshot
from tests.unit.report.scoring_answers import Answers, serve

LAST = date(2024, 3, 22)


@pytest.fixture(scope="session")
def scoring_url() -> Iterator[str]:
    """The address of a scoring service that counted the reference figures."""
    with serve(Answers()) as url:
        yield url


@pytest.fixture(scope="session")
def snapshot(scoring_url: str) -> Snapshot:
    with Scoring(scoring_url) as scoring:
        return build(ask(scoring, "2024-Q1", LAST))


@pytest.fixture(scope="session")
def made(snapshot: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """All documents but the PDF."""
    out: Path = tmp_path_factory.mktemp("documents")
    return write_documents(snapshot, out, pdf=False)
