"""MoMo's tokenization, simulated beside its one-time payments: link, bind, pay, delete.

    python -m gateway.sandbox.momomandate --port 9211

The payer agrees by `/control/link`, as in the app; `GET /control/public-key` gives the key with
which `token` is encrypted. What the documents leave open is answered so: a token of a deleted link
is 1007, one that cannot be decrypted is 20, a cbQuery before the payer agreed is 1000.
"""

import base64
import json
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from cryptography.hazmat.primitives import padding as blocks
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.sandbox import momo_wire as wire
from gateway.sandbox.momo import MoMo, main
from gateway.sandbox.momo_books import Fields, to_ms
from gateway.sandbox.momo_wire import Account, Asked
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_orders import Act, OrderState, RailOrder

NO_FUNDS, NO_WALLET = 1001, 1007
ASK_SIGNED = ("accessKey", "orderId", "partnerClientId", "partnerCode", "requestId")
DELETE_SIGNED = (*ASK_SIGNED, "token")


def _sorted(*names: str) -> tuple[str, ...]:
    return tuple(sorted(names))


BIND_SIGNED = _sorted(*ASK_SIGNED, "callbackToken")
LINK_SIGNED = _sorted(*wire.CREATE_SIGNED, "partnerClientId")
PAY_SIGNED = _sorted(*DELETE_SIGNED, "amount", "extraData", "orderInfo")
LINKED_SIGNED = _sorted(*wire.NOTICE_SIGNED, "callbackToken", "partnerClientId")
_Client = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]+([-_.@][0-9A-Za-z]+)*$")]


class LinkAsked(Asked):
    """`create` with requestType linkWallet."""

    amount: Literal[0]
    order_info: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    redirect_url: str
    ipn_url: str
    request_type: Literal["linkWallet"]
    extra_data: str
    partner_client_id: _Client


class ClientAsked(Asked):
    """`tokenization/cbQuery`."""

    partner_client_id: _Client


class BindAsked(ClientAsked):
    """`tokenization/bind`."""

    callback_token: str


class DeleteAsked(ClientAsked):
    """`tokenization/delete`; the token differs on each repetition."""

    token: str = Field(exclude=True)
    signature: str = Field(exclude=True)


class PayAsked(DeleteAsked):
    """`tokenization/pay`."""

    amount: Annotated[int, Field(ge=1_000, le=30_000_000)]
    order_info: str
    ipn_url: str
    redirect_url: str
    extra_data: str
    auto_capture: bool = True


@dataclass
class Link:
    """One payer's link; `state` is waiting, agreed, bound, refused or deleted."""

    asked: LinkAsked
    number: int
    balance_dong: int = 5_000_000
    state: str = "waiting"

    @property
    def callback_token(self) -> str:
        """What is exchanged for the token."""
        return f"v2/cb{self.number:012d}"

    @property
    def value(self) -> str:
        """The recurring token."""
        return f"tok{self.number:012d}"


class _Acted(BaseModel):
    model_config = ConfigDict(extra="forbid")
    client: str
    act: Literal["agree", "refuse", "delete"] | None = None
    balance_dong: int | None = None


