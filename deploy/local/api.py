"""Asking the services of a running system, as a program of the operator does."""

import getpass
import os
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from deploy.local import control
from deploy.local.layout import LaunchError, Layout

_SECONDS = 120.0


def ask(
    layout: Layout,
    service: str,
    path: str,
    *,
    method: str = "GET",
    query: Mapping[str, str | int | Sequence[str] | None] | None = None,
    body: object = None,
) -> Any:
    """The JSON answer of a service. Raises LaunchError with what the service says is wrong.

    Carries the operator's token when BUS_OPERATOR_TOKEN is set, as it must be for the services.
    """
    control.require_running(layout)
    token = os.environ.get("BUS_OPERATOR_TOKEN")
    headers = {"authorization": f"Bearer {token}"} if token else {}
    given = {name: value for name, value in (query or {}).items() if value is not None}
    try:
        answer = httpx.request(
            method, layout.url(service) + path, params=given, json=body, headers=headers, timeout=_SECONDS
        )
    except httpx.TransportError as error:
        raise LaunchError(f"The {service} service does not answer: {error}. See ./run status.") from error
    if answer.is_success:
        return answer.json() if answer.content else {}
    raise LaunchError(explain(answer))


def explain(answer: httpx.Response) -> str:
    """What a problem document says, in one or a few lines."""
    try:
        problem = answer.json()
    except ValueError:
        return f"{answer.request.url}: status {answer.status_code}"
    if answer.status_code == 404 and problem.get("detail") in (None, "Not Found"):
        return f"{answer.request.url.path} is not in this version."
    lines = [str(problem.get("detail") or problem.get("title") or f"status {answer.status_code}")]
    lines += [f"  {fault.get('pointer')}: {fault.get('detail')}" for fault in problem.get("errors", ())]
    return "\n".join(lines)


def present_user() -> str:
    """Who gives the command, for the record of who did what."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
