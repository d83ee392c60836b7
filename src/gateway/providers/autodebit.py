"""A bank's auto-debit, `vn-autodebit/0.1`: mandates, debits by call and by file.

No bank of Vietnam publishes its direct-debit format, so this profile is the gateway's own proposal
(docs/providers/autodebit.md, stated 2026-11-24; codes after ISO 8583), to be replaced by a bank's
own. Units: whole đồng. Text: ASCII capitals. Signature, of every message both ways: `X-Signature` =
hex HMAC-SHA256(secret, `X-Timestamp` + "." + raw body). One deployment's `autodebit` is one bank.
"""

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from pydantic import Field, SecretStr

from gateway.domain.biller import Channel
from gateway.domain.evidence import Finding, Outcome
from gateway.domain.mandate import MandateState
from gateway.domain.phones import normalise_phone
from gateway.domain.plain_text import plain
from gateway.kit import abilities, debit_files, messages
from gateway.kit import mandate_messages as bank
from gateway.kit.mandate_messages import AfterFailure, Mandate, MandateSaid
from gateway.kit.messages import Call, Incoming, Moment, Order, Reply, Unreadable, Verdict
from gateway.kit.payload import check_signature, integer_of, read_object, text_of

DONE, DUPLICATE, RETURNED, NOT_FOUND = "00", "94", "38", "25"

RESULT_CODES: Final[Mapping[str, tuple[Outcome, AfterFailure]]] = {
    "00": (Outcome.SUCCEEDED, AfterFailure.GIVE_UP),
    "01": (Outcome.PENDING, AfterFailure.GIVE_UP),
    "51": (Outcome.FAILED, AfterFailure.RETRY),  # no funds: again on the next day
    "61": (Outcome.FAILED, AfterFailure.GIVE_UP),  # over the mandate's limit
    "14": (Outcome.FAILED, AfterFailure.CANCEL),  # account wrong or closed
    "62": (Outcome.FAILED, AfterFailure.SUSPEND),  # account blocked
    "57": (Outcome.FAILED, AfterFailure.CANCEL),  # mandate missing or cancelled
    "12": (Outcome.FAILED, AfterFailure.GIVE_UP),  # bad data
    "38": (Outcome.FAILED, AfterFailure.GIVE_UP),  # disputed: given back after it was booked
    "25": (Outcome.ABSENT, AfterFailure.GIVE_UP),  # no such debit
}
"""A debit's code: what it says of the money, and what follows if it failed. Anything absent is
UNKNOWN: so are 91 (core not reachable) and 68 (late; it may be booked), and 94 without the first
answer."""

_WRONG_OTP = "55"
_NOT_REGISTERED = frozenset({"12", "14", "62"})
_GONE = frozenset({"57", "25"})
_STATES = {state.value.upper(): state for state in MandateState}
_OK, _MISSING = 200, 404


class Config(abilities.Config):
    """The agreement with one bank."""

    host: str = Field(default="https://autodebit.sandbox.invalid", pattern=r"^https?://[^\s?#@]+$")
    """The profile is nobody's, so there is no sandbox to default to: must be given."""
    client_id: str = Field(pattern=r"^[0-9A-Za-z_.-]{1,64}$")
    secret: SecretStr = Field(min_length=16)
    bank_bin: str = Field(pattern=r"^[0-9]{6}$")


