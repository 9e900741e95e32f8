"""Checks compose.yml and the Kubernetes manifests by their published schemas, and by what the files say of each other.

Run by tests/docker/run, which installs what this needs. It runs nothing: that takes Docker and a cluster.
"""

import json
import os
import pathlib
import re
import subprocess
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


def commands(errors):
    """What containers are told to do is something that the program does: it says so where it is asked for help on that."""
    vigie = os.environ.get("VIGIE", "target/release/vigie")
    if not os.access(vigie, os.X_OK):
        print(f"*** NOT CHECKED: the commands of the containers. {vigie} is not there: make build, or VIGIE=path")
        return
    told = []
    for name, service in yaml.safe_load((DOCKER / "compose.yml").read_text())["services"].items():
        if service["image"].startswith("vigie"):
            # ${NAME:-default} is for compose to fill.
            words = [re.sub(r"\$\{\w+:-(.*?)\}", r"\1", str(word)) for word in service["command"]]
            told.append((f"compose.yml: {name}", words))
    for path in sorted(K8S.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            for container in document.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
                told.append((f"{path}: {container['name']}", [str(word) for word in container["args"]]))
    if len(told) < 6:
        errors.append(f"only {len(told)} containers were found")
    for where, words in told:
        asked = subprocess.run([vigie, *words, "--help"], capture_output=True, text=True, timeout=20)
        if asked.returncode != 0:
            errors.append(f"{where}: vigie {' '.join(words)}: {asked.stderr.strip().splitlines()[0]}")


def versions(errors):
    """The broker of compose.yml is the one of the tests."""
    pom = re.search(r"<kafka.version>(.*)</kafka.version>", (DOCKER / "kafka-local/pom.xml").read_text())[1]
    broker = yaml.safe_load((DOCKER / "compose.yml").read_text())["services"]["kafka"]["image"]
    if broker != f"apache/kafka:{pom}":
        errors.append(f"compose.yml: {broker} is another version than {pom} of kafka-local/pom.xml")
    port = tomllib.loads(pathlib.Path("src/cli/config/vigie.toml").read_text())["serve"]["listen"].split(":")[1]
    for path in (DOCKER / "Dockerfile", DOCKER / "compose.yml", DOCKER / "prometheus.yml", K8S / "serve.yaml", K8S / "network.yaml"):
        if port not in path.read_text():
            errors.append(f"{path}: the read side is not at its usual port, {port}")


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
    for check in (compose, scraped, manifests, settings, commands, versions, image):
        check(errors)
    for error in errors:
        print(error, file=sys.stderr)
    print(f"compose.yml, Dockerfile and manifests: {len(errors)} errors")
    sys.exit(1 if errors else 0)


main()
