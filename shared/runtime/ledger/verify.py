"""Who says it, and may they? Signature, source and grant of what comes in."""

import time
from collections.abc import Collection, Mapping, Sequence

from shared.runtime.access.cache import Publisher, PublisherCache
from shared.runtime.ledger.decode import Candidate, Envelope, Refusal
from shared.runtime.ledger.standing import check_standing
from shared.runtime.signature import (
    ID_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    SignatureError,
    SignatureHeaders,
    verify,
)


def signature_headers(headers: Mapping[str, str]) -> SignatureHeaders:
    """The three headers by their lower-case names. Raises SignatureError when one is missing."""
    missing = [name for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER) if not headers.get(name)]
    if missing:
        raise SignatureError(f"missing {', '.join(missing)}: sign as Standard Webhooks describes")
    return SignatureHeaders(headers[ID_HEADER], headers[TIMESTAMP_HEADER], headers[SIGNATURE_HEADER])


def check_signature(publisher: Publisher | None, signature: SignatureHeaders, payload: bytes) -> str | None:
    """None when one of the publisher's keys signed; otherwise why not. Pure."""
    if publisher is None:
        return "the source names no publisher with a live key"
    try:
        verify(publisher.keys, signature, payload)
    except SignatureError as error:
        return str(error)
    return None


async def check_signature_fresh(
    cache: PublisherCache, name: str, signature: SignatureHeaders, payload: bytes, since: float | None = None
) -> str | None:
    """As `check_signature`, asking the database again before saying no: a key may be new."""
    refused = check_signature(cache.get(name), signature, payload)
    if refused is None:
        return None
    await cache.refresh(since=time.monotonic() if since is None else since)
    return check_signature(cache.get(name), signature, payload)


def check_source(envelope: Envelope, publisher: Publisher) -> Refusal | None:
    """Whether an event of a signed request is the signer's own: nobody speaks for another publisher. Pure."""
    if envelope.publisher == publisher.name:
        return None
    detail = f"{publisher.name} signed the request: the source is /publishers/{publisher.name}"
    return Refusal("source", detail, (("/source", detail),), envelope.source, envelope.id, envelope.type)


def check_grant(candidate: Candidate, publisher: Publisher, register: Collection[str]) -> Refusal | None:
    """Whether `publisher` may say this; `register` holds the agencies that `*` stands for. Pure."""
    fact = candidate.fact
    errors: Sequence[tuple[str, str]] = ()
    if not publisher.grant.allows_type(fact.type):
        detail = f"publisher {publisher.name} has no grant for the type {fact.type}"
        errors = (("/type", "not granted"),)
    elif not publisher.grant.allows_agency(fact.agency, register):
        detail = f"publisher {publisher.name} has no grant for the agency {fact.agency}"
        errors = (("/data/agency", "not granted"),)
    else:
        return check_standing(candidate, register)
    return Refusal("grant", detail, tuple(errors), fact.source, fact.id, fact.type)
