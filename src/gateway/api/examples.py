"""Examples of the API that run as they stand against the demo (`make run`)."""

BILLER = "evnspc-camau"
CUSTOMER_CODE = "PB14010000040"
BILL_ID = "HD-EXAMPLE-1"
AMOUNT_DONG = 351_000

PAYMENT = {
    "one_bill": {
        "summary": "A bank's mobile app pays one bill",
        "value": {
            "method": "collected",
            "biller": BILLER,
            "customer_code": CUSTOMER_CODE,
            "partner_reference": "VB-20261124-000777",
            "channel": "mobile_banking",
            "bills": [{"id": BILL_ID, "amount_dong": AMOUNT_DONG}],
        },
    }
}
MANDATE_PAYMENT = {
    "on_a_mandate": {
        "summary": "The payer's bank debits one bill on a mandate",
        "value": {
            "method": "mandate",
            "mandate_id": "mdt_019a3c84f40070008000000000000001",
            "partner_reference": "VB-20261124-000778",
            "channel": "auto_debit",
            "bills": [{"id": BILL_ID, "amount_dong": AMOUNT_DONG}],
        },
    }
}
REVERSAL = {
    "wrong_customer": {
        "summary": "The teller chose the wrong customer",
        "value": {"reason": "nhầm mã khách hàng"},
    }
}
CHECKOUT = {
    "one_bill": {
        "summary": "A link that the payer gets by SMS",
        "value": {
            "biller": BILLER,
            "customer_code": CUSTOMER_CODE,
            "partner_reference": "SMS-20261124-000778",
            "bills": [{"id": BILL_ID, "amount_dong": AMOUNT_DONG}],
            "return_url": "https://portal.example.vn/thanks",
        },
    }
}
BILLS = {
    "one_bill": {
        "summary": "October's bill of one customer",
        "value": {
            "bills": [
                {
                    "id": "HD202610-EXAMPLE-1",
                    "customer_code": CUSTOMER_CODE,
                    "period": "2026-10",
                    "kwh": 143,
                    "net_dong": 290_000,
                    "vat_dong": 23_200,
                    "amount_dong": 313_200,
                    "issued_on": "2026-11-02",
                    "due_on": "2026-11-09",
                }
            ]
        },
    }
}
CUSTOMERS = {
    "one_customer": {
        "summary": "A household of ward 5",
        "value": {
            "customers": [
                {
                    "code": "PB14019999999",
                    "name": "Nguyễn Thị Mẫu",
                    "address": "12 Nguyễn Trãi, Phường 5, Cà Mau",
                    "area_code": "32008",
                    "segment": "household",
                }
            ]
        },
    }
}
