"""Logs never mix with what a command prints for programs."""

import subprocess
import sys


def test_an_unconfigured_process_logs_to_standard_error() -> None:
    code = "from shared.runtime import logs; logs.get('x').info('told'); print('{}')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "{}\n"
    assert "told" in done.stderr


def test_a_quiet_command_tells_warnings_only() -> None:
    told = "log = logs.get('x'); log.info('a1'); log.warning('b2')"
    code = f"from shared.runtime import logs; logs.quiet(); {told}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert "a1" not in done.stderr
    assert "b2" in done.stderr
