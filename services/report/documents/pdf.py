"""PDF through LibreOffice, where it is there. Nothing else needs it."""

import shutil
import subprocess
import tempfile
from pathlib import Path

SECONDS = 180
_NAMES = ("soffice", "libreoffice")


class NoPdf(RuntimeError):
    """No PDF was made; the message says why and what to do."""


def find_libreoffice() -> str | None:
    """The LibreOffice program on the path, None where there is none."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def convert(path: Path, to: str, out: Path) -> Path:
    """Convert a document with a LibreOffice profile of its own. Raises NoPdf."""
    program = find_libreoffice()
    if program is None:
        raise NoPdf("LibreOffice is not installed; open the .docx in Word and save it as PDF, or install it")
    with tempfile.TemporaryDirectory(prefix="scorebus-office-") as profile:
        command = [
            program,
            "--headless",
            "--norestore",
            f"-env:UserInstallation=file://{profile}",
            "--convert-to",
            to,
            "--outdir",
            str(out),
            str(path),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise NoPdf(f"LibreOffice did not finish {path.name} within {SECONDS} s; try again") from error
    made = out / f"{path.stem}.{to.split(':')[0]}"
    if done.returncode or not made.exists():
        raise NoPdf(
            f"LibreOffice could not convert {path.name}: {(done.stderr or done.stdout).strip()[:300]}"
        )
    return made
