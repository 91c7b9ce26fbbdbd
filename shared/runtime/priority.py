"""Giving way: a process that only follows the bus lets the others have the processor first."""

import os
from contextlib import suppress
from pathlib import Path

FOLLOWER = 5
"""For a service downstream of the scores: about a third of the weight of the services it follows."""

LAST = 19
"""For what would run on other machines in earnest, such as the browsers and clients of a measurement."""


def give_way(niceness: int, pid: int | None = None) -> None:
    """Give a process (this one unless told) a niceness of `nice(1)`, 0 to 19; never a lower one than it has.

    Linux weighs the sessions of a desktop or a terminal before their processes (sched(7), "The autogroup
    feature"), so the session's own weight is lowered too; the process must have a session of its own.
    Systems without it, and those that forbid it, go on as they were.
    """
    with suppress(OSError):
        process = pid or os.getpid()
        os.setpriority(os.PRIO_PROCESS, process, max(niceness, os.getpriority(os.PRIO_PROCESS, process)))
    with suppress(OSError):
        # Only where it leads its session: elsewhere the weight belongs to somebody's shell as well.
        if os.getsid(pid or 0) == (pid or os.getpid()):
            Path(f"/proc/{pid or 'self'}/autogroup").write_text(f"{niceness}\n", encoding="ascii")
