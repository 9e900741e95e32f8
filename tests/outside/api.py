"""Has schemathesis try everything that /openapi.json of a running vigie describes: python api.py http://127.0.0.1:PORT [FILE]

No answer may be a 5xx, of a status, type, header or shape that is not described. What is tried is the same in each run, and ids are
half of the time those that are there, so that more than 404 is seen; those of decisions, which are not listed, come from the
file, a list in JSON. VIGIE_TOKEN in the environment: a token with all scopes.
Run by tests/outside/run api.
"""

import json
import os
import pathlib
import subprocess
import sys
import urllib.request

OUT = pathlib.Path("target/outside").absolute()
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
]
EXAMPLES_MAX = 100
# It never ends: what it says are the events that the other paths show.
STREAM = "/v1/events"
# Where ids of a kind are listed, and the fields of an item that parameters of a name take.
LISTS = [
    ("/v1/buyers?limit=20", {"buyer_id": "buyer_id"}),
    ("/v1/alerts?limit=20&state=all", {"alert_id": "alert_id"}),
    ("/v1/proposals?limit=20&state=all", {"proposal_id": "proposal_id"}),
]


def ask(url, token):
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def dictionaries(base, token, decisions):
    """The ids that are there, as lines of schemathesis' own configuration."""
    lines, parameters = [], []
    lists = [(parameter, ask(base + path, token)["items"], field) for path, fields in LISTS for parameter, field in fields.items()]
    lists.append(("decision_id", [{"decision_id": name} for name in decisions], "decision_id"))
    for parameter, items, field in lists:
        values = [item[field] for item in items]
        if values:
            lines += [f"[dictionaries.{parameter}]", f"values = {json.dumps(values)}", ""]
            for place in ("path", "query", "body"):
                parameters.append(f'"{place}.{parameter}" = {{ dictionary = "{parameter}", probability = 0.5 }}')
    versions = json.dumps([f'"{version}"' for version in range(1, 4)])
    lines += ["[dictionaries.version]", f"values = {versions}", ""]
    parameters.append('"header.If-Match" = { dictionary = "version", probability = 0.5 }')
    return "\n".join([*lines, "[parameters]", *parameters, ""])


def main(base, file=None):
    base = base.rstrip("/")
    token = os.environ.get("VIGIE_TOKEN", "")
    OUT.mkdir(parents=True, exist_ok=True)
    config = OUT / "schemathesis.toml"
    decisions = json.loads(pathlib.Path(file).read_text()) if file else []
    config.write_text(dictionaries(base, token, decisions))
    command = [str(OUT / "venv/bin/schemathesis"), "--config-file", str(config), "--no-color", "run", f"{base}/openapi.json"]
    command += ["--checks", ",".join(CHECKS), "--generation-deterministic"]
    command += ["--max-examples", str(EXAMPLES_MAX), "--phases", "examples,coverage,fuzzing", "--workers", "1"]
    command += ["--continue-on-failure", "--request-timeout", "10"]
    command += ["--exclude-path", STREAM, "--suppress-health-check", "all"]
    if token:
        command += ["--header", f"Authorization: Bearer {token}"]
    # It keeps notes in the folder in which it runs.
    sys.exit(subprocess.run(command, cwd=OUT).returncode)


main(*sys.argv[1:])
