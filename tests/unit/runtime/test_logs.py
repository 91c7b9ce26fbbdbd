"""Logs never mix with what a command prints for programs."""

import subprocess
import sys


def test_an_unconfigured_process_logs_to_standard_error() -> None:
    code = "from shared.runtime import logs; logs.get('x').info('told'); print('{}')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "{}\n"
    assert "told" in done.stderr
