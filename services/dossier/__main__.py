"""`python -m services.dossier`"""

import sys

from services.dossier.app import run

if __name__ == "__main__":
    sys.exit(run())