class AutoDebit(
    abilities.Notifies[Config],
    abilities.AnswersQueries[Config],
    abilities.DebitsMandates[Config],
    abilities.DebitsByFile[Config],
):
    """A bank that debits its customers on mandates; a debit's id is our attempt's reference."""

    code, title = "autodebit", "Trích nợ tự động qua ngân hàng"
    channels = frozenset({Channel.AUTO_DEBIT, Channel.SMS_BANKING})
    Config = Config
    private_fields = frozenset({"account_no", "account_name", "id_no", "phone", "otp"})

    @property
    def merchant(self) -> str:
        """The bank's name for us; its messages do not carry it."""
        return self.config.client_id

    def register(self, mandate: Mandate, moment: Moment) -> Call:
        """Build `POST /mandates`; our reference is the mandate's id there."""
        fields: dict[str, Any] = {
            "mandate_id": mandate.reference,
            "bank_bin": mandate.bank,
            "account_no": mandate.account_no,
            "account_name": to_capitals(mandate.account_name),
            "customer_code": mandate.customer_code,
            "id_no": mandate.id_no,
            "phone": normalise_phone(mandate.phone) or mandate.phone,
            "max_amount": mandate.max_debit_dong,
            "day_of_month": mandate.day_of_month or "ON_ISSUE",
            "retry_days": mandate.retry_days,
            "start": mandate.starts_on.isoformat(),
            "channel_registered": "OTP" if mandate.consent_channel in {"otp", "app"} else "BRANCH",
        }
        if mandate.max_month_dong is not None:
            fields["max_per_month"] = mandate.max_month_dong
        if mandate.ends_on is not None:
            fields["end"] = mandate.ends_on.isoformat()
        return self._post("mandate", "/mandates", fields, moment)

    def read_registered(self, mandate: Mandate, reply: Reply) -> MandateSaid:
        """Read how the mandate stands; bad data or a wrong account registered nothing."""
        said = self._said(reply)
        is_refusal = said.code in _NOT_REGISTERED and said.state is None
        return replace(said, state=MandateState.REJECTED) if is_refusal else said

    def confirm(self, mandate: Mandate, otp: str, moment: Moment) -> Call:
        """Build `POST /mandates/{id}/confirm`."""
        path = f"/mandates/{mandate.reference}/confirm"
        return self._post("mandate_confirm", path, {"otp": otp}, moment)

    def read_confirmed(self, mandate: Mandate, reply: Reply) -> MandateSaid:
        """Read how the mandate stands; after the third wrong password it is rejected (75)."""
        return self._said(reply)

    def cancel_mandate(self, mandate: Mandate, reason: str, moment: Moment) -> Call:
        """Build `POST /mandates/{id}/cancel`."""
        path = f"/mandates/{mandate.reference}/cancel"
        return self._post("mandate_cancel", path, {"reason": to_capitals(reason)[:70]}, moment)

    def read_mandate_cancelled(self, mandate: Mandate, reply: Reply) -> MandateSaid:
        """Read how the mandate stands; one that the bank does not know (any more) is cancelled."""
        said = self._said(reply)
        is_gone = said.code in _GONE and said.state is None
        return replace(said, state=MandateState.CANCELLED, is_refused=False) if is_gone else said

    def query_mandate(self, mandate: Mandate, moment: Moment) -> Call:
        """Build `GET /mandates/{id}`."""
        return self._get("mandate_query", f"/mandates/{mandate.reference}", moment)

    def read_mandate_queried(self, mandate: Mandate, reply: Reply) -> MandateSaid:
        """Read how the mandate stands."""
        return self._said(reply)

    def debit(self, line: bank.DebitLine, moment: Moment) -> Call:
        """Build `POST /debits`; the same debit_id again is answered with the first answer (94)."""
        fields = {
            "debit_id": line.order.reference,
            "mandate_id": line.mandate.reference,
            "bill_id": line.bill_id,
            "amount": line.order.amount_dong,
            "attempt": line.number,
        }
        return self._post("debit", "/debits", fields, moment)

    def read_debited(self, order: Order, reply: Reply) -> Finding:
        """Read the answer, or under 94 the first one's."""
        return _finding(self._read(reply))

    def query(self, order: Order, moment: Moment) -> Call:
        """Build `GET /debits/{debit_id}`."""
        return self._get("query", f"/debits/{order.reference}", moment)

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        """Read the debit; 25 says that the bank never heard of it, or not yet."""
        return _finding(self._read(reply))

    def after_failure(self, code: str) -> AfterFailure:
        """Say what follows a refusal, by the table."""
        return RESULT_CODES.get(code, (Outcome.UNKNOWN, AfterFailure.GIVE_UP))[1]

    def write_debits(
        self, named: bank.FileNamed, lines: Iterable[bank.DebitLine]
    ) -> bank.DebitFile:
        """Write `AD_<bank>_<yyyyMMdd>_<seq>.REQ`."""
        written = [
            debit_files.RequestLine(
                debit_id=line.order.reference,
                mandate_id=line.mandate.reference,
                account_no=line.mandate.account_no,
                amount_dong=line.order.amount_dong,
                customer_code=line.mandate.customer_code,
                bill_id=line.bill_id,
                attempt=line.number,
            )
            for line in lines
        ]
        name = debit_files.request_name(self.config.bank_bin, named.day, named.number)
        return bank.DebitFile(name, debit_files.write_debits(written))

    def read_results(self, raw: bytes) -> bank.Results:
        """Read a `.RES` file; its lines carry no amounts, `taken_dong` is the trailer's sum."""
        lines, taken_dong = debit_files.read_results(raw)
        return bank.Results([_line(at, line) for at, line in enumerate(lines, 1)], taken_dong)

    def read_notification(
        self, incoming: Incoming
    ) -> messages.Notification | bank.MandateNews | bank.Return:
        """Verify and read `POST /notify`: a debit's end, its late return, or a mandate's change."""
        self._check(incoming.headers, incoming.body)
        fields = read_object(incoming.body)
        kind, event_id = text_of(fields, "type"), text_of(fields, "event_id")
        if kind == "mandate" and event_id:
            said = _mandate(fields)
            if said.reference is None or said.state is None:
                raise Unreadable(what="mandate_id or state")
            return bank.MandateNews(f"{said.reference}:{said.state}:{event_id}", said)
        finding = _finding(fields)
        if kind != "debit" or finding.reference is None:
            raise Unreadable(what="type or debit_id")
        key = f"{finding.reference}:{finding.code}"
        return (bank.Return if finding.code == RETURNED else messages.Notification)(key, finding)

    def acknowledge(self, verdict: Verdict) -> messages.Acknowledgement:
        """Answer 200, which ends the repetition; 400 to what is not theirs, 503 to send again."""
        statuses = {Verdict.REFUSED: 400, Verdict.TRY_LATER: 503}
        return messages.Acknowledgement(statuses.get(verdict, 200))

    def _post(self, operation: str, path: str, fields: Mapping[str, Any], moment: Moment) -> Call:
        body = json.dumps(fields, separators=(",", ":")).encode()
        return self._call(Call(operation, self.config.host + path, body), moment)

    def _get(self, operation: str, path: str, moment: Moment) -> Call:
        return self._call(Call(operation, self.config.host + path, method="GET"), moment)

    def _call(self, call: Call, moment: Moment) -> Call:
        stamp = str(int(moment.now.timestamp()))
        signature = sign(self.config.secret, stamp, call.body)
        headers = {"x-client-id": self.merchant, "x-timestamp": stamp, "x-signature": signature}
        return replace(call, headers={"content-type": "application/json", **headers})

    def _check(self, headers: Mapping[str, str], body: bytes) -> None:
        due = sign(self.config.secret, headers.get("x-timestamp", ""), body)
        check_signature(due, headers.get("x-signature", "").lower())

    def _read(self, reply: Reply) -> dict[str, Any]:
        """Read a signed answer; a status of its own (401, 429, …) says nothing of the money."""
        if reply.status not in {_OK, _MISSING}:
            raise Unreadable(what=f"answer of status {reply.status}")
        self._check(reply.headers, reply.body)
        return read_object(reply.body)

    def _said(self, reply: Reply) -> MandateSaid:
        return _mandate(self._read(reply))


