"""Editions of a period's report, made from the dashboard and kept for download.

The documents are made by the same command as `./run report`, in a process of its own: it takes seconds of
processor time, and the live pages must not wait for it. One edition is made at a time. The newest one stays
in the database, so that every replica offers it and the next edition finds the officer's words in it.
"""

import asyncio
import io
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from services.report.windows import BoardKey
from shared.runtime import logs
from shared.runtime.postgres import PASSING_FAULTS, Pool

GIVE_UP_SECONDS = 300.0
MAX_EDITED_BYTES = 4 * 1024 * 1024
MAX_UNPACKED_BYTES = 50 * 1024 * 1024
MAX_TOLD = 1_000
_PASSED_ON = ("HOME", "LANG", "LC_ALL", "PATH", "PYTHONPATH", "TMPDIR")
"""Of our settings the documents need none: no password reaches the process that reads officers' files."""

log = logs.get(__name__)


class EditionError(Exception):
    """Why no edition was made; the message is for the officer."""


@dataclass(frozen=True, slots=True)
class EditionFile:
    """One file of the newest edition."""

    name: str
    size: int
    made_at: datetime
    made_by: str


def check_edited(content: bytes) -> bytes:
    """A Word document that an officer hands back. Raises EditionError for anything else."""
    if len(content) > MAX_EDITED_BYTES:
        raise EditionError(f"more than {MAX_EDITED_BYTES // 1024 // 1024} MiB")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            sizes = {one.filename: one.file_size for one in parts.infolist()}
    except zipfile.BadZipFile:
        raise EditionError("not a .docx document") from None
    if "word/document.xml" not in sizes or sum(sizes.values()) > MAX_UNPACKED_BYTES:
        raise EditionError("not a .docx document")
    return content


class Editions:
    """Makes editions one after the other, and gives out the files of the newest."""

    def __init__(self, pool: Pool, scoring_url: str, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._scoring_url = scoring_url
        self._clock = clock
        self._one = asyncio.Lock()
        self._tasks: dict[BoardKey, asyncio.Task[None]] = {}
        self._told: dict[BoardKey, str] = {}

    def under_way(self, key: BoardKey) -> bool:
        """Whether this process makes an edition of this board."""
        return key in self._tasks

    def told(self, key: BoardKey) -> str:
        """What became of the last try: empty when it went well."""
        return self._told.get(key, "")

    async def files(self, key: BoardKey) -> list[EditionFile]:
        """The files of the newest edition; none while the database is away."""
        try:
            rows = await self._pool.fetch(
                """SELECT name, length(content) AS size, made_at, made_by FROM edition_file
                   WHERE period = $1 AND last_day = $2 ORDER BY name""",
                key.period, _day(key),
            )  # fmt: skip
        except PASSING_FAULTS:
            return []
        return [EditionFile(**row) for row in rows]

    async def content(self, key: BoardKey, name: str) -> bytes | None:
        """One file; None where there is none of this name."""
        found: bytes | None = await self._pool.fetchval(
            "SELECT content FROM edition_file WHERE period = $1 AND last_day = $2 AND name = $3",
            key.period, _day(key), name,
        )  # fmt: skip
        return found

    def begin(self, key: BoardKey, officer: str, edited: bytes | None = None) -> bool:
        """Begin an edition; False when one of this board is under way already."""
        if key in self._tasks:
            return False
        self._told.pop(key, None)
        task = asyncio.create_task(self._make(key, officer, edited), name=f"edition {key.period}")
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._tasks.pop(key, None))
        return True

    async def settled(self, key: BoardKey) -> None:
        """Wait until nothing of this board is under way."""
        if (task := self._tasks.get(key)) is not None:
            await asyncio.wait({task})

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make(self, key: BoardKey, officer: str, edited: bytes | None) -> None:
        try:
            async with self._one:
                with tempfile.TemporaryDirectory(prefix="report-edition-") as name:
                    await self._in_directory(Path(name), key, officer, edited)
        except EditionError as error:
            self._told[key] = str(error)[:MAX_TOLD]
        except PASSING_FAULTS as error:
            self._told[key] = str(error)[:MAX_TOLD]
            log.warning("edition not kept", period=key.period, problem=str(error))

    async def _in_directory(self, out: Path, key: BoardKey, officer: str, edited: bytes | None) -> None:
        word, prose = f"BAO-CAO-{key.period}.docx", f"PHAN-LOI-{key.period}.yaml"
        for name in (word, prose):
            if (kept := await self.content(key, name)) is not None:
                (out / name).write_bytes(kept)
        if edited is not None:
            (out / word).write_bytes(edited)
        problem = await _run(self._scoring_url, key, out)
        files = _files_in(out)
        if problem:
            # The report was refused; what the officer wrote is kept all the same.
            files = {name: content for name, content in files.items() if name == prose}
        await self._keep(key, officer, files, whole=not problem)
        if problem:
            raise EditionError(problem)

    async def _keep(self, key: BoardKey, officer: str, files: Mapping[str, bytes], *, whole: bool) -> None:
        now = self._clock()
        async with self._pool.acquire() as connection, connection.transaction():
            if whole:
                await connection.execute(
                    "DELETE FROM edition_file WHERE period = $1 AND last_day = $2", key.period, _day(key)
                )
            await connection.executemany(
                """INSERT INTO edition_file (period, last_day, name, content, made_at, made_by)
                   VALUES ($1, $2, $3, $4, $5, $6)
                   ON CONFLICT (period, last_day, name) DO UPDATE
                   SET content = excluded.content, made_at = excluded.made_at, made_by = excluded.made_by""",
                [(key.period, _day(key), name, content, now, officer) for name, content in files.items()],
            )


def _day(key: BoardKey) -> str:
    return key.cut_off.isoformat() if key.cut_off else ""


def _files_in(directory: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in sorted(directory.iterdir()) if one.is_file()}


async def _run(scoring_url: str, key: BoardKey, out: Path) -> str:
    """Make the documents in `out`. What went wrong, empty when nothing did."""
    words = ["-m", "services.report.documents", "--scoring-url", scoring_url, "--period", key.period]
    words += ["--out", str(out), "--json", *(["--to", _day(key)] if key.cut_off else [])]
    settings = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, env=settings,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(GIVE_UP_SECONDS):
            _, said = await process.communicate()
    except TimeoutError:
        return f"not finished within {GIVE_UP_SECONDS:.0f} s"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return said.decode(errors="replace").strip()[-MAX_TOLD:] if process.returncode else ""
