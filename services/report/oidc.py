"""Signing in through the province's identity provider: OpenID Connect, code flow with PKCE.

An option beside the accounts of our own (docs/decisions/0099). Everything that decides is pure: time, keys
and chance are passed in. Only RS256 and ES256 are believed, each with a key of its own kind, so that a token
cannot choose how it is checked.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

LEEWAY_SECONDS = 60
"""How far the provider's clock may be from ours."""

MAX_TOKEN_BYTES = 64 * 1024
MIN_RSA_BITS = 2048
_SCOPES = "openid profile"

Key = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
Claims = Mapping[str, Any]


class OidcError(ValueError):
    """Why somebody is not signed in; the text is safe to show and to log."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one browser's attempt must come back with. Kept in a sealed cookie, nowhere else."""

    state: str
    nonce: str
    verifier: str
    following: str


@dataclass(frozen=True, slots=True)
class Provider:
    """What the provider says of itself in its discovery document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who signed in. `subject` is the provider's own name for the person and never changes."""

    subject: str
    name: str
    full_name: str
    role: str


def provider_of(document: Mapping[str, Any], issuer: str) -> Provider:
    """The discovery document of `issuer`. Raises OidcError when it is somebody else's."""
    names = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
    if not all(isinstance(document.get(name), str) for name in names):
        raise OidcError("the provider's discovery document lacks what OpenID Connect asks for")
    if document["issuer"] != issuer:
        raise OidcError("the discovery document is of another issuer")
    return Provider(*(str(document[name]) for name in names))


def authorization_url(provider: Provider, client_id: str, redirect_uri: str, attempt: Attempt) -> str:
    """Where the browser goes to sign in."""
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": _SCOPES,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": challenge(attempt.verifier),
        "code_challenge_method": "S256",
    }
    mark = "&" if "?" in provider.authorization_endpoint else "?"
    return provider.authorization_endpoint + mark + urlencode(asked)


def challenge(verifier: str) -> str:
    """The PKCE challenge of a verifier."""
    return _encode(hashlib.sha256(verifier.encode()).digest())


def check_state(attempt: Attempt | None, state: str | None) -> Attempt:
    """The attempt that comes back. Raises OidcError when it is not this browser's."""
    if attempt is None or state is None or not hmac.compare_digest(attempt.state.encode(), state.encode()):
        raise OidcError("this sign-in was not begun here, or too long ago; begin again")
    return attempt


# --------------------------------------------------------------------------------------- tokens


def read_keys(document: Mapping[str, Any]) -> dict[str, Key]:
    """The provider's keys by their id. Keys of other kinds, or too weak ones, are left out."""
    found: dict[str, Key] = {}
    for one in document.get("keys", ()):
        try:
            key = _read_key(one)
        except (KeyError, TypeError, ValueError, binascii.Error):
            continue
        if key is not None and one.get("use", "sig") == "sig":
            found[str(one.get("kid", ""))] = key
    return found


def _read_key(one: Mapping[str, Any]) -> Key | None:
    if one["kty"] == "RSA":
        rsa_key = rsa.RSAPublicNumbers(_number(one["e"]), _number(one["n"])).public_key()
        return rsa_key if rsa_key.key_size >= MIN_RSA_BITS else None
    if one["kty"] == "EC" and one["crv"] == "P-256":
        return ec.EllipticCurvePublicNumbers(
            _number(one["x"]), _number(one["y"]), ec.SECP256R1()
        ).public_key()
    return None


def verify_token(
    token: str, keys: Mapping[str, Key], issuer: str, client_id: str, nonce: str, now: float
) -> Claims:
    """The claims of an ID token that is the provider's, for us, for this attempt, and in time.

    Raises OidcError.
    """
    header, claims, signed, signature = _take_apart(token)
    key = keys.get(str(header.get("kid", ""))) or (next(iter(keys.values())) if len(keys) == 1 else None)
    if key is None:
        raise OidcError("the ID token names a key that the provider does not have")
    check_signature(str(header.get("alg")), key, signed, signature)
    if claims.get("iss") != issuer:
        raise OidcError("the ID token is of another issuer")
    check_audience(claims, client_id)
    check_time(claims, now)
    check_nonce(claims, nonce)
    return claims