def sign(secret: SecretStr, timestamp: str, body: bytes) -> str:
    """Give the signature of a message, in lower hex."""
    text = timestamp.encode("utf-8", "surrogatepass") + b"." + body
    return hmac.new(secret.get_secret_value().encode(), text, sha256).hexdigest()


def to_capitals(text: str) -> str:
    """Write a name as banks keep it.

    >>> to_capitals("Nguyễn Văn Đặng")
    'NGUYEN VAN DANG'
    """
    return plain(text).replace("|", " ").upper()


def _code(fields: Mapping[str, Any]) -> str:
    code = text_of(fields, "code")
    if not code:
        raise Unreadable(what="code")
    return code


def _finding(fields: Mapping[str, Any]) -> Finding:
    code = _code(fields)
    if code == DUPLICATE and isinstance(first := fields.get("first"), dict):
        fields, code = first, _code(first)
    bank_ref = text_of(fields, "bank_ref")
    if code == DONE and not bank_ref:
        raise Unreadable(what="bank_ref of a debit that was booked")
    return Finding(
        RESULT_CODES.get(code, (Outcome.UNKNOWN, None))[0],
        code,
        text_of(fields, "message"),
        reference=text_of(fields, "debit_id") or None,
        amount_dong=integer_of(fields, "amount"),
        provider_id=bank_ref or None,
        paid_at=debit_files.read_time(text_of(fields, "booked_at")),
    )


def _mandate(fields: Mapping[str, Any]) -> MandateSaid:
    code, state = text_of(fields, "code"), text_of(fields, "state")
    return MandateSaid(
        _STATES.get(state),
        code,
        text_of(fields, "message") or text_of(fields, "reason"),
        reference=text_of(fields, "mandate_id") or None,
        is_refused=code in {_WRONG_OTP, "12"},
    )


def _line(at: int, line: debit_files.BankLine) -> bank.ResultLine:
    outcome = RESULT_CODES.get(line.code, (Outcome.UNKNOWN, None))[0]
    finding = Finding(
        outcome,
        line.code,
        reference=line.debit_id,
        provider_id=line.bank_ref or None,
        paid_at=line.booked_at,
    )
    return bank.ResultLine(at, finding, is_return=line.code == RETURNED, booked_at=line.booked_at)
