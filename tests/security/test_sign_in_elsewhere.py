"""Signing in at a provider that really signs: whoever is not its own is refused, guard by guard."""

import asyncio
import base64
import hashlib
import json
import re
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from services.report import accounts, oidc, oidc_api, session_api
from services.report.oidc import OidcError
from services.report.settings import ReportSettings
from shared.runtime import audit_trail, problem
from shared.runtime.migrate import migrate
from shared.runtime.postgres import Pool, open_pool

pytestmark = pytest.mark.anyio
CLIENT = "scoring-bus"
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def encoded(raw: bytes | dict[str, Any]) -> str:
    """base64url, of JSON where it is an object."""
    data = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def number(value: int, size: int) -> str:
    return encoded(value.to_bytes(size, "big"))


def jwks() -> dict[str, Any]:
    """The public keys."""
    rsa_numbers, ec_numbers = RSA_KEY.public_key().public_numbers(), EC_KEY.public_key().public_numbers()
    return {
        "keys": [
            {"kty": "RSA", "kid": "r", "use": "sig", "n": number(rsa_numbers.n, 256), "e": "AQAB"},
            {
                "kty": "EC",
                "kid": "e",
                "crv": "P-256",
                "x": number(ec_numbers.x, 32),
                "y": number(ec_numbers.y, 32),
            },
            {"kty": "oct", "kid": "o", "k": "AAAA"},
            {"kty": "RSA", "kid": "broken"},
        ]
    }


