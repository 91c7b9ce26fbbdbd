"""Fuzzing guided by coverage, with atheris where it is installed.

    python -m tests.security.by_coverage -max_total_time=60 [CORPUS]

`pip install atheris` brings it (wheels for CPython 3.11 to 3.13 on Linux). It is not among the locks,
because it is no use where it has no wheel.
"""

import importlib
import sys
from typing import Any


def main() -> None:
    """Let atheris look for inputs that `one_input` does not stand. What is imported here is instrumented."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["shared"]):
        fuzzing: Any = importlib.import_module("tests.security.fuzzing")
    atheris.Setup(sys.argv, fuzzing.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
