"""`python -m services.report` starts the report service."""

import sys

from services.report.app import main
from shared.runtime.priority import FOLLOWER, give_way

if __name__ == "__main__":
    # However many dashboards are open, facts and scores come first.
    give_way(FOLLOWER)
    sys.exit(main())