def token(claims: dict[str, Any], algorithm: str = "RS256", key: Any = None, kid: str | None = None) -> str:
    """A signed ID token."""
    head = {"alg": algorithm, "kid": kid or {"RS256": "r", "ES256": "e"}.get(algorithm, "r")}
    signed = f"{encoded(head)}.{encoded(claims)}".encode()
    if algorithm == "RS256":
        signature = (key or RSA_KEY).sign(signed, padding.PKCS1v15(), hashes.SHA256())
    elif algorithm == "ES256":
        r, s = decode_dss_signature((key or EC_KEY).sign(signed, ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    else:
        signature = b""
    return signed.decode() + "." + encoded(signature)


@dataclass
class Provider:
    """An identity provider: one person, who always agrees. `spoil` changes what it says."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    spoil: Callable[["Provider", dict[str, Any]], str] | None = None
    asked: dict[str, dict[str, str]] = field(default_factory=dict)

    async def discovery(self, _request: Request) -> JSONResponse:
        return JSONResponse(
            {
                "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token", "jwks_uri": f"{self.url}/keys",
            }
        )  # fmt: skip

    async def keys(self, _request: Request) -> JSONResponse:
        return JSONResponse(jwks())

    def agree(self, where: str) -> tuple[str, str]:
        """What the browser brings back: state and code."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(where).query).items()}
        assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
        code = secrets.token_urlsafe(8)
        self.asked[code] = asked
        return asked["state"], code

    async def token(self, request: Request) -> JSONResponse:
        form = await request.form()
        asked = self.asked.pop(str(form["code"]), None)
        verifier = str(form["code_verifier"])
        if asked is None or asked["code_challenge"] != encoded(hashlib.sha256(verifier.encode()).digest()):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": CLIENT, "sub": "u-1", "nonce": asked["nonce"], "iat": now,
            "exp": now + 300,
            "preferred_username": "Lan.Nguyen@laocai", "name": "Nguyễn Thị Lan",
            "roles": ["can-bo"], **self.claims,
        }  # fmt: skip
        return JSONResponse({"id_token": self.spoil(self, claims) if self.spoil else token(claims)})


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    found = Provider()
    app = Starlette(
        routes=[
            Route("/.well-known/openid-configuration", found.discovery),
            Route("/keys", found.keys),
            Route("/token", found.token, methods=["POST"]),
        ]
    )
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    listening = socket.create_server(("127.0.0.1", 0))
    found.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    task = asyncio.create_task(server.serve(sockets=[listening]))
    yield found
    server.should_exit = server.force_exit = True
    await task


@dataclass
class Office:
    provider: Provider
    pool: Pool
    accounts: accounts.Accounts
    browser: httpx.AsyncClient

    async def sign_in(self, state: str | None = None) -> str | None:
        """The whole way; the session's token, None when it is refused."""
        out = await self.browser.get("/session/oidc", params={"next": "/period"})
        assert out.status_code == 303
        agreed, code = self.provider.agree(out.headers["location"])
        back = await self.browser.get("/session/oidc/back", params={"state": state or agreed, "code": code})
        found = re.search(rf"{accounts.COOKIE}=([^;]+)", "; ".join(back.headers.get_list("set-cookie")))
        if found is None:
            assert back.headers["location"] == "/sign-in?refused=oidc"
            return None
        assert 'url=/period"' in back.text
        return found[1]


@asynccontextmanager
async def office(url: str) -> AsyncIterator[Office]:
    async with provider() as at, open_pool(url, application="sign in", size=4) as pool:
        async with pool.acquire() as connection:
            await migrate(connection, accounts.MIGRATIONS)
            await audit_trail.prepare_schema(connection, [])
        settings = ReportSettings.model_validate(
            {
                "kafka": "127.0.0.1:9", "database": url, "port": 1, "oidc_issuer": at.url,
                "oidc_client_id": CLIENT, "public_url": "http://report",
                "oidc_roles": "officer=can-bo,approver=lanh-dao",
            }
        )  # fmt: skip
        book = accounts.Accounts(pool)
        desk = cast(Any, SimpleNamespace(settings=settings, accounts=book))
        app = FastAPI()
        problem.install(app)
        oidc_api.install(app, desk, session_api.inside)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://report") as browser:
            yield Office(at, pool, book, browser)


async def test_who_has_a_role_at_the_provider_is_signed_in(empty_postgres_url: str) -> None:
    async with office(empty_postgres_url) as at:
        session = await at.sign_in()
        assert session is not None
        officer = await at.accounts.officer_by(session)
        assert officer is not None
        assert (officer.name, officer.full_name, officer.role) == ("lan.nguyen", "Nguyễn Thị Lan", "officer")
        at.provider.claims = {"roles": ["can-bo", "lanh-dao"]}
        session = await at.sign_in()
        assert session is not None
        officer = await at.accounts.officer_by(session)
        assert officer is not None
        assert officer.role == "approver", "the provider's word counts anew at each sign-in"
        assert await at.accounts.sign_in("lan.nguyen", "") is None, "and no password opens this account"
        actions = [
            json.loads(row["text"])["action"] for row in await at.pool.fetch("SELECT text FROM audit.entry")
        ]
        assert actions == ["account.add", "account.role"]


async def test_who_has_none_is_not(empty_postgres_url: str) -> None:
    async with office(empty_postgres_url) as at:
        at.provider.claims = {"roles": ["khach"]}
        assert await at.sign_in() is None
        assert await at.pool.fetchval("SELECT count(*) FROM account") == 0


async def test_a_local_account_is_not_taken_over_by_its_name(empty_postgres_url: str) -> None:
    async with office(empty_postgres_url) as at:
        await at.pool.execute(
            "INSERT INTO account (name, role, password_hash) VALUES ('lan.nguyen', 'administrator', 'x')"
        )
        assert await at.sign_in() is None
        at.provider.claims = {"sub": "u-2", "preferred_username": "minh"}
        assert await at.sign_in() is not None
        at.provider.claims = {"sub": "u-3", "preferred_username": "minh"}
        assert await at.sign_in() is None, "another person of the same name"


async def test_a_closed_account_stays_closed(empty_postgres_url: str) -> None:
    async with office(empty_postgres_url) as at:
        assert await at.sign_in() is not None
        await at.pool.execute("UPDATE account SET disabled = true")
        assert await at.sign_in() is None


def other_key(at: Provider, claims: dict[str, Any]) -> str:
    return token(claims, key=rsa.generate_private_key(65537, 2048))


def no_algorithm(at: Provider, claims: dict[str, Any]) -> str:
    return token(claims, "none")


def key_as_secret(at: Provider, claims: dict[str, Any]) -> str:
    """The public key used as a shared secret: the classic confusion."""
    import hmac

    head = encoded({"alg": "HS256", "kid": "r"})
    signed = f"{head}.{encoded(claims)}".encode()
    return signed.decode() + "." + encoded(hmac.digest(json.dumps(jwks()).encode(), signed, "sha256"))


def for_another(at: Provider, claims: dict[str, Any]) -> str:
    return token({**claims, "aud": "another"})


def for_both(at: Provider, claims: dict[str, Any]) -> str:
    return token({**claims, "aud": [CLIENT, "another"], "azp": "another"})


def of_yesterday(at: Provider, claims: dict[str, Any]) -> str:
    return token({**claims, "iat": claims["iat"] - 86_400, "exp": claims["exp"] - 86_400})


def overheard(at: Provider, claims: dict[str, Any]) -> str:
    return token({**claims, "nonce": "of another attempt"})


CASES = (
    (other_key, "check_signature"),
    (no_algorithm, "check_signature"),
    (key_as_secret, "check_signature"),
    (for_another, "check_audience"),
    (for_both, "check_audience"),
    (of_yesterday, "check_time"),
    (overheard, "check_nonce"),
)


@pytest.mark.parametrize(("spoil", "guard"), CASES, ids=lambda value: getattr(value, "__name__", value))
async def test_a_guard_stops_a_foreign_token_and_nothing_else_does(
    spoil: Callable[..., str], guard: str, empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(empty_postgres_url) as at:
        at.provider.spoil = spoil
        assert await at.sign_in() is None
        monkeypatch.setattr(oidc, guard, lambda *_: None)
        assert await at.sign_in() is not None


async def test_an_attempt_belongs_to_its_browser(
    empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(empty_postgres_url) as at:
        assert await at.sign_in(state="of somebody else") is None
        out = await at.browser.get("/session/oidc")
        state, code = at.provider.agree(out.headers["location"])
        at.browser.cookies.clear()
        back = await at.browser.get("/session/oidc/back", params={"state": state, "code": code})
        assert back.headers["location"] == "/sign-in?refused=oidc"
        monkeypatch.setattr(oidc, "check_state", lambda attempt, _state: attempt)
        assert await at.sign_in(state="of somebody else") is not None


NOW = 1_700_000_000
CLAIMS = {"iss": "i", "aud": CLIENT, "sub": "u", "nonce": "n", "iat": NOW, "exp": NOW + 60}
KEYS = oidc.read_keys(jwks())


def test_only_keys_that_can_be_used_are_read() -> None:
    assert set(KEYS) == {"r", "e"}


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_both_algorithms_verify(algorithm: str) -> None:
    claims = oidc.verify_token(token(CLAIMS, algorithm), KEYS, "i", CLIENT, "n", NOW)
    assert claims["sub"] == "u"


GOOD = token(CLAIMS)


@given(st.integers(0, len(GOOD) - 1), st.characters(min_codepoint=33, max_codepoint=126))
def test_no_changed_character_passes(place: int, character: str) -> None:
    changed = GOOD[:place] + character + GOOD[place + 1 :]
    try:
        claims = oidc.verify_token(changed, KEYS, "i", CLIENT, "n", NOW)
    except OidcError:
        return
    # The last character of a part may carry bits that no byte has: the same token, spelt otherwise.
    assert claims == CLAIMS


@given(st.text(max_size=200))
def test_nothing_that_comes_back_raises_anything_else(text: str) -> None:
    with pytest.raises(OidcError):
        oidc.verify_token(text, KEYS, "i", CLIENT, "n", NOW)


@given(
    st.dictionaries(
        st.sampled_from(["sub", "roles", "name", "preferred_username", "email"]),
        st.text() | st.lists(st.text()),
    )
)
def test_claims_of_any_form_name_a_person_or_nobody(claims: dict[str, Any]) -> None:
    try:
        person = oidc.person_of(claims, "roles", {"a": "officer"}, accounts.ROLES)
    except OidcError:
        return
    assert re.fullmatch(r"[a-z0-9]+([._-][a-z0-9]+)*", person.name)
    assert len(person.name) <= 80
