"""Audit of a report that exists: which of its sums, shares and changes recompute, and which do not."""

from services.report.audit.audit import TooLarge, audit_file, audit_lines, audit_text
from services.report.audit.findings import Audit, Coverage, Relation, Result, Severity
from services.report.audit.sources import Unreadable

__all__ = [
    "Audit",
    "Coverage",
    "Relation",
    "Result",
    "Severity",
    "TooLarge",
    "Unreadable",
    "audit_file",
    "audit_lines",
    "audit_text",
]
