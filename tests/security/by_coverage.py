"""Fuzzing led by coverage, with atheris.

    python -m tests.security.by_coverage -max_total_time=60 [CORPUS]

The options are those of libFuzzer. `--planted` breaks on an event that opens, to see that a break is found.
atheris has wheels for CPython 3.11 to 3.13 on Linux x86-64; elsewhere test_fuzz.py does what chance can do.
"""

import importlib
import sys
from typing import Any

PLANTED = "--planted"


def main() -> None:
    """Let atheris look for inputs that `one_input` does not stand. What is imported here is instrumented."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["shared"]):
        fuzzing: Any = importlib.import_module("tests.security.fuzzing")
    words = [word for word in sys.argv if word != PLANTED]
    atheris.Setup(words, fuzzing.one_input if len(words) == len(sys.argv) else fuzzing.one_input_planted)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
