"""The two addresses of signing in elsewhere: out to the provider, and back."""

import asyncio
import html
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Protocol
from urllib.parse import quote

import httpx
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.report import oidc
from services.report.accounts import COOKIE, ROLES, SESSION_HOURS, WITH_AGENCY, AccountError, Accounts
from services.report.oidc import Attempt, Key, OidcError, Person, Provider
from services.report.settings import ReportSettings
from shared.runtime import logs

ATTEMPT_COOKIE = "bus_sign_in"
ATTEMPT_SECONDS = 600
FRESH_SECONDS = 3_600.0
LEAST_SECONDS = 30.0
"""Keys are asked for again at most so often, however many tokens name unknown ones."""

_TIMEOUT = httpx.Timeout(10.0, connect=3.0)
_NONCE_BYTES = 12

log = logs.get(__name__)


class Desk(Protocol):
    """What is needed of the dashboard's desk."""

    @property
    def settings(self) -> ReportSettings: ...

    @property
    def accounts(self) -> Accounts: ...


class Elsewhere:
    """The provider as this process knows it."""

    def __init__(self, settings: ReportSettings) -> None:
        if settings.oidc_issuer is None or settings.oidc_client_id is None or settings.public_url is None:
            raise ValueError("BUS_OIDC_ISSUER needs BUS_OIDC_CLIENT_ID and BUS_PUBLIC_URL beside it")
        self._issuer = settings.oidc_issuer.rstrip("/")
        self._client_id = settings.oidc_client_id
        secret = settings.oidc_client_secret_file
        self._secret = secret.read_text(encoding="utf-8").strip() if secret else None
        self._roles = oidc.read_roles(settings.oidc_roles)
        if not set(self._roles.values()) <= set(ROLES) - WITH_AGENCY:
            raise ValueError("BUS_OIDC_ROLES gives the roles viewer, officer, approver and administrator")
        self._claim = settings.oidc_role_claim
        self.redirect_uri = settings.public_url.rstrip("/") + "/session/oidc/back"
        self._provider: Provider | None = None
        self._keys: dict[str, Key] = {}
        self._read_at = float("-inf")
        self._lock = asyncio.Lock()
        # An attempt lives for minutes; one that a restart forgets is begun again.
        self._seal = AESGCM(AESGCM.generate_key(256))

    async def _known(self, *, keys_since: float | None = None) -> Provider:
        """The provider, read again after an hour, or when a token names a key that is not known."""
        async with self._lock:
            now = time.monotonic()
            old = now - self._read_at > FRESH_SECONDS
            doubted = keys_since is not None and now - self._read_at > LEAST_SECONDS
            if self._provider is None or old or doubted:
                async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
                    where = f"{self._issuer}/.well-known/openid-configuration"
                    self._provider = oidc.provider_of(await _json(client, "GET", where), self._issuer)
                    self._keys = oidc.read_keys(await _json(client, "GET", self._provider.jwks_uri))
                self._read_at = now
            return self._provider

    async def begin(self, following: str) -> tuple[str, str]:
        """Where the browser goes, and the cookie that knows it again. Raises OidcError."""
        provider = await self._known()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        attempt = Attempt(state, nonce, verifier, following)
        return (
            oidc.authorization_url(provider, self._client_id, self.redirect_uri, attempt),
            self._sealed(attempt),
        )

    async def finish(self, cookie: str, state: str | None, code: str | None) -> tuple[Person, str]:
        """Who came back, and where to go on. Raises OidcError."""
        attempt = oidc.check_state(self._opened(cookie), state)
        if not code:
            raise OidcError("the provider did not sign you in")
        provider = await self._known()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": attempt.verifier,
            "client_id": self._client_id,
        }
        basic = (quote(self._client_id, safe=""), quote(self._secret, safe="")) if self._secret else None
        async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
            answer = await _json(client, "POST", provider.token_endpoint, data=form, auth=basic)
        token = str(answer.get("id_token", ""))
        claims = await self._verified(token, attempt)
        person = oidc.person_of(claims, self._claim, self._roles, ROLES)
        # A subject is unique at its provider only.
        return replace(person, subject=f"{self._issuer} {person.subject}"), attempt.following

    async def _verified(self, token: str, attempt: Attempt) -> Mapping[str, Any]:
        def verified() -> Mapping[str, Any]:
            return oidc.verify_token(
                token, self._keys, self._issuer, self._client_id, attempt.nonce, time.time()
            )

        try:
            return verified()
        except OidcError:
            # The provider may have changed its keys.
            await self._known(keys_since=time.monotonic())
            return verified()

    def _sealed(self, attempt: Attempt) -> str:
        nonce = os.urandom(_NONCE_BYTES)
        text = json.dumps([time.time(), asdict(attempt)]).encode()
        return (nonce + self._seal.encrypt(nonce, text, None)).hex()

    def _opened(self, cookie: str) -> Attempt | None:
        try:
            raw = bytes.fromhex(cookie)
            begun, attempt = json.loads(self._seal.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None))
        except (ValueError, InvalidTag):
            return None
        return Attempt(**attempt) if time.time() - begun < ATTEMPT_SECONDS else None


async def _json(client: httpx.AsyncClient, method: str, url: str, **sent: Any) -> dict[str, Any]:
    try:
        answer = await client.request(method, url, **sent)
        answer.raise_for_status()
        found = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise OidcError(f"the provider does not answer as it should: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise OidcError("the provider does not answer as it should")
    return found


def install(app: FastAPI, desk: Desk, inside: Any, refused_page: str = "/sign-in") -> None:
    """Add the addresses when a provider is set. `inside` keeps a following path on our own pages."""
    settings = desk.settings
    if settings.oidc_issuer is None:
        return
    elsewhere = Elsewhere(settings)

    def refused(error: Exception) -> Response:
        log.warning("sign-in elsewhere refused", reason=str(error))
        return RedirectResponse(f"{refused_page}?refused=oidc", 303)

    @app.get("/session/oidc", include_in_schema=False)
    async def out(following: str = Query("/", alias="next", max_length=2_000)) -> Response:
        try:
            where, cookie = await elsewhere.begin(inside(following))
        except OidcError as error:
            return refused(error)
        answer = RedirectResponse(where, 303)
        # Lax: the way back is a navigation that begins at the provider.
        answer.set_cookie(
            ATTEMPT_COOKIE, cookie, max_age=ATTEMPT_SECONDS, httponly=True, samesite="lax",
            secure=settings.secure_cookies, path="/session/oidc",
        )  # fmt: skip
        return answer

    @app.get("/session/oidc/back", include_in_schema=False)
    async def back(
        request: Request,
        state: str | None = Query(None, max_length=200),
        code: str | None = Query(None, max_length=4_000),
    ) -> Response:
        try:
            person, following = await elsewhere.finish(request.cookies.get(ATTEMPT_COOKIE, ""), state, code)
            token = await desk.accounts.sign_in_elsewhere(person)
        except (OidcError, AccountError) as error:
            return refused(error)
        # After a redirect the browser would keep a strict cookie back: a page of ours leads on.
        target = html.escape(inside(following), quote=True)
        answer = HTMLResponse(f'<!doctype html><meta http-equiv="refresh" content="0;url={target}">')
        answer.set_cookie(
            COOKIE, token, max_age=SESSION_HOURS * 3600, httponly=True, samesite="strict",
            secure=settings.secure_cookies,
        )  # fmt: skip
        answer.delete_cookie(ATTEMPT_COOKIE, path="/session/oidc")
        return answer
