"""`python -m services.qa`"""

import sys

from services.qa.app import run

if __name__ == "__main__":
    sys.exit(run())
