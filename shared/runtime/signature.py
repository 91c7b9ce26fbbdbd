"""Standard Webhooks signatures. Pure: keys and the clock are passed in.

The signed content is `<webhook-id>.<webhook-timestamp>.<payload>`, the payload being the HTTP body or the
record value, byte for byte. The header may carry several signatures, separated by blanks, while a publisher
changes keys.
"""

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"
HTTP_TOLERANCE_SECONDS = 300
"""How far the timestamp of a request may lie from our clock, either way."""

MAX_ID_LENGTH = 256
_MAX_SIGNATURES = 5
_SCHEME = "v1,"


class SignatureError(ValueError):
    """Why a signature does not hold; the text is safe to show to the sender."""


@dataclass(frozen=True, slots=True)
class SignatureHeaders:
    """The three headers of one message, as received."""

    message_id: str
    timestamp: str
    signatures: str


def sign(key: bytes, message_id: str, timestamp: int, payload: bytes) -> str:
    """The value of the header `webhook-signature`: `v1,<base64 HMAC-SHA256>`."""
    return _SCHEME + _digest(key, _prefix(message_id, str(timestamp)) + payload)


def verify(keys: Sequence[bytes], headers: SignatureHeaders, payload: bytes) -> None:
    """Check that one of `keys` made one of the signatures. Raises SignatureError.

    Takes the same time whether or not a signature is nearly right. Age is not looked at: see `check_age`.
    """
    if not 0 < len(headers.message_id) <= MAX_ID_LENGTH or not headers.message_id.isascii():
        raise SignatureError(f"{ID_HEADER} must be 1 to {MAX_ID_LENGTH} ASCII characters")
    read_timestamp(headers.timestamp)
    offered = [part[len(_SCHEME) :] for part in headers.signatures.split() if part.startswith(_SCHEME)]
    if not offered or len(offered) > _MAX_SIGNATURES or not headers.signatures.isascii():
        raise SignatureError(f"{SIGNATURE_HEADER} must hold 1 to {_MAX_SIGNATURES} values 'v1,<base64>'")
    content = _prefix(headers.message_id, headers.timestamp) + payload
    matched = False
    for key in keys:
        expected = _digest(key, content)
        for signature in offered:
            matched |= hmac.compare_digest(expected, signature)
    if not matched:
        raise SignatureError(
            "the signature does not match: sign '<webhook-id>.<webhook-timestamp>.' followed by the exact "
            "bytes sent, with the decoded base64 of your key after 'whsec_'"
        )


def check_age(timestamp: str, now_seconds: float, tolerance_seconds: int = HTTP_TOLERANCE_SECONDS) -> None:
    """Check that the timestamp lies within the tolerance of now. Raises SignatureError."""
    if abs(now_seconds - read_timestamp(timestamp)) > tolerance_seconds:
        raise SignatureError(
            f"{TIMESTAMP_HEADER} lies more than {tolerance_seconds} s from this server's clock; "
            "set your clock and sign again"
        )


def read_timestamp(text: str) -> int:
    """Seconds since 1970. Raises SignatureError for anything but plain digits."""
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise SignatureError(f"{TIMESTAMP_HEADER} must be whole seconds since 1970")
    return int(text)


def _prefix(message_id: str, timestamp: str) -> bytes:
    return f"{message_id}.{timestamp}.".encode("ascii")


def _digest(key: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode("ascii")
