"""The tracked files of the repository, as the architecture tests look at them."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_NOT_OURS = {".venv", ".git", ".data", "node_modules", "out"}


@cache
def tracked() -> tuple[Path, ...]:
    """Every tracked file; in an unpacked archive without git, every file that could be tracked."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        found = [path for path in ROOT.rglob("*") if not _NOT_OURS.intersection(path.parts)]
    return tuple(path for path in found if path.is_file())


@cache
def text_of(path: Path) -> str:
    """The text of a file; what is not text reads as nothing."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def python_files(*rooms: str) -> Iterator[Path]:
    """Tracked Python files, of `rooms` (paths from the root) or of all."""
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        if path.suffix == ".py" and (not rooms or any(name.startswith(room) for room in rooms)):
            yield path


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(text_of(path), filename=str(path))


def place(path: Path, line: int | None = None) -> str:
    """How a finding names a file."""
    name = path.relative_to(ROOT).as_posix()
    return name if line is None else f"{name}:{line}"
