"""`python -m services.report` starts the report service."""

import sys

from services.report.app import main

sys.exit(main())
