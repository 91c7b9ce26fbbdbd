"""`python -m services.report` starts the report service."""

import sys

from services.report.app import main

if __name__ == "__main__":
    sys.exit(main())
