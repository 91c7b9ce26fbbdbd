"""The locks, the images and the Maven file as one list of parts. Pure but for reading the files."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent.parent

Kind = Literal["library", "container"]
Scope = Literal["required", "optional", "excluded"]
"""required: in an image that runs; optional: what ./run uses on one machine; excluded: for developers."""

LOCKS: tuple[tuple[str, Scope], ...] = (
    ("deploy/docker/requirements.lock", "required"),
    ("deploy/docker/requirements-report.lock", "required"),
    ("requirements.lock", "optional"),
    ("requirements-dev.lock", "excluded"),
)
_PINNED = re.compile(r"(?m)^([A-Za-z0-9][\w.\-]*)(?:\[[^]]*\])?==([^\s;\\]+)")
_IMAGE = re.compile(r"(?m)^(?:\s+image:|FROM)\s+([\w./-]+):([\w.-]+)")
_POM = "{http://maven.apache.org/POM/4.0.0}"


@dataclass(frozen=True, slots=True)
class Part:
    """Something that we take from others."""

    kind: Kind
    name: str
    version: str
    purl: str
    scope: Scope


def normal(name: str) -> str:
    """A Python package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(text: str) -> Iterator[tuple[str, str]]:
    """(name, version) of every package of a lock."""
    for name, version in _PINNED.findall(text):
        yield normal(name), version


def parts(root: Path = ROOT) -> list[Part]:
    """Everything, each once with the strongest scope, by kind and name."""
    found: dict[str, Part] = {}
    for file, scope in LOCKS:
        for name, version in pinned((root / file).read_text(encoding="utf-8")):
            purl = f"pkg:pypi/{name}@{version}"
            found.setdefault(purl, Part("library", name, version, purl, scope))
    for part in [*_images(root), *_jars(root / "deploy" / "pom.xml")]:
        found.setdefault(part.purl, part)
    return sorted(found.values(), key=lambda part: (part.kind, part.purl))


def _images(root: Path) -> Iterator[Part]:
    for file in ("docker-compose.yml", "deploy/docker/Dockerfile"):
        for name, version in _IMAGE.findall((root / file).read_text(encoding="utf-8")):
            if not name.startswith("scoring-bus/"):
                path = name if "/" in name else f"library/{name}"
                yield Part("container", name, version, f"pkg:docker/{path}@{version}", "required")


def _jars(pom: Path) -> Iterator[Part]:
    tree = ElementTree.fromstring(pom.read_text(encoding="utf-8"))
    settings = {
        element.tag.removeprefix(_POM): element.text or "" for element in tree.iterfind(f"{_POM}properties/*")
    }
    for dependency in tree.iterfind(f"{_POM}dependencies/{_POM}dependency"):
        group, artifact, version = (
            dependency.findtext(f"{_POM}{name}", "") for name in ("groupId", "artifactId", "version")
        )
        for name, value in settings.items():
            version = version.replace(f"${{{name}}}", value)
        purl = f"pkg:maven/{group}/{artifact}@{version}"
        yield Part("library", f"{group}:{artifact}", version, purl, "optional")
