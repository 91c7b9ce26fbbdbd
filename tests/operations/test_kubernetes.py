"""The manifests fit the Kubernetes schemas, each other, and the images that they name."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from shared.contracts.topics import DEFAULT_PARTITIONS

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
DOCKERFILE = (ROOT / "deploy" / "docker" / "Dockerfile").read_text(encoding="utf-8")
PORTS = {"content": 8001, "qa": 8002, "dossier": 8003, "scoring": 8004, "report": 8080}

Manifest = dict[str, Any]


def manifests(folder: str) -> Iterator[tuple[str, Manifest]]:
    """Every document of a folder but kustomize's own, with a name for messages."""
    for path in sorted((KUBERNETES / folder).glob("*.yaml")):
        if path.name != "kustomization.yaml":
            for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                yield f"{folder}/{path.name}: {document['kind']} {document['metadata']['name']}", document


BASE = dict(manifests("base"))
ALL = {**BASE, **dict(manifests("province"))}


def of_kind(kind: str) -> dict[str, Manifest]:
    return {doc["metadata"]["name"]: doc for doc in BASE.values() if doc["kind"] == kind}


def pod_templates() -> dict[str, Manifest]:
    return {
        name: doc["spec"]["template"] for kind in ("Deployment", "Job") for name, doc in of_kind(kind).items()
    }


@pytest.mark.parametrize("name", ALL)
def test_it_fits_the_schema(name: str) -> None:
    kubernetes_validate.validate(ALL[name], kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("folder", ["base", "province"])
def test_kustomize_names_every_file(folder: str) -> None:
    text = (KUBERNETES / folder / "kustomization.yaml").read_text(encoding="utf-8")
    settings = yaml.safe_load(text)
    named = {entry for entry in settings["resources"] if entry.endswith(".yaml")}
    named |= {patch["path"] for patch in settings.get("patches", [])}
    files = {path.name for path in (KUBERNETES / folder).glob("*.yaml")} - {"kustomization.yaml"}
    assert named == files


@pytest.mark.parametrize("name", pod_templates())
def test_a_pod_may_do_nothing_but_run(name: str) -> None:
    pod = pod_templates()[name]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert (
        container["resources"]["requests"].keys()
        == container["resources"]["limits"].keys()
        == {"cpu", "memory"}
    )


@pytest.mark.parametrize("name", pod_templates())
def test_a_pod_runs_an_image_that_the_dockerfile_makes(name: str) -> None:
    pod = pod_templates()[name]["spec"]
    target = pod["containers"][0]["image"].removeprefix("scoring-bus/")
    assert re.search(rf"^FROM \S+ AS {target}$", DOCKERFILE, re.M)
    uid = re.search(r"^USER (\d+):(\d+)$", DOCKERFILE, re.M)
    assert uid is not None
    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) == (
        int(uid[1]),
        int(uid[2]),
    )
    kustomization = yaml.safe_load((KUBERNETES / "base" / "kustomization.yaml").read_text(encoding="utf-8"))
    assert f"scoring-bus/{target}" in {image["name"] for image in kustomization["images"]}


@pytest.mark.parametrize(("name", "port"), PORTS.items())
def test_a_service_is_reached_probed_and_protected(name: str, port: int) -> None:
    deployment = of_kind("Deployment")[name]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["ports"] == [{"name": "http", "containerPort": port}]
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["startupProbe"]["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    service = of_kind("Service")[name]["spec"]
    assert service["selector"] == labels
    assert service["ports"] == [{"name": "http", "port": port, "targetPort": "http"}]
    assert of_kind("PodDisruptionBudget")[name]["spec"]["selector"]["matchLabels"] == labels


def test_a_stop_has_more_time_than_a_service_takes() -> None:
    for deployment in of_kind("Deployment").values():
        assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > 30


def test_autoscaling_stays_within_the_partitions() -> None:
    autoscalers = of_kind("HorizontalPodAutoscaler")
    assert autoscalers.keys() == {"content", "qa", "dossier", "scoring"}
    for name, autoscaler in autoscalers.items():
        spec = autoscaler["spec"]
        assert spec["scaleTargetRef"]["name"] == name
        assert 2 <= spec["minReplicas"] <= spec["maxReplicas"] <= DEFAULT_PARTITIONS
        (metric,) = spec["metrics"]
        assert metric["external"]["metric"]["selector"]["matchLabels"] == {"service": name}
        assert "replicas" not in of_kind("Deployment")[name]["spec"]


def test_secrets_are_files_and_no_manifest_holds_one() -> None:
    assert not of_kind("Secret")
    for name, template in pod_templates().items():
        sources = {volume["name"]: volume for volume in template["spec"]["volumes"]}
        assert sources["secrets"]["secret"]["secretName"] == f"scoring-bus-{name}"
        mounts = {mount["name"]: mount for mount in template["spec"]["containers"][0]["volumeMounts"]}
        assert mounts["secrets"] == {"name": "secrets", "mountPath": "/run/secrets", "readOnly": True}


def test_what_is_not_allowed_is_refused() -> None:
    policies = of_kind("NetworkPolicy")
    refused = [policy["spec"] for policy in policies.values() if policy["spec"]["podSelector"] == {}]
    assert {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} in refused
    assert of_kind("Namespace")["scoring-bus"]["metadata"]["labels"][
        "pod-security.kubernetes.io/enforce"
    ] == "restricted"  # fmt: skip
