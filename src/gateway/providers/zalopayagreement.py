"""ZaloPay's agreement (automatic debit): the payer agrees once in the app, we debit each bill.

Two calls a debit: `/v2/create` with product_code AGREEMENT opens an order, `/v2/agreement/pay`
debits it with the agreement's pay_token. Whole đồng; MACs are HMAC-SHA256, lower hex, raw values
joined by `|`, key1 for what we send, key2 for the callback's `data`. Answers are unsigned and name
no order: only a query proves that money moved.

Sources, read 2026-11-24: docs.zalopay.vn and beta-docs.zalopay.vn /docs/specs (agreement-*,
order-*, callback-api); zalopay-oss/zalopay-nodejs zlp.yaml, mocks. Where they disagree: our page.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from pydantic import Field, SecretStr

from gateway.domain.biller import Channel
from gateway.domain.clock import business_date
from gateway.domain.errors import present
from gateway.domain.evidence import Finding, Outcome
from gateway.domain.ids import EPOCH, from_public
from gateway.domain.mandate import MandateState
from gateway.kit import abilities, messages
from gateway.kit import mandate_messages as wallet
from gateway.kit.abilities import AnswersQueries, DebitsMandates, Notifies
from gateway.kit.mandate_messages import AfterFailure, Mandate, MandateSaid
from gateway.kit.messages import Call, Incoming, Moment, Order, Reply, Unreadable, Verdict
from gateway.kit.payload import check_signature, integer_of, read_object, read_ok, text_of

DONE, REFUSED, IN_WORK = 1, 2, 3
_EXPIRED, _ABSENT, _NO_FUNDS = -54, -101, -63
_DECLINES = [-54, -217, -329, -322, -332, -333, *range(-1333, -1329), *range(-1343, -1339)]
_GOING = {IN_WORK: Outcome.PENDING, _NO_FUNDS: Outcome.WAITING}
_GOING |= dict.fromkeys(_DECLINES, Outcome.FAILED)
# As in one-time payments. Absent, so UNKNOWN: -68 and trouble of ZaloPay or of a bank. 1 to `pay`
# names neither order nor amount, so it is PENDING until the query says it too.
RESULT_CODES = {
    "create": {DONE: Outcome.WAITING}
    | dict.fromkeys([-2, -33, -53, -401, -402, -403, -405, 406], Outcome.FAILED),
    "pay": _GOING | {DONE: Outcome.PENDING},
    "query": _GOING | {DONE: Outcome.SUCCEEDED} | dict.fromkeys([-92, _ABSENT], Outcome.ABSENT),
}
# An order that nobody could pay for want of money ends as expired; limits end by themselves too.
_RETRIED = {_EXPIRED, -217, *range(-1333, -1329), *range(-1343, -1339)}
_BOUND = {1: MandateState.ACTIVE, 3: MandateState.CANCELLED, 4: MandateState.SUSPENDED}
_NOT_BOUND = frozenset([-2, -53, -401, -402, -403])
MS = timedelta(milliseconds=1)


class Config(abilities.Config):
    """Credentials of one ZaloPay app for which agreements are enabled."""

    host: str = Field(default="https://sb-openapi.zalopay.vn", pattern=r"^https?://[^/]+$")
    app_id: int = Field(ge=1, lt=2**31)
    key1: SecretStr = Field(min_length=1)
    key2: SecretStr = Field(min_length=1)
    app_user: str = Field(default="evn", pattern=r"^[^|]{1,50}$")
    return_url: str = ""
    """Where the payer's browser goes after agreeing."""
    notify_url: str = ""
    """Where ZaloPay tells of agreements; empty: the address that the app has registered."""


