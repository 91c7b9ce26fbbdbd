"""`python -m services.content`"""

import sys

from services.content.app import run

if __name__ == "__main__":
    sys.exit(run())
