"""A disk without space: PostgreSQL's cluster on a small memory disk, and a file that fills it.

Needs root, who may mount. What is full is PostgreSQL's disk alone: the bus and the logs have theirs.
"""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.faults.rig import Rig
from tests.faults.stage import Stage

_SPARE_MIB = 256
_KIB_PER_FACT = 30
_FULL_S = 15.0
_MIB = 1 << 20


def impossible(_rig: Rig) -> str | None:
    """Why it cannot be done here."""
    if os.geteuid() != 0:
        return "a small disk for PostgreSQL needs root, who may mount a tmpfs"
    return None


@contextmanager
def small(rig: Rig, facts: int) -> Iterator[None]:
    """The system with its cluster on a tmpfs that has room for the trial and little more."""
    cluster = rig.cluster()
    place = cluster.with_name("small-disk")
    rig.down()
    used = sum(path.stat().st_size for path in cluster.rglob("*") if path.is_file()) // _MIB
    size = used + _SPARE_MIB + facts * _KIB_PER_FACT // 1024
    place.mkdir(exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={size}m,mode=0755", "tmpfs", str(place))
    try:
        _run("cp", "-a", str(cluster), str(place / "cluster"))
        aside = cluster.with_name("large-disk")
        cluster.rename(aside)
        cluster.symlink_to(place / "cluster")
        rig.up("--no-report")
        try:
            yield
        finally:
            rig.down()
            _run("cp", "-a", str(place / "cluster"), str(cluster.with_name("copied")))
            cluster.unlink()
            cluster.with_name("copied").rename(cluster)
            _run("rm", "-r", str(aside))
    finally:
        _run("umount", str(place))
        place.rmdir()
    rig.up("--no-report")


async def full(stage: Stage) -> int:
    """Twice there is no space left at all for a while. Then it is given back, and everything goes on."""
    filler = stage.rig.cluster().with_name("small-disk") / "filler"
    done = 0
    async for _ in stage.load.rounds(2):
        await stage.into_the_load()
        try:
            _fill(filler)
            # What PostgreSQL frees by itself meanwhile is taken as well.
            for _ in range(int(_FULL_S)):
                await stage.pause(1.0, 1.0)
                _fill(filler)
            done += 1
        finally:
            filler.unlink(missing_ok=True)
    return done


def _fill(filler: Path) -> None:
    with filler.open("ab") as file:
        free = os.statvfs(filler.parent)
        with suppress(OSError):
            os.posix_fallocate(file.fileno(), file.tell(), free.f_bavail * free.f_frsize)
        block = bytes(4096)
        try:
            while True:
                os.write(file.fileno(), block)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=300)
