"""ZaloPay's agreement (automatic debit), simulated beside its one-time payments.

    python -m gateway.sandbox.zalopayagreement --port 9213

The payer agrees by `/control/agreement`, as in the app. `agreement/pay` answers 3, as the SDK's
mock does, and debits at once; only the query and the callback say so. What the documents leave open
is answered so: an unbound agreement's pay_token is -401, unbinding what is not bound is -101, a
payer without money leaves the order open with -63 until it expires.
"""

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.sandbox import zalopay_wire as wire
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_notices import Notice
from gateway.sandbox.rail_orders import Act, OrderState
from gateway.sandbox.zalopay import ZaloPay, main
from gateway.sandbox.zalopay_wire import Asked, Said, Whole

CONFIRMED, CANCELLED, DISABLED = 1, 3, 4
NO_FUNDS = -63


class BindAsked(Asked):
    """`agreement/bind`."""

    parts: ClassVar[tuple[str, ...]] = (
        *("app_id", "app_trans_id", "binding_data", "binding_type", "identifier", "max_amount"),
        "req_date",
    )
    operation = "agreement_bind"
    app_trans_id: str = Field(pattern=r"^[0-9]{6}_[!-~]{1,33}$")
    req_date: Whole
    identifier: str = Field(min_length=1, max_length=50)
    max_amount: Whole
    binding_type: Literal["WALLET"]
    binding_data: str
    callback_url: str = ""

    @property
    def reference(self) -> str:
        """The agreement's app_trans_id."""
        return self.app_trans_id


class BindingAsked(BindAsked):
    """`agreement/query`."""

    parts: ClassVar[tuple[str, ...]] = ("app_id", "app_trans_id", "req_date")
    operation = "agreement_query"
    identifier: str = ""
    max_amount: Whole = 0
    binding_type: Literal["WALLET"] = "WALLET"
    binding_data: str = "{}"


class UnbindAsked(Asked):
    """`agreement/unbind`."""

    parts: ClassVar[tuple[str, ...]] = ("app_id", "identifier", "binding_id", "req_date")
    operation = "agreement_unbind"
    identifier: str
    binding_id: str
    req_date: Whole

    @property
    def reference(self) -> str:
        """The merchant's name of the payer."""
        return self.identifier


class PayAsked(Asked):
    """`agreement/pay`."""

    parts: ClassVar[tuple[str, ...]] = (
        *("app_id", "identifier", "zp_trans_token"),
        *("pay_token", "req_date"),
    )
    operation = "agreement_pay"
    identifier: str
    zp_trans_token: str
    pay_token: str
    req_date: Whole

    @property
    def reference(self) -> str:
        """The merchant's name of the payer."""
        return self.identifier


@dataclass
class Agreement:
    """One payer's agreement; `status` None while the payer has not answered."""

    asked: BindAsked
    number: int
    balance_dong: int = 5_000_000
    status: int | None = None

    @property
    def binding_id(self) -> str:
        """ZaloPay's number of it."""
        return f"BND{self.number:010d}"

    def data(self, app: wire.App, at_s: int) -> Said:
        """Write what callback and query say of it; server_time is in seconds."""
        token = wire.sign(app.key2, f"pay_token|{self.binding_id}")
        return {
            "app_id": app.app_id,
            "app_trans_id": self.asked.app_trans_id,
            "binding_id": self.binding_id,
            "pay_token": token,
            "server_time": at_s,
            "merchant_user_id": self.asked.identifier,
            "status": self.status,
            "msg_type": 1 if self.status == CONFIRMED else 2,
            "zp_user_id": "zpu_1",
            "masked_user_phone": "****5678",
        }


class _Acted(BaseModel):
    model_config = ConfigDict(extra="forbid")
    identifier: str
    act: Literal["confirm", "cancel", "disable"] | None = None
    balance_dong: int | None = None


