"""The audit trail: what people did, chained by hashes. `chain` is pure, `trail` writes and reads."""

from shared.runtime.audit_trail.chain import START, Deed, Finding, Link, Verified, canonical, link_of, verify
from shared.runtime.audit_trail.trail import append, prepare_schema, read_links

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
    "verify",
]
