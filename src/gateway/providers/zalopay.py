"""ZaloPay (v2): an e-wallet; the payer pays in the app, by QR or by card on ZaloPay's own page.

Amounts are whole đồng. A MAC is HMAC-SHA256 in lower-case hex over raw values joined by `|`: key1
signs what we send, key2 what ZaloPay sends (the callback's `data` exactly as received, and the
browser's return). Answers to our calls are not signed and name neither app nor order.

Sources, read 2026-11-24: docs.zalopay.vn, beta-docs.zalopay.vn /docs/specs (order-create, -query,
-cancel, refund, query-refund, callback-api, status codes); zalopay-oss/zalopay-nodejs zlp.yaml.
Where they disagree, the reading that proves less was taken.
"""

import hmac
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Any
from uuid import UUID

from pydantic import Field, SecretStr

from gateway.domain.biller import Channel
from gateway.domain.clock import business_date
from gateway.domain.errors import ensure
from gateway.domain.evidence import Finding, Outcome
from gateway.domain.ids import EPOCH
from gateway.kit import abilities, messages
from gateway.kit.abilities import AnswersQueries, Cancels, Notifies, Refunds, TakesPayments
from gateway.kit.messages import Call, Order, RefundOrder, Reply, Unreadable, Verdict
from gateway.kit.payload import check_signature, integer_of, read_object, text_of

DONE, REFUSED, IN_WORK = 1, 2, 3
_DECLINES = [-54, -217, -329, -322, -332, -333, *range(-1333, -1329), *range(-1343, -1339)]
# Call → code → outcome; 1 is done, 3 in work, any other the detail of a refusal. What is absent is
# UNKNOWN, and so is on purpose: an id used before (-68, -23), trouble of ZaloPay or a bank (-32 to
# -35, -43, -88, -135, -301, -500, -999), and -429: an earlier call of the same id may have worked.
RESULT_CODES = {
    "create": {DONE: Outcome.WAITING}
    | dict.fromkeys([-2, -33, -53, -401, -402, -403, -405, 406], Outcome.FAILED),
    # -63: still to be paid. -92: no id at all. -101: no such order or refund (zlp.yaml: success).
    "query": {DONE: Outcome.SUCCEEDED, IN_WORK: Outcome.PENDING, -63: Outcome.WAITING}
    | dict.fromkeys([-92, -101], Outcome.ABSENT)
    | dict.fromkeys(_DECLINES, Outcome.FAILED),
    "cancel": {DONE: Outcome.FAILED},
    "refund": dict.fromkeys([DONE, IN_WORK], Outcome.PENDING)
    | dict.fromkeys([-3, -13, -14, -24, -25, -26, -101], Outcome.FAILED),
    "query_refund": {DONE: Outcome.SUCCEEDED, -101: Outcome.ABSENT}
    | dict.fromkeys([IN_WORK, -16], Outcome.PENDING)
    | dict.fromkeys([0, -13, -14, -32], Outcome.FAILED),
}
MS = timedelta(milliseconds=1)
RETURN_FIELDS = ("appid", "apptransid", "pmcid", "bankcode", "amount", "discountamount", "status")


class Config(abilities.Config):
    """Credentials of one ZaloPay app, from its merchant portal."""

    host: str = Field(default="https://sb-openapi.zalopay.vn", pattern=r"^https?://[^/]+$")
    app_id: int = Field(ge=1, lt=2**31)
    key1: SecretStr = Field(min_length=1)
    key2: SecretStr = Field(min_length=1)
    app_user: str = Field(default="evn", pattern=r"^[^|]{1,50}$")
    """Who pays, as ZaloPay sees it: a name of the app, never a payer's."""
    cancel_path: str = Field(default="/v2/cancel", pattern=r"^/")
    """Sources disagree on whether this call exists and where; ask ZaloPay."""


