"""What every route of the document is asked, and which scope it wants; see test_tenant_walls.py."""

from typing import Any

import httpx

from gateway.domain.partner import Scope
from tests.world import BILLER, CUSTOMER

KEY = "a-key-of-the-bank-alone"
OPENED = httpx.Response(200, json={"outcome": "opened"})
REPORTS = ("adoption", "agencies", "cash", "export", "forecast", "pilot")
ACTS = ("suspend", "resume", "cancel")
NOT_HERE = {
    *("provider_not_offered", "mandate_not_changeable", "request_invalid"),
    *("pilot_unknown", "nothing_to_export"),
}
CHOICE: dict[str, Any] = {
    "provider": "scripted",
    "channel": "qr",
    "return_url": "https://portal.test/thanks",
    "payer_ip": "113.160.92.202",
}
SCOPES = {
    ("GET", "/v1/billers"): Scope.LOOKUP,
    ("GET", "/v1/billers/{biller}"): Scope.LOOKUP,
    ("GET", "/v1/bills"): Scope.LOOKUP,
    ("POST", "/v1/payments"): Scope.PAY,
    ("POST", "/v1/payments/{payment_id}/reversal"): Scope.REVERSE,
    ("GET", "/v1/payments"): Scope.READ,
    ("GET", "/v1/payments/{payment_id}"): Scope.READ,
    ("GET", "/v1/payments/{payment_id}/timeline"): Scope.READ,
    ("POST", "/v1/payments/{payment_id}/attempts"): Scope.PAY,
    ("POST", "/v1/payments/{payment_id}/cancel"): Scope.PAY,
    ("GET", "/v1/providers"): Scope.LOOKUP,
    ("GET", "/v1/payments/by-key/{idempotency_key}"): Scope.READ,
    ("GET", "/v1/payments/by-reference/{partner_reference}"): Scope.READ,
    ("PUT", "/v1/billers/{biller}/bills"): Scope.BILLS,
    ("GET", "/v1/billers/{biller}/bills"): Scope.BILLS,
    ("GET", "/v1/billers/{biller}/bills/{bill_id}"): Scope.BILLS,
    ("POST", "/v1/billers/{biller}/bills/{bill_id}/cancel"): Scope.BILLS,
    ("PUT", "/v1/billers/{biller}/customers"): Scope.BILLS,
    ("POST", "/v1/mandates"): Scope.PAY,
    ("GET", "/v1/mandates"): Scope.READ,
    ("GET", "/v1/mandates/{mandate_id}"): Scope.READ,
    ("POST", "/v1/mandates/{mandate_id}/confirm"): Scope.PAY,
    ("POST", "/v1/mandates/{mandate_id}/suspend"): Scope.PAY,
    ("POST", "/v1/mandates/{mandate_id}/resume"): Scope.PAY,
    ("POST", "/v1/mandates/{mandate_id}/cancel"): Scope.PAY,
    ("GET", "/v1/debit-runs"): Scope.READ,
    ("GET", "/v1/debit-runs/{run_id}"): Scope.READ,
    ("POST", "/v1/checkouts"): Scope.PAY,
    **dict.fromkeys([("GET", f"/v1/reports/{name}") for name in REPORTS], Scope.REPORTS),
    ("POST", "/v1/hand-over-lists"): Scope.CASH,
    ("GET", "/v1/hand-over-lists"): Scope.CASH,
    ("GET", "/v1/hand-over-lists/{list_id}"): Scope.CASH,
    ("POST", "/v1/hand-over-lists/{list_id}/receipts"): Scope.CASH,
    ("POST", "/v1/hand-over-lists/{list_id}/close"): Scope.CASH,
    ("POST", "/v1/cash-deposits"): Scope.CASH,
    ("GET", "/v1/cash-phase-out/areas"): Scope.READ,
    ("PUT", "/v1/cash-phase-out/areas/{area}"): Scope.BILLS,
    ("POST", "/v1/cash-phase-out/areas/{area}/pause"): Scope.BILLS,
    ("POST", "/v1/cash-phase-out/areas/{area}/resume"): Scope.BILLS,
    ("POST", "/v1/cash-phase-out/complaints"): Scope.BILLS,
    ("POST", "/v1/cash-phase-out/assists"): Scope.CASH,
    ("GET", "/v1/cash-phase-out/assists"): Scope.READ,
    ("POST", "/v1/cash-phase-out/opt-outs"): Scope.OUTREACH,
    ("GET", "/v1/cash-phase-out/cash-payers"): Scope.OUTREACH,
    ("GET", "/v1/suspense"): Scope.BILLS,
    ("GET", "/v1/refund-instructions"): Scope.BILLS,
}
MANDATE: dict[str, Any] = {
    "biller": BILLER,
    "customer_code": CUSTOMER,
    "provider": "scripted",
    "bank": "970405",
    "account": {"number": "1900100000001", "name": "Nguyễn Văn Án"},
    "max_debit_dong": 2_000_000,
    "starts_on": "2026-01-01",
    "consent": {},
}
OF_THE_BILLER = {("GET", "/v1/debit-runs/{run_id}")}
"""What the biller's own system alone may see, by whatever scope."""
SENT = (None, "", "Bearer", "Bearer ", "Bearer sk_test_wrong", "Basic YTpi", "sk_test_wrong")
RUN = """
INSERT INTO debit_runs (id, biller_id, provider, day, prepared_at)
SELECT $1, id, 'scripted', '2026-11-30', now()
FROM billers WHERE code = $2
"""
OF_A_COLLECTOR = ("/v1/hand-over-lists", "/v1/cash-")
"""Routes about what neither the bank nor a bill names; their own tests say who is let in."""
MISSING = {
    "mandate_id": "mdt_" + "0" * 32,
    "run_id": "run_" + "0" * 32,
    "payment_id": "pay_" + "0" * 32,
    "idempotency_key": "a-key-of-nobody-at-all",
    "partner_reference": "REF-NONE",
    "bill_id": "HD-NONE",
    "biller": "evnspc-baclieu",
}


