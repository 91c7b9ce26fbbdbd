"""Start a command with its secrets taken from files; the entry point of every image.

    python -I start.py COMMAND [ARGUMENT ...]

Each file in BUS_SECRETS (default /run/secrets) whose name begins with `BUS_` becomes an environment variable
of that name, unless the variable is set already. So a password stands neither in the compose file, nor in a
manifest, nor in what `docker inspect` shows; Docker, Compose and Kubernetes all mount secrets as files. Other
files (a key, a certificate) stay files, and settings name them by path.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

DEFAULT_DIRECTORY = "/run/secrets"
MAX_SECRET_BYTES = 65_536


def from_files(directory: Path) -> dict[str, str]:
    """The secrets in `directory` by name, without the newline at the end. None when there is no directory.

    Raises ValueError for a file that is too large to be meant.
    """
    found: dict[str, str] = {}
    for file in sorted(directory.glob("BUS_*")):
        if file.stat().st_size > MAX_SECRET_BYTES:
            raise ValueError(f"{file} is larger than {MAX_SECRET_BYTES} bytes; a secret belongs there")
        found[file.name] = file.read_text(encoding="utf-8").rstrip("\n")
    return found


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """What the command gets: the secrets of the files, below what was given."""
    return {**from_files(Path(given.get("BUS_SECRETS", DEFAULT_DIRECTORY))), **given}


def main() -> None:
    command = sys.argv[1:]
    if not command:
        sys.exit("start.py: name the command to start")
    try:
        settings = environment(os.environ)
    except (OSError, ValueError) as error:
        sys.exit(f"start.py: {error}")
    os.execvpe(command[0], command, settings)


if __name__ == "__main__":
    main()
