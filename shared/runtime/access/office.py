"""The publisher that speaks for the scoring office: its rulings on disputes, and what they put right.

It is an ordinary publisher, with a key that can be rotated, a grant that can be changed, and an end. The
content service signs with its key when an officer decides.
"""

from shared.runtime.access.publishers import PublisherError, add_publisher
from shared.runtime.access.sealing import Sealer
from shared.runtime.postgres import Connection

OFFICE = "scoring-office"
OFFICE_TYPES = ("ruling.*", "assessment.recorded", "fact.retracted")
"""What disputes need at least; corrections of other kinds need more."""


async def add_office(connection: Connection, sealer: Sealer) -> bool:
    """Add the office unless there is, or was, one; an operator may have ended it. Answers whether it did."""
    if await connection.fetchval("SELECT true FROM access.publisher WHERE name = $1", OFFICE):
        return False
    try:
        await add_publisher(connection, sealer, OFFICE, ["*"], list(OFFICE_TYPES), by="setup")
    except PublisherError:
        # Another set-up was quicker.
        return False
    return True