class ZaloPay(
    TakesPayments[Config],
    Notifies[Config],
    AnswersQueries[Config],
    Cancels[Config],
    Refunds[Config],
):
    """ZaloPay as a provider. Its callback tells of success only; a failure is found by asking."""

    code = "zalopay"
    title = "ZaloPay"
    channels = frozenset({Channel.E_WALLET, Channel.QR, Channel.CARD})
    Config = Config
    private_fields = frozenset({"merchant_user_id", "zp_user_id", "masked_user_phone"})

    @property
    def merchant(self) -> str:
        """Our app's number, as text."""
        return str(self.config.app_id)

    def reference_of(self, attempt_id: UUID, created_at: datetime) -> str:
        """Give the app_trans_id: the Vietnamese day as yymmdd, then the attempt; 39 of 40 chars."""
        return f"{business_date(created_at):%y%m%d}_{attempt_id.hex}"

    def create(self, order: Order) -> Call:
        """Build `/v2/create`; the order lives from 300 s to 30 days at ZaloPay, whatever we say."""
        # No `|` may stand in what is signed; JSON reads the escape back as `|`.
        embed_data = json.dumps({"redirecturl": order.return_url}).replace("|", "\\u007c")
        user, amount, app_time = (
            self.config.app_user,
            order.amount_dong,
            (order.created_at - EPOCH) // MS,
        )
        life_s = int((order.expires_at - order.created_at).total_seconds())
        return self._call(
            "create",
            signed=(order.reference, user, amount, app_time, embed_data, "[]"),
            app_trans_id=order.reference,
            app_user=user,
            amount=amount,
            app_time=app_time,
            embed_data=embed_data,
            item="[]",
            description=to_text(order.text, limit=256),
            expire_duration_seconds=min(max(life_s, 300), 2_592_000),
            callback_url=order.notify_url,
        )

    def read_created(self, order: Order, reply: Reply) -> messages.Opened | Finding:
        """Read the page to pay at (`order_url`) and the QR's text (`qr_code`), or the refusal."""
        finding = conclude("create", fields := read_answer(reply))
        if finding.outcome is not Outcome.WAITING:
            return finding
        order_url, qr_code = text_of(fields, "order_url"), text_of(fields, "qr_code")
        if not order_url.startswith(("https://", "http://")):
            raise Unreadable(what="order_url")
        return messages.Opened(messages.NextAction(order_url, qr_content=qr_code or None))

    def read_return(self, incoming: messages.Incoming) -> Finding:
        """Read the browser's return; that `status` is a code of the query's is unconfirmed."""
        pairs = [(k, v) for k, v in incoming.query_pairs() if k in {*RETURN_FIELDS, "checksum"}]
        given = dict.fromkeys([*RETURN_FIELDS, "checksum"], "") | dict(pairs)
        base = "|".join(given[name] for name in RETURN_FIELDS)
        check_signature(sign(self.config.key2, base), given["checksum"])
        if len(pairs) != len(dict(pairs)):
            raise Unreadable(what="browser return")
        return Finding(
            RESULT_CODES["query"].get(integer_of(given, "status") or 0, Outcome.UNKNOWN),
            code=given["status"],
            reference=given["apptransid"],
            amount_dong=integer_of(given, "amount"),
            merchant=given["appid"],
        )

    def read_notification(self, incoming: messages.Incoming) -> messages.Notification:
        """Read a callback, sent only for success; `type` is unsigned, so `data` shows the kind."""
        callback = read_object(incoming.body)
        signed = text_of(callback, "data")
        check_signature(sign(self.config.key2, signed), callback.get("mac"))
        paid = read_object(signed.encode())
        finding = Finding(
            Outcome.SUCCEEDED,
            code=str(DONE),
            reference=text_of(paid, "app_trans_id"),
            amount_dong=whole(paid, "amount"),
            merchant=str(whole(paid, "app_id")),
            provider_id=str(whole(paid, "zp_trans_id")),
            paid_at=EPOCH + timedelta(milliseconds=whole(paid, "server_time", most=2**47)),
        )
        return messages.Notification(f"{finding.provider_id}:{DONE}", finding)

    def acknowledge(self, verdict: Verdict) -> messages.Acknowledgement:
        """Say 1 (taken, also for repeats), 0 (call again, 3 times at most) or -1 (refused)."""
        codes = {Verdict.RECORDED: 1, Verdict.REPEATED: 1, Verdict.TRY_LATER: 0}
        answer = {"return_code": codes.get(verdict, -1), "return_message": verdict.value}
        return messages.Acknowledgement(200, json.dumps(answer).encode(), "application/json")

    def query(self, order: Order, moment: messages.Moment) -> Call:
        """Build `/v2/query`."""
        signed = (order.reference, self.config.key1.get_secret_value())
        return self._call("query", signed=signed, app_trans_id=order.reference)

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        """Read what became of an order; 3 with `is_processing` false is read as "not paid yet"."""
        finding = conclude("query", fields := read_answer(reply))
        if finding.outcome is Outcome.PENDING and fields.get("is_processing") is False:
            return replace(finding, outcome=Outcome.WAITING)
        if finding.outcome is Outcome.SUCCEEDED and not finding.provider_id:
            raise Unreadable(what="zp_trans_id of a success")
        return finding

    def spacing_of(self, finding: Finding) -> timedelta | None:
        """Pause all questions after "too many requests"; the quota is not published."""
        return timedelta(minutes=1) if finding.code == "-429" else None

    def cancel(self, order: Order, moment: messages.Moment) -> Call:
        """Build the cancel call, at the configured path."""
        signed = (order.reference, self.config.key1.get_secret_value())
        return self._call("cancel", signed=signed, app_trans_id=order.reference)

    def read_cancelled(self, order: Order, reply: Reply) -> Finding:
        """Read the answer: 1 means that the order was unpaid and can no longer be paid."""
        return conclude("cancel", read_answer(reply))

    def refund(self, refund: RefundOrder, moment: messages.Moment) -> Call:
        """Build `/v2/refund`; the order must carry ZaloPay's own number of the payment."""
        paid_as, amount = refund.order.provider_id or "", refund.amount_dong
        ensure(paid_as != "", "a refund names the payment by ZaloPay's own number")
        reason, now = to_text(refund.reason, limit=100), (moment.now - EPOCH) // MS
        return self._call(
            "refund",
            signed=(paid_as, amount, reason, now),
            m_refund_id=to_refund_id(refund, app_id=self.config.app_id),
            zp_trans_id=paid_as,
            amount=amount,
            timestamp=now,
            description=reason,
        )

    def read_refunded(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read whether the refund was accepted; that it was made only `query_refund` says."""
        return conclude("refund", read_answer(reply))

    def query_refund(self, refund: RefundOrder, moment: messages.Moment) -> Call:
        """Build `/v2/query_refund`."""
        made_as, now = to_refund_id(refund, app_id=self.config.app_id), (moment.now - EPOCH) // MS
        return self._call("query_refund", signed=(made_as, now), m_refund_id=made_as, timestamp=now)

    def read_refund_queried(self, refund: RefundOrder, reply: Reply) -> Finding:
        """Read what became of a refund; 3 with -1 sends us to ZaloPay's operations: HELD."""
        finding = conclude("query_refund", fields := read_answer(reply))
        is_held = finding.code == str(IN_WORK) and integer_of(fields, "sub_return_code") == -1
        return replace(finding, outcome=Outcome.HELD, code="3/-1") if is_held else finding

    def _call(self, operation: str, *, signed: tuple[str | int, ...], **body: str | int) -> Call:
        path = self.config.cancel_path if operation == "cancel" else f"/v2/{operation}"
        base = "|".join(str(value) for value in (self.config.app_id, *signed))
        fields = {"app_id": self.config.app_id, **body, "mac": sign(self.config.key1, base)}
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        headers = {"content-type": "application/json"}
        return Call(operation, self.config.host + path, text.encode(), headers=headers)


def sign(key: SecretStr, base: str) -> str:
    """Give ZaloPay's MAC of a base string."""
    return hmac.new(key.get_secret_value().encode(), base.encode(), sha256).hexdigest()


def to_text(text: str, *, limit: int) -> str:
    """Give NFC text without `|`, which would shift what is signed, cut between whole letters.

    >>> to_text("Tiền điện|11", limit=9)
    'Tiền điện'
    """
    clean = unicodedata.normalize("NFC", text.replace("|", " "))
    while 0 < limit < len(clean) and unicodedata.combining(clean[limit]):
        limit -= 1
    return clean[:limit]


def to_refund_id(refund: RefundOrder, *, app_id: int) -> str:
    """Derive the m_refund_id: yymmdd_appid_ and 24 hex of our reference's hash; 42 of 45 chars."""
    digest = sha256(refund.reference.encode()).hexdigest()[:24]
    return f"{business_date(refund.created_at):%y%m%d}_{app_id}_{digest}"


def whole(fields: Mapping[str, Any], name: str, *, most: int = 2**53) -> int:
    """Read a positive number; pages of 2026 write some as text. 2**47 ms is the year 6429."""
    value = integer_of(fields, name)
    if value is None or not 0 < value <= most:
        raise Unreadable(what=name)
    return value


def read_answer(reply: Reply) -> dict[str, Any]:
    """Read an answer; what does not come as 200 with a JSON object says nothing."""
    if reply.status != HTTPStatus.OK:
        raise Unreadable(what=f"answer of status {reply.status}")
    return read_object(reply.body)


def conclude(operation: str, fields: Mapping[str, Any]) -> Finding:
    """Say what an answer means by its call's table; what is not listed there is UNKNOWN."""
    code, detail = detail_of(fields)
    named = "zp_trans_id" if fields.get("zp_trans_id") else "refund_id"
    number = integer_of(fields, named) if fields.get(named) else None
    return Finding(
        Outcome.UNKNOWN if detail is None else RESULT_CODES[operation].get(detail, Outcome.UNKNOWN),
        code=str(code if detail is None else detail),
        message=text_of(fields, "return_message"),
        amount_dong=integer_of(fields, "amount") or None,
        provider_id=str(number) if number else None,
    )


def detail_of(fields: Mapping[str, Any]) -> tuple[int, int | None]:
    """Give the return_code and the code that says most; None where the two contradict each other.

    A refusal's detail stands beside a 2 (older pages) or is the return_code itself (2026).
    """
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
