"""What the simulated bank tells by itself: signed, or as a fault would have it."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.sandbox.autodebit_wire import Client
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_notices import Notice

OK = 200


def notices_of(
    client: Client, url: str, facts: dict[str, Any], now: datetime, fault: Fault | None
) -> list[Notice]:
    """Write the notification of one event; it is repeated until it is answered 200."""
    forger = replace(client, secret="nobody's")  # noqa: S106 (a forger's)
    wrong = {**facts, "amount": facts.get("amount", 0) + 1_000}

    def signed(said: dict[str, Any], by: Client, *, once: bool = False) -> Notice:
        body = json.dumps(said).encode()
        headers = {"content-type": "application/json", **by.headers(now, body)}
        return Notice("POST", url, lambda status, _: once or status == OK, body, headers)

    true = signed(facts, client)
    if fault is Fault.FORGED:
        return [signed(wrong, forger, once=True), true]
    if fault is Fault.UNSIGNED:
        return [replace(true, headers={"content-type": "application/json"})]
    said = wrong if fault is Fault.WRONG_AMOUNT else facts
    return [signed(said, forger if fault is Fault.BAD_SIGNATURE else client)]
