"""Checks compose.yml and the Kubernetes manifests by their published schemas, and by what the files say of each other.

Run by tests/docker/run, which installs what this needs. It runs nothing: that takes Docker and a cluster.
"""

import json
import pathlib
import re
import sys
import tomllib

import compose_spec
import kubernetes_validate
import yaml

DOCKER = pathlib.Path("docker")
K8S = DOCKER / "k8s"
KUBERNETES = "1.37"


def compose(errors):
    text = (DOCKER / "compose.yml").read_text()
    # Anchors and merges are YAML's, and gone once it is read.
    parsed = yaml.safe_load(text)
    try:
        compose_spec.PyCompose.from_yaml(yaml.safe_dump(parsed))
    except Exception as error:  # The package has no class of its own for it.
        errors.append(f"compose.yml is no compose file: {error}")
    services = parsed["services"]
    for name, service in services.items():
        for port in service.get("ports", []):
            if not str(port).startswith("127.0.0.1:"):
                errors.append(f"compose.yml: {name} publishes {port} beyond loopback")
        for other in service.get("depends_on", {}):
            if other not in services:
                errors.append(f"compose.yml: {name} depends on {other}, which is not there")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                if not (DOCKER / source).exists():
                    errors.append(f"compose.yml: {name} mounts {source}, which is not there")
            elif source not in parsed["volumes"]:
                errors.append(f"compose.yml: {name} mounts {source}, which is no volume")
    packages = json.loads(pathlib.Path("tests/grafana/package.json").read_text())["dependencies"]
    image = services["grafana"]["image"]
    if image != f"grafana/grafana:{packages['@grafana/schema']}":
        errors.append(f"compose.yml: {image} is of another version than the types that dashboards are checked by")


def scraped(errors):
    """Prometheus and Grafana look for the services under the names that compose gives them."""
    services = yaml.safe_load((DOCKER / "compose.yml").read_text())["services"]
    config = yaml.safe_load((DOCKER / "prometheus.yml").read_text())
    targets = [t for job in config["scrape_configs"] for static in job["static_configs"] for t in static["targets"]]
    source = yaml.safe_load(pathlib.Path("grafana/provisioning/datasources/prometheus.yml").read_text())
    targets += [entry["url"].removeprefix("http://") for entry in source["datasources"]]
    for target in targets:
        if target.split(":")[0] not in services:
            errors.append(f"{target} is no service of compose.yml")
    provider = yaml.safe_load(pathlib.Path("grafana/provisioning/dashboards/vigie.yml").read_text())["providers"][0]
    mounted = [volume.split(":")[1] for volume in services["grafana"]["volumes"]]
    if provider["options"]["path"] not in mounted:
        errors.append("the folder of dashboards that Grafana is told of is not mounted in compose.yml")


def manifests(errors):
    kustomization = yaml.safe_load((K8S / "kustomization.yaml").read_text())
    named = set(kustomization["resources"]) | {"kustomization.yaml"}
    named |= {file for entry in kustomization["configMapGenerator"] for file in entry["files"]}
    there = {path.name for path in K8S.iterdir()}
    errors.extend(f"docker/k8s/{name} is on one side alone of folder and kustomization" for name in named ^ there)
    documents = [
        (file, document)
        for file in kustomization["resources"]
        for document in yaml.safe_load_all((K8S / file).read_text())
    ]
    for file, document in documents:
        where = f"docker/k8s/{file}: {document.get('kind')} {document.get('metadata', {}).get('name')}"
        try:
            kubernetes_validate.validate(document, KUBERNETES, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            errors.append(f"{where}: {str(error).splitlines()[0]}")
        pod = document.get("spec", {}).get("template", {}).get("spec") if document.get("kind") != "Namespace" else None
        if pod:
            errors.extend(f"{where}: {line}" for line in unsafe(pod))
    selectors(documents, errors)


def unsafe(pod):
    """What a restricted namespace would refuse, and what we want besides."""
    if not pod["securityContext"].get("runAsNonRoot"):
        yield "may run as root"
    for container in pod["containers"]:
        security = container["securityContext"]
        if not security.get("readOnlyRootFilesystem") or security.get("allowPrivilegeEscalation", True):
            yield f"{container['name']} may write its root, or gain rights"
        if security.get("capabilities", {}).get("drop") != ["ALL"]:
            yield f"{container['name']} keeps capabilities"
        for probe in ("livenessProbe", "readinessProbe", "resources"):
            if probe not in container:
                yield f"{container['name']} has no {probe}"


def selectors(documents, errors):
    """Whoever selects pods selects some."""
    pods = [d["spec"]["template"]["metadata"]["labels"] for _, d in documents if "template" in d.get("spec", {})]
    for file, document in documents:
        spec = document.get("spec", {})
        selector = spec.get("podSelector", spec.get("selector"))
        if selector is None:
            continue
        wanted = selector.get("matchLabels", selector)
        if not any(wanted.items() <= labels.items() for labels in pods):
            errors.append(f"docker/k8s/{file}: {document['kind']} {document['metadata']['name']} selects no pod")


def settings(errors):
    """The settings of the ConfigMap are settings."""
    known = tomllib.loads(pathlib.Path("src/cli/config/vigie.toml").read_text())
    for name in tomllib.loads((K8S / "vigie.toml").read_text()):
        if name not in known:
            errors.append(f"docker/k8s/vigie.toml: there is no setting {name}")


def image(errors):
    """The image is built by the Rust that Cargo.toml asks for, and from files that it is given."""
    dockerfile = (DOCKER / "Dockerfile").read_text()
    rust = tomllib.loads(pathlib.Path("Cargo.toml").read_text())["package"]["rust-version"]
    if f"FROM rust:{rust}-" not in dockerfile:
        errors.append(f"Dockerfile: it does not build with Rust {rust}")
    given = [line[1:] for line in pathlib.Path(".dockerignore").read_text().splitlines() if line.startswith("!")]
    errors.extend(f".dockerignore: {path} is not there" for path in given if not pathlib.Path(path).exists())
    needed = set(re.findall(r'^path = "([^"]+)"', pathlib.Path("Cargo.toml").read_text(), re.M))
    for path in needed:
        if not any(pathlib.Path(path).is_relative_to(folder) for folder in given):
            errors.append(f".dockerignore: Cargo.toml names {path}, which the image is not given")


def main():
    errors = []
    for check in (compose, scraped, manifests, settings, image):
        check(errors)
    for error in errors:
        print(error, file=sys.stderr)
    print(f"compose.yml, Dockerfile and manifests: {len(errors)} errors")
    sys.exit(1 if errors else 0)


main()
