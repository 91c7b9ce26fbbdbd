"""schemathesis over each OpenAPI: whatever is sent, no service fails, and each refusal is a problem document.

BUS_TEST_EXAMPLES says how many requests for each operation; CI sends a few, a person lets it run longer.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from services.content.app import describe_api as describe_content
from services.report.app import describe_api as describe_report
from services.scoring.app import describe_api as describe_scoring
from shared.runtime import problem
from shared.runtime.ledger.service import describe
from tests.security.abused import Abused, abused

Test = Callable[..., None]
FEW = 1
EXAMPLES = int(os.environ.get("BUS_TEST_EXAMPLES", FEW))
SECONDS = 20
ABUSE = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
ENDLESS = "^/v1/stream$"
"""Streams have a test of their own."""

REBUILD = "^/v1/rebuild$"
"""Ends the process, as it should."""


@pytest.fixture(scope="module")
def services(
    postgres_admin_url: str, kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Abused]:
    """All services, for as long as this module's tests run."""
    directory: Path = tmp_path_factory.mktemp("abused")
    with abused(postgres_admin_url, kafka_bootstrap, directory) as running:
        yield running


def operations(document: dict[str, Any], every_boundary: bool) -> Any:
    """The operations of an interface."""
    schema = schemathesis.openapi.from_dict(document)
    # Every boundary of every parameter in turn: where no other service has the same routes, or time.
    schema.config.phases.coverage.enabled = every_boundary or EXAMPLES > FEW
    return schema.exclude(path_regex=ENDLESS).exclude(path_regex=REBUILD)


def check(case: Any, url: str, **sent: Any) -> None:
    """Send a case; the answer is none of a service that failed, and a refusal says what to do."""
    answer = case.call(base_url=url, timeout=SECONDS, **sent)
    assert answer.status_code < 500 or answer.status_code == 503, (case.as_curl_command(), answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == [problem.MEDIA_TYPE], case.as_curl_command()
        document = json.loads(answer.content)
        assert document["status"] == answer.status_code
        assert {"type", "title", "detail"} <= document.keys()


class _Abuse:
    """`@ABUSED[service]`: one test for each operation, so many requests each."""

    def __init__(self, document: dict[str, Any], *, every_boundary: bool = True) -> None:
        self._schema = operations(document, every_boundary)

    def __call__(self, test: Test) -> Test:
        tried: Test = self._schema.parametrize()(ABUSE(test))
        return tried


ABUSED = {
    "content": _Abuse(describe_content(), every_boundary=False),
    "qa": _Abuse(describe("qa"), every_boundary=False),
    "dossier": _Abuse(describe("dossier"), every_boundary=False),
    "scoring": _Abuse(describe_scoring()),
    "report": _Abuse(describe_report()),
}


@ABUSED["content"]
def test_content(case: Any, services: Abused) -> None:
    check(case, services.urls["content"])


@ABUSED["qa"]
def test_qa(case: Any, services: Abused) -> None:
    check(case, services.urls["qa"])


@ABUSED["dossier"]
def test_dossier(case: Any, services: Abused) -> None:
    check(case, services.urls["dossier"])


@ABUSED["scoring"]
def test_scoring(case: Any, services: Abused) -> None:
    check(case, services.urls["scoring"])


@ABUSED["report"]
def test_report(case: Any, services: Abused) -> None:
    check(case, services.urls["report"], cookies={"bus_session": services.cookie})
