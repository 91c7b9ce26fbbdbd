"""`python -m services.scoring`"""

import sys

from services.scoring.app import run

if __name__ == "__main__":
    sys.exit(run())
