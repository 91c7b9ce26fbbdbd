"""What must not stand in any tracked file, and how large files and functions may be."""

import ast
import os
import re
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.architecture.sources import ROOT, place, python_files, text_of, tracked, tree_of

LOCKS = ("requirements.lock", "requirements-dev.lock", "deploy/docker/requirements.lock")
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60

# Written in pieces, so that this file is not found by itself.
_INDEX_OPTION = re.compile(
    "--(?:extra-)?" + r"index-url\s*[= ]\s*\S*//|--find-" + r"links\s*[= ]|\[\[tool\.uv\.index"
)
_MACHINE_PATH = re.compile(r"(?<![\w.$}~])/(?:root|home/\w+|Users/\w+|work)/\w")
_UNFINISHED = re.compile("|".join(("TO" + "DO", "FIX" + "ME", r"\bXX" + r"X\b", "HA" + "CK:")))
# A container's own user has a home in its image.
_INSIDE_IMAGES = ("deploy/docker/", "docker-compose", "deploy/kubernetes/")


def _findings(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    return [
        f"{place(path, number)} {line.strip()[:100]}"
        for path in files
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_says_where_packages_come_from() -> None:
    assert not _findings(_INDEX_OPTION, [path for path in tracked() if path.suffix not in (".py", ".md")])


def test_no_file_names_a_host_that_this_machine_takes_packages_from() -> None:
    """The hosts are read from the clients' own settings, so that none is written here."""
    hosts = _package_hosts()
    found = [f"{place(path)} names {host}" for path in tracked() for host in hosts if host in text_of(path)]
    assert not found


def _package_hosts() -> set[str]:
    told = "\n".join(
        value for name, value in os.environ.items() if re.search("INDEX_URL|REGISTRY|GOPROXY", name, re.I)
    )
    for file in (
        "~/.pip/pip.conf",
        "~/.config/pip/pip.conf",
        "/etc/pip.conf",
        "~/.npmrc",
        "~/.m2/settings.xml",
    ):
        path = Path(file).expanduser()
        if os.access(path, os.R_OK) and path.is_file():
            told += path.read_text(encoding="utf-8", errors="replace")
    hosts = {urlsplit(address).hostname for address in re.findall(r"https?://[^\s'\"<>,]+", told)}
    public = {"maven.apache.org", "www.w3.org", "localhost", "127.0.0.1"}
    return {host for host in hosts if host and "." in host} - public


def test_no_file_carries_a_path_of_one_machine() -> None:
    files = [path for path in tracked() if not place(path).startswith(_INSIDE_IMAGES)]
    assert not _findings(_MACHINE_PATH, [path for path in files if path != Path(__file__)])


def test_nothing_is_left_unfinished() -> None:
    assert not _findings(_UNFINISHED, list(python_files()))


def test_files_and_functions_fit_the_eye() -> None:
    long_files = [
        f"{place(path)}: {lines} lines"
        for path in python_files()
        if (lines := len(text_of(path).splitlines())) > MAX_FILE_LINES
    ]
    long_functions = [
        f"{place(path, node.lineno)} {node.name}: {node.end_lineno - node.lineno + 1} lines"
        for path in python_files()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= MAX_FUNCTION_LINES
    ]
    assert not long_files + long_functions


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_a_hash(name: str) -> None:
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", (ROOT / name).read_text(encoding="utf-8"))
    packages = [entry for entry in entries if re.match(r"[\w.\-\[\]]+==", entry)]
    assert len(packages) > 30
    assert not [entry.split()[0] for entry in packages if "--hash=sha256:" not in entry]
    assert "://" not in "".join(entries)


def test_the_locks_agree_with_each_other_and_with_the_project() -> None:
    users, developers, services = (_versions(name) for name in LOCKS)
    for fewer, more in ((services, users), (users, developers)):
        assert all(versions <= more.get(name, set()) for name, versions in fewer.items())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    for wanted, locked in (
        (project["dependencies"], services),
        (extras["local"] + extras["report"], users),
        (extras["dev"], developers),
    ):
        missing = {_name(requirement) for requirement in wanted} - locked.keys()
        assert not missing, "make the locks again (see their first lines)"


def _versions(lock: str) -> dict[str, set[str]]:
    """The versions of each package: one, or several for different machines."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(
        r"(?m)^([\w.\-]+)(?:\[[^]]*\])?==([^\s;]+)", (ROOT / lock).read_text("utf-8")
    ):
        found.setdefault(_name(name), set()).add(version)
    return found


def _name(requirement: str) -> str:
    return (
        re.split(r"[^A-Za-z0-9_.\-]", requirement, maxsplit=1)[0].lower().replace("_", "-").replace(".", "-")
    )


def test_run_is_plain_sh_and_executable() -> None:
    run = ROOT / "run"
    assert run.stat().st_mode & 0o111
    assert run.read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    assert subprocess.run(["sh", "-n", str(run)], check=False).returncode == 0
