"""The topics of the bus, each a declared contract: who writes it, how it is keyed, how long it is kept."""

import zlib
from dataclasses import dataclass
from typing import Literal

MODULES = ("content", "qa", "dossier")
"""The three domain services, in the order of their ports."""

DEFAULT_PARTITIONS = 6
"""Partitions of every topic. All topics have the same number, so that an agency has one place everywhere."""

Cleanup = Literal["delete", "compact"]


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as `deploy.setup` creates it.

    `retention_ms` is -1 for ever; `keyed_by` and `partitioned_by` say what the record key is and what
    chooses the partition, for people and for the generated AsyncAPI page.
    """

    name: str
    cleanup: Cleanup
    keyed_by: str
    partitioned_by: str
    writer: str
    description: str
    retention_ms: int = -1
    max_message_bytes: int = 1_048_576

    def config(self) -> dict[str, str]:
        """Kafka's own settings of the topic, as strings."""
        settings = {"cleanup.policy": self.cleanup, "max.message.bytes": str(self.max_message_bytes)}
        if self.cleanup == "delete":
            settings["retention.ms"] = str(self.retention_ms)
        return settings


_WEEK_MS = 7 * 24 * 3600 * 1000

TOPICS: tuple[Topic, ...] = (
    *(
        Topic(
            f"{module}.inbox",
            "delete",
            "entity id",
            "entity id",
            "publishers",
            f"Facts that agencies send to the {module} service over Kafka.",
            retention_ms=4 * _WEEK_MS,
        )
        for module in MODULES
    ),
    *(
        Topic(
            f"{module}.events",
            "compact",
            "entity id",
            "agency",
            module,
            f"Changes of the {module} service: the whole state of an entity, with a version that only grows.",
            max_message_bytes=4_194_304,
        )
        for module in MODULES
    ),
    Topic(
        "rejections",
        "delete",
        "publisher",
        "publisher",
        "content, qa, dossier",
        "What was refused and why, so that a publisher can subscribe to its own mistakes.",
        retention_ms=26 * _WEEK_MS,
    ),
    Topic(
        "scores",
        "compact",
        "agency|period",
        "agency",
        "scoring",
        "The whole score of an agency in a period, with a revision that only grows.",
    ),
    Topic(
        "score.changes",
        "delete",
        "agency",
        "agency",
        "scoring",
        "One record per change of a score: before, after, which criteria moved, which facts caused it.",
        max_message_bytes=4_194_304,
    ),
    Topic(
        "periods",
        "compact",
        "period",
        "period",
        "scoring",
        "Periods as they open, close and are reopened; at a close the hash of the sealed result.",
    ),
    Topic(
        "alerts",
        "delete",
        "entity id",
        "agency",
        "content, qa, dossier",
        "Warnings of the clock: ahead of a breach and at it, once each, in working hours where so set.",
        retention_ms=26 * _WEEK_MS,
    ),
)


def partition_of(key: str, partitions: int) -> int:
    """The partition of an agency (or of any key that the services place themselves): CRC-32 modulo.

    Every service and every topic uses this one function, so one reader sees all of an agency.
    """
    return zlib.crc32(key.encode()) % partitions
