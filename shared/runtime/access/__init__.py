"""Publishers, their keys and their grants.

`publishers` is for the operator's commands, `cache` for the services, `grants` and `sealing` are pure.
"""

from shared.runtime.access.publishers import (
    PublisherError,
    PublisherRow,
    add_publisher,
    change_grants,
    limit_publisher,
    list_publishers,
    prepare_schema,
    retire_old_keys,
    revoke_publisher,
    rotate_publisher,
)
from shared.runtime.access.sealing import Sealer, SealError, write_master_key

__all__ = [
    "PublisherError",
    "PublisherRow",
    "SealError",
    "Sealer",
    "add_publisher",
    "change_grants",
    "limit_publisher",
    "list_publishers",
    "prepare_schema",
    "retire_old_keys",
    "revoke_publisher",
    "rotate_publisher",
    "write_master_key",
]
