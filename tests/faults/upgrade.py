"""An upgrade of a running system: it begins in an old version, and goes on in this one on the same data.

The old version comes from the history of the checkout, with an environment of its own from its own lock, so
that what runs before the upgrade is what ran then. It takes its facts over both entrances; in the middle of
the load it is taken down, and this version started where it stood, as `git pull` and `./run up` do.
"""

import asyncio
import io
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.rig import REPOSITORY, Rig
from tests.faults.stage import Stage

OLD = "543deb4"
"""The first version that went out, ten migrations ago."""


def impossible(_rig: Rig) -> str | None:
    """Why it cannot be done here."""
    known = subprocess.run(
        ["git", "cat-file", "-e", f"{OLD}^{{commit}}"], cwd=REPOSITORY, capture_output=True, check=False
    )
    if known.returncode:
        return f"the old version ({OLD}) needs a git checkout with its history"
    return None


@contextmanager
def first_version(rig: Rig, _facts: int) -> Iterator[None]:
    """An empty system in the old version in place of the one that runs, until the trial is over."""
    code, aside = (rig.data.with_name(f"{rig.data.name}-{name}") for name in ("code", "aside"))
    packed = subprocess.run(["git", "archive", OLD], cwd=REPOSITORY, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(code, filter="data")
    rig.down()
    rig.data.rename(aside)
    rig.data.mkdir(mode=0o755)
    rig.other_version.symlink_to(code)
    try:
        rig.up("--no-report")
        yield
    finally:
        rig.down()
        rig.other_version.unlink(missing_ok=True)
        shutil.rmtree(rig.data)
        aside.rename(rig.data)
        shutil.rmtree(code)
        rig.up("--no-report")


async def to_this_version(stage: Stage) -> int:
    """In the middle of the load the old version goes, and this one comes."""
    rig = stage.rig
    async for number in stage.load.rounds(2):
        await stage.into_the_load()
        if number == 1:
            before = await rig.get(f"{rig.scoring}/openapi.json")
            await asyncio.to_thread(rig.down)
            rig.other_version.unlink()
            await asyncio.to_thread(rig.up, "--no-report")
            after = await rig.get(f"{rig.scoring}/openapi.json")
            fresh = sorted(set(after["paths"]) - set(before["paths"]))
            stage.remarks.append(f"{len(fresh)} addresses of scoring are new, {fresh[0]} among them")
            if gone := set(before["paths"]) - set(after["paths"]):
                stage.wrong.append(f"addresses of the old version are gone: {', '.join(sorted(gone))}")
    return 1