class ZaloPayAgreement(ZaloPay):
    """The simulated provider, with agreements by the merchant's identifier."""

    title = "ZaloPay liên kết"

    def __init__(self, app: wire.App | None = None, **more: Any) -> None:
        super().__init__(app or wire.App(), **more)
        self.agreements: dict[str, Agreement] = {}

    def routes(self) -> list[BaseRoute]:
        """Give the one-time payments' paths, the agreement's, and the payer's control call."""
        return [
            *super().routes(),
            self.post("/v2/agreement/bind", BindAsked, self._bind),
            self.post("/v2/agreement/query", BindingAsked, self._binding),
            self.post("/v2/agreement/unbind", UnbindAsked, self._unbind),
            self.post("/v2/agreement/pay", PayAsked, self._agreed),
            Route("/control/agreement", self._act_on_agreement, methods=["POST"]),
        ]

    def _bind(self, asked: BindAsked, fault: Fault | None, base_url: str) -> Said | int:
        if not wire.is_near(self.now(fault), asked.req_date):
            return wire.BAD_DATA
        known = self.agreements.setdefault(
            asked.identifier, Agreement(asked, len(self.agreements) + 1)
        )
        if known.asked.app_trans_id != asked.app_trans_id:
            return wire.ID_USED
        url = f"{base_url}agree/{known.binding_id}"
        return wire.said(wire.DONE, wire.DONE, binding_id=known.binding_id, binding_url=url)

    def _binding(self, asked: BindingAsked, fault: Fault | None, _: str) -> Said | int:
        named = asked.app_trans_id
        found = [a for a in self.agreements.values() if a.asked.app_trans_id == named]
        if not found:
            return wire.NOT_FOUND
        if found[0].status is None:
            return wire.said(wire.WORKING, wire.WORKING)
        data = found[0].data(self.app, wire.ms(self.now(fault)) // 1000)
        return wire.said(wire.DONE, wire.DONE, data=data)

    def _unbind(self, asked: UnbindAsked, _: Fault | None, __: str) -> Said | int:
        agreement = self.agreements.get(asked.identifier)
        if agreement is None or agreement.binding_id != asked.binding_id:
            return wire.NOT_FOUND
        if agreement.status == CANCELLED:
            return wire.NOT_FOUND
        agreement.status = CANCELLED
        return wire.said(wire.DONE, wire.DONE)

    async def _agreed(self, asked: PayAsked, fault: Fault | None, _: str) -> Said | int:
        agreement = self.agreements.get(asked.identifier)
        token = agreement.data(self.app, 0)["pay_token"] if agreement else ""
        if agreement is None or agreement.status != CONFIRMED or asked.pay_token != token:
            return wire.BAD_DATA
        named = [
            o for o in self.orders if wire.sign(self.app.key2, f"token|{o}") == asked.zp_trans_token
        ]
        order = self.orders.get(named[0]) if named else None
        if order is None or not wire.is_near(self.now(fault), asked.req_date):
            return wire.BAD_DATA
        if order.state is OrderState.OPEN:
            if order.amount_dong > (agreement.asked.max_amount or order.amount_dong):
                return wire.BAD_STATE
            if order.amount_dong > agreement.balance_dong:
                return NO_FUNDS
            if await self.act(order, Act.APPROVE):
                agreement.balance_dong -= order.amount_dong
        return wire.said(wire.WORKING, wire.WORKING, zp_trans_id=order.provider_id or None)

    async def _act_on_agreement(self, request: Request) -> Response:
        try:
            acted = _Acted.model_validate_json(await request.body())
        except ValidationError as error:
            return Response(str(error), 400)
        agreement = self.agreements.get(acted.identifier)
        if agreement is None:
            return Response(status_code=404)
        if acted.balance_dong is not None:
            agreement.balance_dong = acted.balance_dong
        if acted.act is not None:
            statuses = {"confirm": CONFIRMED, "cancel": CANCELLED, "disable": DISABLED}
            agreement.status = statuses[acted.act]
            self._tell(agreement)
        return JSONResponse({"done": True})

    def _tell(self, agreement: Agreement) -> None:
        url = agreement.asked.callback_url or self.app.callback_url
        if not url:
            return
        fault = self.faults.take("notify", reference=agreement.asked.identifier)
        data = json.dumps(agreement.data(self.app, wire.ms(self.now(fault)) // 1000))
        key = "nobody's" if fault is Fault.BAD_SIGNATURE else self.app.key2
        body = json.dumps({"data": data, "mac": wire.sign(key, data), "type": 2}).encode()
        headers = {"content-type": "application/json"}
        self._notices.send([Notice("POST", url, wire.stops, body, headers)], fault)


if __name__ == "__main__":
    main(ZaloPayAgreement)
