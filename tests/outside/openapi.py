"""Asks a validator that is not ours what it thinks of /openapi.json of a running vigie: python openapi.py http://127.0.0.1:PORT

VIGIE_TOKEN in the environment: a token with the scope read. Run by tests/outside/run openapi.
"""

import copy
import json
import os
import sys
import urllib.request

from openapi_spec_validator import OpenAPIV31SpecValidator


def main(base):
    token = os.environ.get("VIGIE_TOKEN", "")
    headers = {"authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(base.rstrip("/") + "/openapi.json", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        document = json.load(answer)
    errors = [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in found(document)]
    # Documents that must not pass, else nobody looks.
    for what, spoiled in wrong_ones(document):
        if not list(found(spoiled)):
            errors.append(f"a document with {what} passed: nothing is checked")
    for error in errors:
        print(error, file=sys.stderr)
    operations = sum(len(item) for item in document["paths"].values())
    print(f"openapi.json: OpenAPI {document['openapi']}, {operations} operations, {len(errors)} errors")
    sys.exit(1 if errors or not document["openapi"].startswith("3.1") else 0)


def found(document):
    return OpenAPIV31SpecValidator(document).iter_errors()


def wrong_ones(document):
    path = "/v1/buyers/{buyer_id}"
    other = copy.deepcopy(document)
    del other["paths"][path]["get"]["responses"]["200"]["description"]
    yield "an answer without description", other
    other = copy.deepcopy(document)
    other["paths"][path]["get"]["operationId"] = "list_buyers"
    yield "two operations of one id", other
    other = copy.deepcopy(document)
    other["paths"][path]["get"]["parameters"] = []
    yield "a parameter that is not described", other


main(sys.argv[1])
