"""schemathesis over disputes and deadlines: whatever is sent, nothing fails, and a refusal is a problem."""

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from services.content.app import describe_api
from shared.runtime import problem
from tests.whole_system import RunningSystem

pytestmark = pytest.mark.system
SECONDS = 20
OPERATIONS = schemathesis.openapi.from_dict(describe_api()).include(path_regex="/disputes|/deadline$")


@OPERATIONS.parametrize()
@settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_disputes_and_deadlines_take_anything(case: Any, system: RunningSystem) -> None:
    answer = case.call(base_url=system.url("content"), timeout=SECONDS)
    assert answer.status_code < 500, (case.as_curl_command(), answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == [problem.MEDIA_TYPE], case.as_curl_command()
        assert json.loads(answer.content)["status"] == answer.status_code
