#!/usr/bin/env python3
"""Does what people do at a running vigie, and checks that it comes to something: checks and holds an order, approves a proposal and
rejects another, snoozes an alert. python3 work.py http://127.0.0.1:PORT [DECISIONS.json]

The ids of its decisions go to the file, for whoever wants to ask for them. VIGIE_TOKEN in the environment: a token with all scopes.
It needs nothing but Python.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

WAIT_SECONDS = 90
BASE = sys.argv[1].rstrip("/")
TOKEN = os.environ.get("VIGIE_TOKEN", "")


def ask(path, body=None, passing=(), read=json.load, **headers):
    """What is answered, as JSON, None for a status that passes; anything else but a success ends everything."""
    if TOKEN:
        headers["authorization"] = f"Bearer {TOKEN}"
    data = None
    if body is not None:
        headers["content-type"] = "application/json"
        data = json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data, {name.replace("_", "-"): text for name, text in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            return read(answer)
    except urllib.error.HTTPError as error:
        if error.code in passing:
            return None
        sys.exit(f"{path} answered {error.code}: {error.read().decode()[:500]}")


def until(what, look):
    """What a look finds, once it finds something."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.5)
    sys.exit(f"waited {WAIT_SECONDS} s for {what}")


def is_idle():
    """Whether the engine has taken all that was there: until then it has no time for a hold."""
    text = {"read": lambda answer: answer.read().decode()}
    if ask("/ready", passing=(503,), **text) is None:
        return False
    page = ask("/metrics", **text)
    lags = [float(line.split()[-1]) for line in page.splitlines() if line.startswith("vigie_lag_records{")]
    return bool(lags) and sum(lags) < 100


def check_orders():
    until("the engine to take what was there", is_idle)
    buyers = until("ten buyers with a limit", lambda: with_limit(10))
    for amount in ("100.00", "5000000.00"):
        for buyer in buyers[:5]:
            ask("/v1/order-checks", {"buyer_id": buyer, "amount": amount, "currency": "EUR"})
    order = {"buyer_id": buyers[0], "amount": "100.00", "currency": "EUR", "order_id": f"TRIAL-{time.time_ns()}", "hold": True}
    hold = ask("/v1/order-checks", order)["hold"]
    if hold["granted"] is None:
        sys.exit(f"the engine said nothing of a hold in time: {hold}")
    again = ask("/v1/order-checks", order)["hold"]
    if again["granted"] != hold["granted"] or again["written"] is not None:
        sys.exit(f"asked again about a hold, it said {again} after {hold}")


def with_limit(count):
    rows = ask("/v1/buyers?sort=exposure&limit=500")["items"]
    found = [row["buyer_id"] for row in rows if row["limit"] not in (None, "0.00")]
    return found if len(found) >= count else None


def decide():
    """Approves, and rejects, what is open; gives the ids of the decisions."""
    made = []
    for decision, outcome in (("approve", "approved"), ("reject", "rejected")):
        body = {"decision": decision} | ({"reason": "tried out"} if decision == "reject" else {})
        decided = until("a decision that closes its proposal", lambda: settled(body, made))
        if decided["outcome"] != outcome:
            sys.exit(f"to {decision} came to {decided}")
    until("a limit that was approved", lambda: any(
        change["cause"] == "approved" for change in ask("/v1/limit-changes?limit=500")["items"]
    ))
    return made


def settled(body, made):
    """Decides on the open proposal that expires last, and waits for what becomes of it; None where it was closed or changed before."""
    # One that two people must approve is not closed by one.
    open_now = [proposal for proposal in ask("/v1/proposals?sort=-expires_at")["items"] if proposal["approvals_needed"] == 1]
    if not open_now:
        return None
    path = f"/v1/proposals/{open_now[0]['proposal_id']}"
    version, key = f'"{open_now[0]["version"]}"', f"trial-{time.time_ns()}"
    written = ask(f"{path}/decision", body, (409, 412), If_Match=version, Idempotency_Key=key)
    if written is None:
        return None
    made.append(written["decision_id"])
    decided = until("a decision to be taken", lambda: closed(made[-1]))
    return decided if decided["outcome"] in ("approved", "rejected") else None


def closed(decision_id):
    """A decision, once something has come of it."""
    # It may not be there yet.
    decision = ask(f"/v1/decisions/{decision_id}", None, (404,))
    return decision if decision and decision["state"] == "closed" else None


def snooze():
    alert = until("an open alert", lambda: ask("/v1/alerts?limit=1")["items"])[0]
    path = f"/v1/alerts/{alert['alert_id']}"
    decision_id = ask(f"{path}/snooze", {"until": "2100-01-01"})["decision_id"]
    until("a snooze to be taken", lambda: closed(decision_id))
    if ask(path)["snoozed_until"] != "2100-01-01":
        sys.exit(f"{path} was snoozed, and does not say so")
    return [decision_id]


check_orders()
decisions = decide() + snooze()
if len(sys.argv) > 2:
    with open(sys.argv[2], "w") as file:
        json.dump(decisions, file)
print(f"orders checked and held, a proposal approved and one rejected, an alert snoozed: {len(decisions)} decisions")
