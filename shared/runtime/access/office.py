"""Publishers that the set-up adds: the scoring office, and the dashboard.

The office speaks through its rulings on disputes, and what they put right.

It is an ordinary publisher, with a key that can be rotated, a grant that can be changed, and an end. The
content service signs with its key when an officer decides. The dashboard submits the disputes of agencies'
own people (docs/decisions/0083-the-dashboard-submits-as-a-publisher.md), with a key that both are given.
"""

from shared.runtime.access.publishers import PublisherError, add_publisher
from shared.runtime.access.sealing import Sealer
from shared.runtime.postgres import Connection

OFFICE = "scoring-office"
OFFICE_TYPES = ("ruling.*", "assessment.recorded", "fact.retracted")
"""What disputes need at least; corrections of other kinds need more."""
DASHBOARD = "dashboard"
DASHBOARD_TYPES = ("dispute.*",)


async def add_office(connection: Connection, sealer: Sealer) -> bool:
    """Add the office unless there is, or was, one; an operator may have ended it. Answers whether it did."""
    return await _add(connection, sealer, OFFICE, OFFICE_TYPES, None)


async def add_dashboard(connection: Connection, sealer: Sealer, key: bytes) -> bool:
    """Add the dashboard with its key, unless there is, or was, one. Answers whether it did."""
    return await _add(connection, sealer, DASHBOARD, DASHBOARD_TYPES, key)


async def _add(
    connection: Connection, sealer: Sealer, name: str, types: tuple[str, ...], key: bytes | None
) -> bool:
    if await connection.fetchval("SELECT true FROM access.publisher WHERE name = $1", name):
        return False
    try:
        await add_publisher(connection, sealer, name, ["*"], list(types), key, by="setup")
    except PublisherError:
        # Another set-up was quicker.
        return False
    return True
