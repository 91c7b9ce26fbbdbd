"""The same target as test_fuzz.py, led by coverage: atheris changes the inputs that reach new branches.

atheris has wheels for CPython up to 3.13 on Linux x86-64 only, and the lock names it for those.
"""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from deploy.local.system import REPOSITORY
from tests.security.fuzzing import HONEST

RUNS = 20_000
SECONDS = 60
"""What ends it on a slow machine; the usual one is through in a quarter of that."""

needs_atheris = pytest.mark.skipif(
    find_spec("atheris") is None, reason="atheris has no wheel for this machine"
)


def fuzzed(corpus: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable, "-m", "tests.security.by_coverage", f"-artifact_prefix={corpus.parent}/", "-seed=1",
        *options, str(corpus),
    ]  # fmt: skip
    return subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=4 * SECONDS
    )


@needs_atheris
def test_nothing_that_new_branches_lead_to_breaks_the_decoder_or_the_signature_check(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "honest").write_bytes(HONEST)
    (corpus / "batch").write_bytes(b"[" + HONEST + b"]")
    (corpus / "foreign").write_bytes(HONEST.replace(b"so-y-te", b"so-tu-phap"))
    done = fuzzed(corpus, f"-runs={RUNS}", f"-max_total_time={SECONDS}")
    assert done.returncode == 0, done.stderr[-2000:]
    covered = [int(number) for number in re.findall(r"cov: (\d+)", done.stderr)]
    assert covered[-1] > covered[0], "coverage leads it nowhere"
    assert len(list(corpus.iterdir())) > 10


@needs_atheris
def test_an_input_that_breaks_the_target_ends_it_with_the_input_kept(tmp_path: Path) -> None:
    """So that a run without a break means something: with one planted, it is found."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "honest").write_bytes(HONEST)
    done = fuzzed(corpus, "--planted", "-runs=2000")
    assert done.returncode != 0
    assert "planted" in done.stdout + done.stderr
    assert list(tmp_path.glob("crash-*"))