class ZaloPayAgreement(Notifies[Config], AnswersQueries[Config], DebitsMandates[Config]):
    """The mandate's `provider_id` is `binding_id:pay_token`, once the payer has agreed."""

    code, title = "zalopayagreement", "ZaloPay (liên kết trích nợ)"
    channels = frozenset({Channel.AUTO_DEBIT})
    Config = Config
    private_fields = frozenset({"merchant_user_id", "zp_user_id", "masked_user_phone", "pay_token"})

    @property
    def merchant(self) -> str:
        """Our app's number, as text."""
        return str(self.config.app_id)

    def reference_of(self, attempt_id: UUID, created_at: datetime) -> str:
        """Give the app_trans_id: the Vietnamese day as yymmdd, then the attempt; 39 of 40 chars."""
        return f"{business_date(created_at):%y%m%d}_{attempt_id.hex}"

    def register(self, mandate: Mandate, moment: Moment) -> Call:
        """Build `/v2/agreement/bind`; the same mandate has the same app_trans_id and identifier."""
        reference, now, most = bind_id(mandate), (moment.now - EPOCH) // MS, mandate.max_debit_dong
        signed = (reference, "{}", "WALLET", mandate.reference, most, now)
        ids = {"app_trans_id": reference, "req_date": now, "identifier": mandate.reference}
        kind = {"max_amount": most, "binding_type": "WALLET", "binding_data": "{}"}
        back = {"redirect_url": self.config.return_url, "redirect_deep_link": ""}
        where = {"callback_url": self.config.notify_url, **back}
        return self._call("agreement/bind", signed, {**ids, **kind, **where})

    def read_registered(self, mandate: Mandate, reply: Reply) -> MandateSaid:
        """Read where the payer agrees: the SDK's mocks and zlp.yaml name different fields."""
        fields = read_ok(reply)
        code, detail = detail_of(fields)
        if code != DONE:
            state = MandateState.REJECTED if detail in _NOT_BOUND else None
            return MandateSaid(state, str(detail), text_of(fields, "return_message"))
        page = text_of(fields, "binding_url") or text_of(fields, "short_link")
        qr, link = text_of(fields, "binding_qr_link"), text_of(fields, "deep_link")
        if not (page or qr or link):
            raise Unreadable(what="every link")
        action = messages.NextAction(page or None, link or None, qr or None)
        return MandateSaid(MandateState.PENDING_CUSTOMER, str(code), action=action)

    def confirm(self, mandate: Mandate, otp: str, moment: Moment) -> Call:
        """Ask how the agreement stands: the payer confirms in the app, no password comes to us."""
        return self.query_mandate(mandate, moment)

    def read_confirmed(self, mandate: Mandate, reply: Reply) -> MandateSaid:
        """Read how it stands; refused while the payer has not agreed in the app."""
        said = self.read_mandate_queried(mandate, reply)
        return replace(said, is_refused=said.state is MandateState.PENDING_CUSTOMER)

    def cancel_mandate(self, mandate: Mandate, reason: str, moment: Moment) -> Call:
        """Build `/v2/agreement/unbind`."""
        binding_id, now = tokens(mandate)[0], (moment.now - EPOCH) // MS
        ids = {"identifier": mandate.reference, "binding_id": binding_id, "req_date": now}
        return self._call("agreement/unbind", (mandate.reference, binding_id, now), ids)

    def read_mandate_cancelled(self, mandate: Mandate, reply: Reply) -> MandateSaid:
        """Read the answer; that -101 means "no such binding" is unconfirmed, and harmless."""
        fields = read_ok(reply)
        code, detail = detail_of(fields)
        state = MandateState.CANCELLED if code == DONE or detail == _ABSENT else None
        return MandateSaid(state, str(detail))

    def query_mandate(self, mandate: Mandate, moment: Moment) -> Call:
        """Build `/v2/agreement/query`."""
        ids = {"app_trans_id": bind_id(mandate), "req_date": (moment.now - EPOCH) // MS}
        return self._call("agreement/query", tuple(ids.values()), ids)

    def read_mandate_queried(self, mandate: Mandate, reply: Reply) -> MandateSaid:
        """Read how the agreement stands; `data` is an object, or text that is one."""
        fields = read_ok(reply)
        code, detail = detail_of(fields)
        if code == IN_WORK:
            return MandateSaid(MandateState.PENDING_CUSTOMER, str(code))
        if code != DONE:
            state = MandateState.REJECTED if detail == _EXPIRED else None
            return MandateSaid(state, str(detail), text_of(fields, "return_message"))
        if isinstance(data := fields.get("data"), dict):
            return read_binding(data)
        return read_binding(read_object(text_of(fields, "data").encode()))

    def prepare(self, line: wallet.DebitLine, moment: Moment) -> Call:
        """Build `/v2/create` for the agreement's order; it takes no money."""
        order, user = line.order, self.config.app_user
        at = order.created_at
        life_s = min(max(int((order.expires_at - at).total_seconds()), 300), 2_592_000)
        ids = {"app_trans_id": order.reference, "app_user": user, "amount": order.amount_dong}
        texts = {
            "embed_data": "{}",
            "item": "[]",
            "description": order.text.replace("|", " ")[:256],
        }
        terms = {"app_time": (at - EPOCH) // MS, "expire_duration_seconds": life_s}
        more = {"callback_url": order.notify_url, "product_code": "AGREEMENT"}
        signed = (order.reference, user, order.amount_dong, (at - EPOCH) // MS, "{}", "[]")
        return self._call("create", signed, {**ids, **texts, **terms, **more})

    def read_prepared(self, line: wallet.DebitLine, reply: Reply) -> wallet.DebitLine | Finding:
        """Read the order's token, or the refusal."""
        fields = read_ok(reply)
        finding = conclude("create", fields)
        if finding.outcome is not Outcome.WAITING:
            return finding
        if not (token := text_of(fields, "zp_trans_token")):
            raise Unreadable(what="zp_trans_token")
        order = replace(line.order, memory={**line.order.memory, "zp_trans_token": token})
        return replace(line, order=order)

    def debit(self, line: wallet.DebitLine, moment: Moment) -> Call:
        """Build `/v2/agreement/pay` for the order that was opened."""
        now, ids = (moment.now - EPOCH) // MS, {"identifier": line.mandate.reference}
        ids["zp_trans_token"] = line.order.memory.get("zp_trans_token", "")
        ids["pay_token"] = tokens(line.mandate)[1]
        return self._call("agreement/pay", (*ids.values(), now), {**ids, "req_date": now})

    def read_debited(self, order: Order, reply: Reply) -> Finding:
        """Read the answer; 1 and 3 are PENDING until a query names the amount."""
        return conclude("pay", read_ok(reply))

    def query(self, order: Order, moment: Moment) -> Call:
        """Build `/v2/query`."""
        signed = (order.reference, self.config.key1.get_secret_value())
        return self._call("query", signed, {"app_trans_id": order.reference})

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        """Read what became of an order; 3 with `is_processing` false: nothing is under way."""
        finding = conclude("query", fields := read_ok(reply))
        if finding.outcome is Outcome.PENDING and fields.get("is_processing") is False:
            return replace(finding, outcome=Outcome.WAITING)
        if finding.outcome is Outcome.SUCCEEDED and not finding.provider_id:
            raise Unreadable(what="zp_trans_id of a success")
        return finding

    def after_failure(self, code: str) -> AfterFailure:
        """Say what follows: want of money and limits are tried again, the payer's no is not."""
        is_retried = code.lstrip("-").isdecimal() and int(code) in _RETRIED
        return AfterFailure.RETRY if is_retried else AfterFailure.GIVE_UP

    def read_notification(
        self, incoming: Incoming
    ) -> messages.Notification | wallet.MandateNews | wallet.Return:
        """Read a callback; `type` is unsigned, so what `data` holds shows its kind."""
        callback = read_object(incoming.body)
        signed = text_of(callback, "data")
        check_signature(sign(self.config.key2, signed), callback.get("mac"))
        data = read_object(signed.encode())
        ours = str(integer_of(data, "app_id"))
        if "binding_id" in data:
            said = read_binding(data)
            at = integer_of(data, "server_time")
            if said.state is None or at is None or ours != self.merchant:
                raise Unreadable(what="status, server_time or app_id of an agreement")
            binding_id = text_of(data, "binding_id")
            return wallet.MandateNews(f"{binding_id}:{said.code}:{at}", said)
        number, amount = integer_of(data, "zp_trans_id"), integer_of(data, "amount")
        reference = text_of(data, "app_trans_id")
        if not (reference and amount and number):
            raise Unreadable(what="callback of an order")
        paid = Finding(Outcome.SUCCEEDED, str(DONE), "", reference, amount, ours, str(number))
        return messages.Notification(f"{number}:{DONE}", paid)

    def acknowledge(self, verdict: Verdict) -> messages.Acknowledgement:
        """Say 1 (taken, also for repeats), 0 (call again, 3 times at most) or -1 (refused)."""
        codes = {Verdict.RECORDED: 1, Verdict.REPEATED: 1, Verdict.TRY_LATER: 0}
        answer = {"return_code": codes.get(verdict, -1), "return_message": verdict.value}
        return messages.Acknowledgement(200, json.dumps(answer).encode(), "application/json")

    def _call(self, path: str, signed: Sequence[object], body: Mapping[str, object]) -> Call:
        base = "|".join(str(value) for value in (self.config.app_id, *signed))
        fields = {"app_id": self.config.app_id, **body, "mac": sign(self.config.key1, base)}
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"content-type": "application/json"}
        return Call(path.replace("/", "_"), f"{self.config.host}/v2/{path}", text, headers=headers)


def sign(key: SecretStr, base: str) -> str:
    """Give ZaloPay's MAC of a base string."""
    text = base.encode("utf-8", "surrogatepass")
    return hmac.new(key.get_secret_value().encode(), text, sha256).hexdigest()


def bind_id(mandate: Mandate) -> str:
    """Give the agreement's app_trans_id: the day of the mandate's UUIDv7, then the mandate."""
    uuid = present(from_public("mdt", mandate.reference), "a mandate is named by our id")
    return f"{business_date(EPOCH + MS * (uuid.int >> 80)):%y%m%d}_{uuid.hex}"


def tokens(held: Mandate | MandateSaid) -> tuple[str, str]:
    """Give binding_id and pay_token, empty while the payer has not agreed."""
    binding_id, _, pay_token = (held.provider_id or "").partition(":")
    return binding_id, pay_token


def read_binding(data: Mapping[str, Any]) -> MandateSaid:
    """Read an agreement's data, of a callback or of a query; without its tokens nothing is said."""
    status, binding_id = integer_of(data, "status"), text_of(data, "binding_id")
    pay_token, ours = text_of(data, "pay_token"), text_of(data, "merchant_user_id")
    if status is None or not binding_id or not ours or (status == DONE and not pay_token):
        raise Unreadable(what="agreement's data")
    held = f"{binding_id}:{pay_token}" if pay_token else None
    return MandateSaid(_BOUND.get(status), str(status), reference=ours, provider_id=held)


def conclude(operation: str, fields: Mapping[str, Any]) -> Finding:
    """Say what an answer means by its call's table; what is not listed there is UNKNOWN."""
    code, detail = detail_of(fields)
    number = integer_of(fields, "zp_trans_id") if fields.get("zp_trans_id") else None
    return Finding(
        Outcome.UNKNOWN if detail is None else RESULT_CODES[operation].get(detail, Outcome.UNKNOWN),
        code=str(code if detail is None else detail),
        message=text_of(fields, "return_message"),
        amount_dong=integer_of(fields, "amount") or None,
        provider_id=str(number) if number else None,
    )


def detail_of(fields: Mapping[str, Any]) -> tuple[int, int | None]:
    """Give the return_code and the code that says most; None where the two contradict."""
    code, sub = integer_of(fields, "return_code"), integer_of(fields, "sub_return_code") or 0
    if code is None:
        raise Unreadable(what="return_code")
    if code == IN_WORK:
        return code, code
    if fields.get("is_processing") or (code == DONE and sub not in {0, DONE}):
        return code, None
    if code == REFUSED:
        return code, None if sub in {DONE, IN_WORK} else sub
    return code, code or None