def check_signature(algorithm: str, key: Key, signed: bytes, signature: bytes) -> None:
    """Raises OidcError unless `key` signed, with the one algorithm that belongs to its kind."""
    try:
        if algorithm == "RS256" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
            return
        if algorithm == "ES256" and isinstance(key, ec.EllipticCurvePublicKey) and len(signature) == 64:
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
            return
    except InvalidSignature:
        pass
    raise OidcError("the ID token is not signed by the provider")


def check_audience(claims: Claims, client_id: str) -> None:
    """Raises OidcError for a token that was made for another application."""
    audience = claims.get("aud")
    named = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    other = claims.get("azp", client_id) != client_id
    if client_id not in named or (len(named) > 1 and "azp" not in claims) or other:
        raise OidcError("the ID token is for another application")


def check_time(claims: Claims, now: float) -> None:
    """Raises OidcError for a token that is over, or not yet."""
    ends, made = claims.get("exp"), claims.get("iat")
    if not isinstance(ends, int | float) or not isinstance(made, int | float):
        raise OidcError("the ID token does not say when it was made and when it ends")
    if now > ends + LEEWAY_SECONDS or made > now + LEEWAY_SECONDS:
        raise OidcError("the ID token is over, or the clocks disagree; sign in again")


def check_nonce(claims: Claims, nonce: str) -> None:
    """Raises OidcError for the token of another attempt."""
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise OidcError("the ID token belongs to another sign-in; begin again")


def _take_apart(token: str) -> tuple[Claims, Claims, bytes, bytes]:
    parts = token.split(".")
    if len(token) > MAX_TOKEN_BYTES or len(parts) != 3 or not token.isascii():
        raise OidcError("the provider's answer holds no ID token")
    try:
        header, claims = (json.loads(_decode(part)) for part in parts[:2])
        signature = _decode(parts[2])
    except (ValueError, binascii.Error, RecursionError) as error:
        raise OidcError("the ID token cannot be read") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise OidcError("the ID token cannot be read")
    return header, claims, f"{parts[0]}.{parts[1]}".encode(), signature


# --------------------------------------------------------------------------------------- persons


def read_roles(text: str) -> dict[str, str]:
    """`approver=lanh-dao,officer=can-bo` as our role by the provider's word. Raises ValueError."""
    found: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        role, mark, word = part.partition("=")
        if not mark or not word or not role:
            raise ValueError(f"{part!r}: write it as officer=<the provider's word>")
        found[word] = role
    return found


def person_of(claims: Claims, claim: str, roles: Mapping[str, str], order: Sequence[str]) -> Person:
    """Who the claims speak of, with the strongest of the roles that they give. Raises OidcError for none."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise OidcError("the ID token names nobody")
    told = claims.get(claim)
    words = [told] if isinstance(told, str) else told if isinstance(told, list) else []
    mine = {roles[word] for word in words if isinstance(word, str) and word in roles}
    if not mine:
        raise OidcError("this account has no role here; ask whoever gives roles in the provider")
    name = str(claims.get("preferred_username") or claims.get("email") or subject)
    full_name = str(claims.get("name") or name)[:200]
    return Person(subject, _account_name(name), full_name, max(mine, key=list(order).index))


def _account_name(name: str) -> str:
    """A name of ours: small letters, digits, and . _ - between them."""
    plain = "".join(c if c.isascii() and c.isalnum() else "." for c in name.lower().partition("@")[0])
    parts = [part for part in plain.split(".") if part]
    if not parts:
        raise OidcError("the ID token names nobody")
    return ".".join(parts)[:80].rstrip(".")


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    if any(c in text for c in "+/="):
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _number(text: str) -> int:
    return int.from_bytes(_decode(text), "big")
