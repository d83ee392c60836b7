"""KeyPay, the payment platform of the public-service portal; and the portal that asks us for bills.

Amounts are whole đồng. HMAC-SHA256, lower hex, over values joined by `|`: `hash_key_1` signs what
we send, `hash_key_2` what KeyPay sends. Signed are addition_fee|client_id|command|trans_amount|
transaction_id|version, and nothing else: **neither `status` nor `bill_info` of a callback is**, so
a callback never proves that money was taken. It is a reason to ask; the query decides.

Source, read 2026-11-24: VietOpenCPS/opencps-v2 2c719850 (create, callback, query's base). Ours:
profile `keypay-dvcqg/0.1` (paths, the signed answer of the query and its status numbers) and
`dvcqg-evn/0.1` (the portal's questions, signed by `hash_key_2`).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import orjson
from pydantic import Field, SecretStr

from gateway.domain.biller import Channel
from gateway.domain.evidence import Finding, Outcome
from gateway.kit.abilities import AnswersInquiries, AnswersQueries, Notifies, TakesPayments
from gateway.kit.abilities import inquiries as ask
from gateway.kit.abilities.inquiries import Inquiry, Question, Result, Settled
from gateway.kit.messages import (
    Acknowledgement,
    Call,
    Garbled,
    Incoming,
    Moment,
    NextAction,
    Notification,
    Opened,
    Order,
    Reply,
    Unreadable,
    Verdict,
)
from gateway.kit.payload import check_signature, integer_of, read_object, text_of

SIGNED = ("addition_fee", "client_id", "command", "trans_amount", "transaction_id", "version")
ANSWERED = ("client_id", "command", "status", "trans_amount", "transaction_id")
VERSION = "3.0"
OPENED = "0"
"""`error` of an order that is open; no table of the others is public, so they prove nothing."""
QUERIED: Mapping[str, Outcome] = {
    "0": Outcome.SUCCEEDED,
    "1": Outcome.PENDING,
    "2": Outcome.WAITING,
    "3": Outcome.FAILED,
    "4": Outcome.ABSENT,
}
"""`status` of a query's answer, which signs it; a callback's 0 is PENDING, for it does not."""
PAYABLE, NOTHING_DUE, ERROR = 1, 0, -1


class Config(ask.InquiryConfig):
    """What the platform gives, and for whom the portal asks."""

    host: str = Field(default="https://sandbox.keypay.example.vn", pattern=r"^https?://[^/]+$")
    create_path: str = Field(default="/api/payment/create", pattern=r"^/")
    query_path: str = Field(default="/api/payment/query", pattern=r"^/")
    client_id: str = Field(min_length=1, max_length=40, pattern=r"^[^|]+$")
    hash_key_1: SecretStr = Field(min_length=16)
    hash_key_2: SecretStr = Field(min_length=16)
    service_code: str = Field(default="EVN", max_length=40)
    account: str = Field(default="", max_length=40)
    account_bank: str = Field(default="", max_length=20)
    account_name: str = Field(default="", max_length=200)
    unit_code: str = Field(default="", max_length=40)
    unit_name: str = Field(default="", max_length=200)


class KeyPay(
    TakesPayments[Config], Notifies[Config], AnswersQueries[Config], AnswersInquiries[Config]
):
    """The portal: citizens pay there, and it asks us what they owe."""

    code = "keypay"
    title = "KeyPay (Cổng Dịch vụ công)"
    channels = frozenset({Channel.PORTAL})
    Config = Config
    private_fields: ClassVar[frozenset[str]] = frozenset(
        {"HoTenNguoiNop", "SoCMNDNguoiNop", "DiaChi"}
    )

    @property
    def merchant(self) -> str:
        """Our client_id."""
        return self.config.client_id

    def reference_of(self, attempt_id: UUID, created_at: datetime) -> str:
        """Give the transaction_id: 20 letters and digits, 100 bits of the attempt's hash."""
        digest = hashlib.sha256(attempt_id.bytes).digest()
        return base64.b32encode(digest)[:20].decode()

    def create(self, order: Order) -> Call:
        """Build the call that opens the order."""
        signed = {
            "addition_fee": "0",
            "client_id": self.config.client_id,
            "command": "PAY",
            "trans_amount": str(order.amount_dong),
            "transaction_id": order.reference,
            "version": VERSION,
        }
        body = {
            **signed,
            "description": order.text,
            "locale": "en" if order.locale == "en" else "vi",
            "country_code": "vn",
            "currency_code": "VND",
            "environment": "1",
            "return_url": order.return_url,
            "notify_url": order.notify_url,
            "bill_info": self._bill_info(order),
            "check_sum": self._sign(self.config.hash_key_1, SIGNED, signed),
        }
        return self._call("create", self.config.create_path, body)

    def _bill_info(self, order: Order) -> dict[str, object]:
        fee = {
            "LoaiPhiLePhi": "1",
            "MaPhiLePhi": "TD",
            "TenPhiLePhi": "Tiền điện",
            "SoTien": str(order.amount_dong),
        }
        return {
            "MaDichVu": self.config.service_code,
            "TKThuHuong": self.config.account,
            "MaNHThuHuong": self.config.account_bank,
            "TenTKThuHuong": self.config.account_name,
            "PhiLePhi": [fee],
            "MaDonVi": self.config.unit_code,
            "TenDonVi": self.config.unit_name,
            "MaHoSo": order.reference,
            "NoiDungThanhToan": order.text,
        }

    def read_created(self, order: Order, reply: Reply) -> Opened | Finding:
        """Read payment_url; a refusal proves nothing, for no table of them is public."""
        said = read_object(reply.body)
        code, url = text_of(said, "error"), text_of(said, "payment_url")
        if not code:
            raise Unreadable(what="error")
        if code != OPENED:
            return Finding(Outcome.UNKNOWN, code=code, message=text_of(said, "msg"))
        if not url.startswith(("https://", "http://")):
            raise Unreadable(what="payment_url")
        return Opened(NextAction(redirect_url=url))

    def read_notification(self, incoming: Incoming) -> Notification:
        """Read a callback: who and how much is signed, what became of it is not."""
        said = read_object(incoming.body)
        signed = _texts(said, SIGNED)
        due = self._sign(self.config.hash_key_2, SIGNED, signed)
        check_signature(due, text_of(said, "check_sum").lower())
        if (signed["command"], signed["version"]) != ("PAY", VERSION):
            raise Unreadable(what="command")
        status = _text(said, "status")
        outcome = Outcome.PENDING if status == "0" else Outcome.UNKNOWN
        finding = _finding(outcome, status, signed)
        return Notification(f"{signed['transaction_id']}:{status}", finding)

    def acknowledge(self, verdict: Verdict) -> Acknowledgement:
        """Say 0 for what is written down, -1 for anything else."""
        is_kept = verdict in {Verdict.RECORDED, Verdict.REPEATED}
        said = {"return_code": 0 if is_kept else -1, "return_msg": verdict.value}
        return Acknowledgement(200, orjson.dumps(said), "application/json")

    def query(self, order: Order, moment: Moment) -> Call:
        """Ask by our transaction_id."""
        signed = {
            "client_id": self.config.client_id,
            "command": "QUERY",
            "transaction_id": order.reference,
        }
        check_sum = self._sign(self.config.hash_key_1, tuple(signed), signed)
        return self._call("query", self.config.query_path, {**signed, "check_sum": check_sum})

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        """Read the signed answer."""
        said = read_object(reply.body)
        signed = _texts(said, ANSWERED)
        due = self._sign(self.config.hash_key_2, ANSWERED, signed)
        check_signature(due, text_of(said, "check_sum").lower())
        if signed["command"] != "QUERY":
            raise Unreadable(what="command")
        status = signed["status"]
        return _finding(QUERIED.get(status, Outcome.UNKNOWN), status, signed)

    def _call(self, operation: str, path: str, body: Mapping[str, object]) -> Call:
        headers = {"content-type": "application/json"}
        return Call(operation, self.config.host + path, orjson.dumps(body), headers=headers)

    def _sign(self, key: SecretStr, names: tuple[str, ...], fields: Mapping[str, str]) -> str:
        return sign(key.get_secret_value(), *(fields[name] for name in names))

    # ── the portal asks ──────────────────────────────────────────────────────────────────────

    def read_question(self, operation: str, incoming: Incoming, moment: Moment) -> Question:
        """Read `dvc/bills/query` (by customer) or `dptracuuthanhtoanhs` (by dossier: a bill)."""
        said = read_object(incoming.body)
        names = {"dvc/bills/query": "maKhachHang", "dptracuuthanhtoanhs": "MaHoSo"}
        name = names.get(operation)
        if name is None:
            raise Unreadable(what="operation")
        asked, request = _text(said, name), _text(said, "requestId")
        check_signature(
            sign(self.config.hash_key_2.get_secret_value(), asked, request),
            text_of(said, "check_sum").lower(),
        )
        return Inquiry(bill_id=asked) if name == "MaHoSo" else Inquiry(asked)

    def write_answer(self, question: Question, settled: Settled) -> Acknowledgement:
        """Write 1 with the bills, 0 if nothing is due, -1 for the rest."""
        codes = {Result.BILLS: PAYABLE, Result.NO_DEBT: NOTHING_DUE}
        said: dict[str, object] = {"error_code": codes.get(settled.result, ERROR)}
        listed = [_shown(bill) for bill in settled.bills]
        if isinstance(question, Inquiry) and question.bill_id:
            said["message"] = listed[0] if listed else settled.result.value
        else:
            said |= {"hoaDon": listed, "message": settled.result.value}
        return Acknowledgement(200, orjson.dumps(said), "application/json")

    def write_refusal(
        self, operation: str, incoming: Incoming, why: Garbled | None
    ) -> Acknowledgement:
        """Write -1: nothing was read."""
        said = {"error_code": ERROR, "message": "refused" if why else Result.DOUBT.value}
        return Acknowledgement(200, orjson.dumps(said), "application/json")


def sign(key: str, *values: str) -> str:
    """Sign values, joined by `|`.

    >>> sign("k", "0", "evn")[:16]
    '252715ae2357fe80'
    """
    text = "|".join(values).encode("utf-8", "surrogatepass")
    return hmac.new(key.encode(), text, hashlib.sha256).hexdigest()


def _text(said: Mapping[str, Any], name: str) -> str:
    """Give a text or a whole number as text, without the sign that joins what is signed."""
    value = said.get(name)
    text = str(integer_of(said, name)) if type(value) is int else text_of(said, name)
    if not text or "|" in text:
        raise Unreadable(what=name)
    return text


def _texts(said: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, str]:
    return {name: _text(said, name) for name in names}


def _finding(outcome: Outcome, status: str, signed: Mapping[str, str]) -> Finding:
    return Finding(
        outcome,
        code=status,
        reference=signed["transaction_id"],
        amount_dong=integer_of(signed, "trans_amount"),
        merchant=signed["client_id"],
    )


def _shown(bill: ask.BillShown) -> dict[str, object]:
    return {
        "maHoaDon": bill.id,
        "ky": 1,
        "thang": bill.period.month,
        "nam": bill.period.year,
        "tongTien": bill.amount_dong,
    }
