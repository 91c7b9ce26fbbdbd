"""Make the environment of ./run from a lock file. Needs nothing but Python itself.

    python3 bootstrap.py run|dev VENV

Safe when two start at once: the second waits and finds the work done. What was there is used again, so a
changed lock installs only what changed.
"""

import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock"}


def say(line: str, *, over: bool = False) -> None:
    """Progress: one line that is written over on a terminal, single lines elsewhere."""
    terminal = sys.stderr.isatty()
    if over and not terminal:
        return
    sys.stderr.write(("\r\033[K" if terminal else "") + line + ("" if over else "\n"))
    sys.stderr.flush()


def stamp(kind: str) -> str:
    """The line of the stamp that says the environment satisfies a lock; `run` computes the same."""
    told = subprocess.run(
        ["cksum"], input=(REPOSITORY / LOCKS[kind]).read_bytes(), capture_output=True, check=True
    )
    return f"{kind} {told.stdout.decode().strip()}"


def satisfied(kind: str, venv: Path) -> bool:
    """Whether the environment was made from the present lock."""
    marker = venv / ".locked"
    return marker.exists() and stamp(kind) in marker.read_text().splitlines() and works(venv)


def works(venv: Path) -> bool:
    """Whether the environment's Python runs: the Python it was made from may be gone or too old."""
    try:
        done = subprocess.run(
            [venv / "bin" / "python", "-c", "import sys; sys.exit(sys.version_info < (3, 11))"],
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


def make(venv: Path) -> list[str]:
    """Make the environment unless it works. Answers how to call pip for it."""
    has_pip = _can_import("pip")
    if not works(venv):
        if not _can_import("ensurepip") and not has_pip:
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            raise SystemExit(
                f"error: this Python ({sys.executable}, {version}) comes without the parts that make "
                f"environments. Install them (Debian, Ubuntu: apt-get install python{version}-venv; "
                "Fedora: dnf install python3-pip), then start ./run again."
            )
        options = [] if _can_import("ensurepip") else ["--without-pip"]
        command = [sys.executable, "-m", "venv", "--clear", *options, str(venv)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"error: the environment {venv} cannot be made:\n{done.stdout}{done.stderr}")
    inside = str(venv / "bin" / "python")
    if subprocess.run([inside, "-c", "import pip"], capture_output=True, check=False).returncode == 0:
        return [inside, "-m", "pip"]
    if has_pip:
        return [sys.executable, "-m", "pip", "--python", inside]
    subprocess.run([inside, "-m", "ensurepip"], capture_output=True, check=True)
    return [inside, "-m", "pip"]


def _can_import(module: str) -> bool:
    command = [sys.executable, "-c", f"import {module}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def install(pip: list[str], lock: Path) -> None:
    """Install what the lock names, telling how far it is."""
    total = len(re.findall(r"(?m)^[A-Za-z0-9].*==", lock.read_text()))
    command = [
        *pip,
        *("install", "--require-hashes", "--no-deps", "--requirement", str(lock)),
        *("--disable-pip-version-check", "--no-input", "--progress-bar", "off"),
    ]
    say(f"Preparing the Python environment: {total} packages (once, about a minute) …")
    child = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": "", "PIP_ROOT_USER_ACTION": "ignore"},
    )
    assert child.stdout is not None
    told = list(_follow(child.stdout, total))
    if child.wait() != 0:
        wrong = [line for line in told if "error" in line.lower()] or told[-8:]
        raise SystemExit("\n".join(["error: the packages could not be installed:", *wrong[:8]]))


def _follow(lines: Iterable[str], total: int) -> Iterator[str]:
    seen = 0
    for line in lines:
        yield line.rstrip()
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            seen += 1
            say(f"  {seen}/{total} {line.split()[1] if line[0] == 'C' else ''}", over=True)
        elif line.startswith("Installing collected"):
            say("  installing …", over=True)


def main() -> None:
    kind, venv = sys.argv[1], Path(sys.argv[2]).absolute()
    venv.parent.mkdir(parents=True, exist_ok=True)
    with venv.with_name(venv.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another ./run is preparing the Python environment; waiting for it …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if satisfied(kind, venv):
            return
        pip = make(venv)
        (venv / ".locked").unlink(missing_ok=True)
        install(pip, REPOSITORY / LOCKS[kind])
        # Everything that users need is among what developers need.
        kinds = ("run", "dev") if kind == "dev" else ("run",)
        (venv / ".locked").write_text("".join(stamp(each) + "\n" for each in kinds))
        say("The Python environment is ready.")


if __name__ == "__main__":
    main()
