"""The examples in the document are requests that this gateway takes."""

from typing import Any

import orjson
import pytest
from httpx import AsyncClient
from pydantic import BaseModel

from gateway.api import examples
from gateway.api.bills import BillsRequest, CustomersRequest
from gateway.api.checkouts import CheckoutRequest
from gateway.api.mandate_payments import MandatePaymentRequest
from gateway.api.payments import PaymentRequest, ReversalRequest
from gateway.api.reading import read_model
from tests.world import BILLER, World

MODELS: list[tuple[dict[str, Any], type[BaseModel]]] = [
    (examples.PAYMENT, PaymentRequest),
    (examples.CHECKOUT, CheckoutRequest),
    (examples.MANDATE_PAYMENT, MandatePaymentRequest),
    (examples.REVERSAL, ReversalRequest),
    (examples.BILLS, BillsRequest),
    (examples.CUSTOMERS, CustomersRequest),
]


@pytest.mark.parametrize(("shown", "model"), MODELS, ids=lambda part: getattr(part, "__name__", ""))
def test_an_example_is_a_request_that_is_read(
    shown: dict[str, Any], model: type[BaseModel]
) -> None:

    assert shown
    for example in shown.values():
        assert set(example) == {"summary", "value"}
        read_model(model, orjson.dumps(example["value"]), "application/json")


async def test_the_examples_run_one_after_another(api: AsyncClient, world: World) -> None:
    utility, bank = world.headers("utility"), world.headers("bank", world.new_key())
    for name, shown in (("customers", examples.CUSTOMERS), ("bills", examples.BILLS)):
        body = next(iter(shown.values()))["value"]
        await world.add_customer(examples.CUSTOMER_CODE)
        answer = await api.put(f"/v1/billers/{BILLER}/{name}", json=body, headers=utility)
        assert answer.json() == {"written": 1, "unchanged": 0, "refused": []}
    await world.add_bill(
        examples.BILL_ID, customer=examples.CUSTOMER_CODE, amount_dong=examples.AMOUNT_DONG
    )
    payment = examples.PAYMENT["one_bill"]["value"]
    paid = await api.post("/v1/payments", json=payment, headers=bank)
    assert paid.status_code == 201
    undone = await api.post(
        f"/v1/payments/{paid.json()['id']}/reversal",
        json=examples.REVERSAL["wrong_customer"]["value"],
        headers=bank,
    )
    assert undone.status_code == 201