class MoMoMandate(MoMo):
    """The simulated provider, with linked wallets by partnerClientId."""

    title = "MoMo liên kết ví"

    def __init__(
        self, account: Account | None = None, *, key: rsa.RSAPrivateKey | None = None, **books: Any
    ) -> None:
        super().__init__(account, **books)
        self.key = key or rsa.generate_private_key(65537, 2048)
        self.links: dict[str, Link] = {}

    def routes(self) -> list[BaseRoute]:
        """Give the one-time payments' paths, the tokenization's and the payer's control call."""
        calls = {
            "bind": partial(self._serve, "bind", BindAsked, BIND_SIGNED, self._bind),
            "cbQuery": partial(self._serve, "cb_query", ClientAsked, ASK_SIGNED, self._cb_query),
            "pay": partial(self._serve, "pay", PayAsked, PAY_SIGNED, self._pay_by_token),
            "delete": partial(self._serve, "unlink", DeleteAsked, DELETE_SIGNED, self._delete),
        }
        link = partial(self._serve, "register", LinkAsked, LINK_SIGNED, self._link)
        return [
            Route(f"{wire.API}/create", link, methods=["POST"]),
            *(
                Route(f"{wire.API}/tokenization/{name}", call, methods=["POST"])
                for name, call in calls.items()
            ),
            Route("/control/link", self._act_on_link, methods=["POST"]),
            Route("/control/public-key", self._public_key),
            *super().routes(),
        ]

    @property
    def public_key(self) -> str:
        """The key with which `token` is encrypted, as PEM."""
        public = self.key.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def _link(self, asked: LinkAsked, base_url: str) -> Fields:
        if asked.partner_client_id in self.links:
            return self.said(asked, 41)
        self.links[asked.partner_client_id] = Link(asked, len(self.links) + 1)
        url = f"{base_url}link/{asked.partner_client_id}"
        more = {"payUrl": url, "bindingUrl": url, "deeplink": f"momo://link?c={asked.order_id}"}
        return self.said(asked, 0, amount=0, partnerClientId=asked.partner_client_id, **more)

    def _cb_query(self, asked: ClientAsked, _: str) -> Fields:
        link = self.links.get(asked.partner_client_id)
        if link is None or link.state == "deleted":
            return self.said(asked, 42)
        if link.state in {"waiting", "refused"}:
            return self.said(asked, 1000 if link.state == "waiting" else 1006)
        more = {"callbackToken": link.callback_token, "partnerClientId": asked.partner_client_id}
        return self.said(asked, 0, **more)

    def _bind(self, asked: BindAsked, _: str) -> Fields:
        link = self.links.get(asked.partner_client_id)
        if link is None or link.state not in {"agreed", "bound"}:
            return self.said(asked, 42)
        if asked.callback_token != link.callback_token:
            return self.said(asked, 47)
        link.state = "bound"
        plain = json.dumps({"value": link.value, "userAlias": "****5678"}).encode()
        pad = blocks.PKCS7(128).padder()
        aes = Cipher(algorithms.AES(self.account.secret_key.encode()), modes.CBC(bytes(16)))
        seal = aes.encryptor()
        sealed = seal.update(pad.update(plain) + pad.finalize()) + seal.finalize()
        more = {"aesToken": base64.b64encode(sealed).decode()}
        return self.said(asked, 0, partnerClientId=asked.partner_client_id, **more)

    def _delete(self, asked: DeleteAsked, _: str) -> Fields:
        link = self._of_token(asked)
        if link is None or link.state == "deleted":
            return self.said(asked, 42)
        link.state = "deleted"
        return self.said(asked, 0)

    def _pay_by_token(self, asked: PayAsked, _: str) -> Fields:
        link = self._of_token(asked)
        if link is None:
            return self.said(asked, 20)
        if link.state != "bound":
            return self.said(asked, NO_WALLET)
        if asked.order_id in self.orders:
            return self.said(asked, 41)
        order = self._opened(asked)
        if asked.amount > link.balance_dong:
            order.state, order.code = OrderState.FAILED, str(NO_FUNDS)
            self.notify(order)
            return self.said(asked, NO_FUNDS, amount=asked.amount, transId=0)
        link.balance_dong -= asked.amount
        order.code = self.codes(Act.APPROVE)
        self.take_money(order)
        self.notify(order)
        return self.said(asked, 0, amount=asked.amount, transId=int(order.provider_id))

    def _opened(self, asked: PayAsked) -> RailOrder:
        now = self.now()
        fields = {"requestId": asked.request_id, "extraData": asked.extra_data, "lang": asked.lang}
        order = self.orders[asked.order_id] = RailOrder(
            reference=asked.order_id,
            amount_dong=asked.amount,
            text=asked.order_info,
            notify_url=asked.ipn_url,
            return_url=asked.redirect_url,
            created_at=now,
            expires_at=now + self.window,
            fields={**fields, "autoCapture": True},
        )
        return order

    def _of_token(self, asked: DeleteAsked) -> Link | None:
        link = self.links.get(asked.partner_client_id)
        try:
            plain = self.key.decrypt(base64.b64decode(asked.token), padding.PKCS1v15())
            value = json.loads(plain)["value"]
        except (KeyError, TypeError, ValueError):
            return None
        return link if link is not None and value == link.value else None

    # ── what the payer does, and what is told of it ──────────────────────────────────────────

    async def _act_on_link(self, request: Request) -> Response:
        try:
            acted = _Acted.model_validate_json(await request.body())
        except ValidationError as error:
            return Response(str(error), 400)
        link = self.links.get(acted.client)
        if link is None:
            return Response(status_code=404)
        if acted.balance_dong is not None:
            link.balance_dong = acted.balance_dong
        if acted.act is not None:
            link.state = {"agree": "agreed", "refuse": "refused"}.get(acted.act, "deleted")
            self._tell(link)
        return JSONResponse({"done": True})

    def _tell(self, link: Link) -> None:
        """Notify of a link that was agreed or refused; what is deleted is not told."""
        if link.state == "deleted" or not link.asked.ipn_url:
            return
        fault = self.faults.take("notify", reference=link.asked.order_id)
        code = wire.AUTHORISED if link.state == "agreed" else 1006
        facts = {
            "partnerCode": self.account.partner_code,
            "orderId": link.asked.order_id,
            "requestId": link.asked.request_id,
            "amount": 0,
            "callbackToken": link.callback_token if link.state == "agreed" else "",
            "orderInfo": link.asked.order_info,
            "orderType": "momo_wallet",
            "partnerClientId": link.asked.partner_client_id,
            "transId": 0,
            "resultCode": code,
            "message": wire.message_of(code, "vi"),
            "payType": "",
            "responseTime": to_ms(self.now(fault)),
            "extraData": link.asked.extra_data,
        }
        signer = self.forger() if fault is Fault.BAD_SIGNATURE else self.account
        body = {**facts, "signature": signer.sign(LINKED_SIGNED, facts)}
        self._notices.send([self.notice(link.asked.ipn_url, body)], fault)

    async def _public_key(self, _: Request) -> Response:
        return PlainTextResponse(self.public_key)


if __name__ == "__main__":
    main(MoMoMandate)
