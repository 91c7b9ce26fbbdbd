"""A process that gives way is weighed less, and nobody else with it."""

import os
import subprocess
import sys
from pathlib import Path

from shared.runtime.priority import FOLLOWER

ASK = f"""
import os
from pathlib import Path
from shared.runtime.priority import give_way
give_way({FOLLOWER})
group = Path("/proc/self/autogroup")
print(os.getpriority(os.PRIO_PROCESS, 0), group.read_text() if group.exists() else "none")
"""


def nice_of_my_session() -> str:
    group = Path("/proc/self/autogroup")
    return group.read_text(encoding="ascii") if group.exists() else "none"


def told(*, leads_a_session: bool) -> str:
    command = [sys.executable, "-c", ASK]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, start_new_session=leads_a_session
    )
    return done.stdout


def test_a_service_of_its_own_session_weighs_less_as_a_whole() -> None:
    niceness, _, group = told(leads_a_session=True).partition(" ")
    assert int(niceness) == max(FOLLOWER, os.getpriority(os.PRIO_PROCESS, 0))
    assert f"nice {FOLLOWER}" in group or not Path("/proc/self/autogroup").exists()


def test_the_shell_that_started_it_keeps_its_weight() -> None:
    before = nice_of_my_session()
    told(leads_a_session=False)
    assert nice_of_my_session() == before
