#!/usr/bin/env python3
"""Asks a guarded vigie with each kind of credential, and checks who gets what: python3 scopes.py http://127.0.0.1:PORT FOLDER

VIGIE_TOKEN in the environment is a token with all scopes, VIGIE_READ_TOKEN one with the scope read alone. Every answer is kept in
the folder, for whoever looks for a token in it. It needs nothing but Python.
"""

import json
import os
import pathlib
import sys
import urllib.error
import urllib.request

BASE, FOLDER = sys.argv[1].rstrip("/"), pathlib.Path(sys.argv[2])
ALL, READ = os.environ["VIGIE_TOKEN"], os.environ["VIGIE_READ_TOKEN"]
# A stream never ends: its head is enough.
STREAM = "/v1/events"
PAGES = ["/", "/ready", "/metrics", "/openapi.json", "/docs", "/assets/main.js"]
wrong, count = [], 0


def ask(path, token=None, body=None, headers=()):
    """Status and body, which is kept."""
    global count
    headers = dict(headers)
    if token:
        headers["authorization"] = f"Bearer {token}"
    data = None
    if body is not None:
        headers["content-type"] = "application/json"
        data = json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            status, head, text = answer.status, answer.headers, b"" if path == STREAM else answer.read()
    except urllib.error.HTTPError as error:
        status, head, text = error.code, error.headers, error.read()
    count += 1
    (FOLDER / f"{count:04}.answer").write_bytes(f"{head}\n".encode() + text)
    return status, text


def expect(status, path, who, *arguments, **named):
    found, text = ask(path, *arguments, **named)
    if found != status:
        wrong.append(f"{path} with {who} answered {found} and not {status}: {text[:200]}")
    return text


def ids():
    """An id of each kind, by the name of its parameter."""
    lists = {"buyers": "limit=1", "alerts": "limit=1&state=all", "proposals": "limit=1&state=all"}
    items = {kind: json.loads(ask(f"/v1/{kind}?{query}", ALL)[1])["items"] for kind, query in lists.items()}
    names = {"buyers": "buyer_id", "alerts": "alert_id", "proposals": "proposal_id"}
    return {names[kind]: found[0][names[kind]] for kind, found in items.items()}


FOLDER.mkdir(parents=True, exist_ok=True)
known = ids()
described = json.loads(expect(200, "/openapi.json", "all scopes", ALL))
# There is no list of decisions.
paths = [path.format(**known) for path, item in described["paths"].items() if "get" in item and "{decision_id}" not in path]
for path in paths + PAGES:
    expect(200, path, "read", READ)
    refused = expect(401, path, "no credential")
    if expect(401, path, "a wrong token", "wrong" + READ) != refused:
        wrong.append(f"{path}: a wrong token is answered otherwise than none")
expect(401, "/v1/buyers/NOBODY", "no credential")
expect(401, "/no/such/path", "no credential")
expect(200, "/live", "no credential")

check = {"buyer_id": known["buyer_id"], "amount": "100.00", "currency": "EUR"}
deciding = [
    ("/v1/order-checks", check | {"order_id": "O-1", "hold": True}),
    (f"/v1/alerts/{known['alert_id']}/snooze", {"until": "2100-01-01"}),
    (f"/v1/proposals/{known['proposal_id']}/decision", {"decision": "approve"}),
]
for path, body in deciding:
    version = {"If-Match": '"1"'}
    expect(403, path, "read", READ, body, version)
    expect(401, path, "no credential", None, body, version)
    # Nobody learns from a refusal whether there is such a thing.
    for kind, name in known.items():
        if name in path:
            expect(403, path.replace(name, "NOBODY"), f"read, of another {kind}", READ, body, version)
    expect(403, path, "all scopes, from another site", ALL, body, version | {"Sec-Fetch-Site": "cross-site"})
expect(200, "/v1/order-checks", "read", READ, check)
# A token in the wrong place is answered, and not repeated.
expect(400, f"/v1/buyers?sort={ALL[:8]}", "all scopes", ALL)
expect(401, "/v1/me", "a wrong Basic", headers={"authorization": "Basic " + READ})

for line in wrong:
    print(line, file=sys.stderr)
print(f"{count} questions with each kind of credential, {len(wrong)} answered wrongly")
sys.exit(1 if wrong else 0)
