"""The bill of materials as CycloneDX 1.6 JSON. The same files always give the same document."""

import hashlib
import json
import tomllib
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.supply_chain.locks import LOCKS, ROOT, Part, parts

_NAMESPACE = uuid.UUID("6f1c3e0a-8a53-5c0e-9d0b-4c1f5e6a7b80")


def document(licences: Mapping[str, str], root: Path = ROOT) -> dict[str, Any]:
    """The whole document. `licences` gives the SPDX expression of a package by its name."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    components = [_component(part, licences) for part in parts(root)]
    whole = f"pkg:generic/{project['name']}@{project['version']}"
    body: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": whole,
                "name": project["name"],
                "version": project["version"],
                "description": project["description"],
            },
            "properties": [
                {"name": f"lock:{file}:sha256", "value": _sha256(root / file)} for file, _ in LOCKS
            ],
        },
        "components": components,
        "dependencies": [
            {"ref": whole, "dependsOn": [component["bom-ref"] for component in components]},
            *({"ref": component["bom-ref"]} for component in components),
        ],
    }
    serial = uuid.uuid5(_NAMESPACE, json.dumps(body, sort_keys=True))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        **body,
        "serialNumber": f"urn:uuid:{serial}",
    }


def _component(part: Part, licences: Mapping[str, str]) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": part.kind,
        "bom-ref": part.purl,
        "name": part.name,
        "version": part.version,
        "scope": part.scope,
        "purl": part.purl,
    }
    expression = licences.get(part.name)
    if expression:
        component["licenses"] = [{"expression": expression}]
    return component


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