def bodies_of(names: dict[str, str]) -> dict[str, Any]:
    """Give a well-formed body for each path that takes one."""
    bill = {
        "id": "HD-NEW",
        "customer_code": CUSTOMER,
        "period": "2026-10",
        "net_dong": 1,
        "vat_dong": 0,
        "amount_dong": 1,
        "issued_on": "2026-11-02",
        "due_on": "2026-11-09",
    }
    person = {"code": CUSTOMER, "name": "Tên", "address": "Phường 5", "area_code": "32008"}
    return {
        "/v1/payments": {
            "method": "collected",
            "biller": BILLER,
            "customer_code": CUSTOMER,
            "partner_reference": "REF-OF-WALLS",
            "channel": "qr",
            "bills": [{"id": names["bill_id"], "amount_dong": 150_000}],
        },
        "/v1/payments/{payment_id}/reversal": {"reason": "thử"},
        "/v1/payments/{payment_id}/attempts": CHOICE,
        "/v1/checkouts": {
            "biller": BILLER,
            "customer_code": CUSTOMER,
            "partner_reference": "REF-OF-CHECKOUT",
            "bills": [{"id": names["bill_id"], "amount_dong": 150_000}],
            "return_url": "https://portal.test/thanks",
        },
        "/v1/mandates": MANDATE,
        "/v1/mandates/{mandate_id}/confirm": {"otp": "123456"},
        **{f"/v1/mandates/{{mandate_id}}/{act}": {"reason": "thử"} for act in ACTS},
        "/v1/billers/{biller}/bills": {"bills": [bill]},
        "/v1/billers/{biller}/customers": {"customers": [person | {"segment": "household"}]},
    }


def params_of(template: str) -> dict[str, str]:
    """Give the parameters that a path cannot do without."""
    if template.startswith("/v1/reports/"):
        has_pilot = template.rpartition("/")[2] in {"export", "forecast", "pilot"}
        return {"biller": BILLER} | ({"pilot": "nowhere"} if has_pilot else {})
    return {"biller": BILLER, "customer_code": CUSTOMER} if template == "/v1/bills" else {}
