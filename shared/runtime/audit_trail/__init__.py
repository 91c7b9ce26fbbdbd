"""The audit trail: what people did, chained by hashes. `chain` is pure, `trail` writes and reads."""

from shared.runtime.audit_trail.chain import (
    START,
    Deed,
    Finding,
    Link,
    Verified,
    canonical,
    link_of,
    read_witnesses,
    shown,
    verify,
)
from shared.runtime.audit_trail.trail import append, prepare_schema, read_links, walk

__all__ = [
    "START",
    "Deed",
    "Finding",
    "Link",
    "Verified",
    "append",
    "canonical",
    "link_of",
    "prepare_schema",
    "read_links",
    "read_witnesses",
    "shown",
    "verify",
    "walk",
]
