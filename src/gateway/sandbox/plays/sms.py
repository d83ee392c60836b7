"""A customer pays the bill by text message: asked, quoted, confirmed, doubted, told."""

import re
from datetime import datetime
from time import monotonic, sleep
from uuid import uuid4

import httpx

from gateway.domain.clock import VIETNAM
from gateway.sandbox.plays import PlayStage
from gateway.sandbox.plays.auto_debit import BANK, BIN
from gateway.sandbox.plays.auto_debit import PARTS as BANKS
from gateway.sandbox.rails import RailPart
from gateway.sandbox.scenario import TIMEOUT_S, Json, SceneFailed, dong, expect, look_up

TITLE = "a bill, by text message from the telephone of the mandate"
CENTRE = "smsbanking"
PARTS = (
    *BANKS,
    RailPart(
        code=CENTRE,
        title="Tổng đài tin nhắn",
        channel="sms_banking",
        argv=("--mo-url", "{gateway}/v1/texts/smsbanking"),
        config={
            "host": "{rail}",
            "secret": "sms-sandbox-simulator-secret-0001",
            "bank": "VBA",
            "biller": "evnspc-camau",
            "mandates": BANK,
            "deadline_s": "3",
        },
    ),
)
WAIT_S = 60.0
SMS_MOST_DONG = 2_000_000


def perform(stage: PlayStage) -> None:
    """Pay two bills by message: one that is answered at once, one in doubt.

    Raises:
        SceneFailed: an answer is not what it must be.
    """
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as http:
        _Play(stage, http).perform()


class _Play:
    def __init__(self, stage: PlayStage, http: httpx.Client) -> None:
        self.stage, self.http, self.say = stage, http, stage.say
        self.bank, self.centre = stage.rails[BANK].url, stage.rails[CENTRE].url

    def perform(self) -> None:
        sure, doubtful = self._customers()
        self.say("1. Two customers let their bank debit; each telephone is that of a mandate")
        phones = {code: f"8491{uuid4().int % 10**7:07d}" for code in (sure, doubtful)}
        for code, phone in phones.items():
            self._mandate(code, phone)
        before = self._charges()
        self.say("2. Asked, quoted with a one-time code, confirmed: the bank debits the mandate")
        phone = phones[sure]
        self._write(phone, f"vba no evn {sure.lower()}", "no 1 hoa don")
        self._write("84900000009", f"VBA NO EVN {sure}", "chua dang ky")
        otp = _otp(self._write(phone, f"VBA  TT EVN {sure}", "XN"))
        wrong = f"{(int(otp) + 1) % 10**6:06d}"
        self._write(phone, f"VBA XN {wrong}", "Con 2 lan")
        self._write(phone, f"VBA XN {otp}", "Da thanh toan", number="MO-PAID-" + sure)
        self._write(phone, f"VBA XN {otp}", "Da thanh toan", number="MO-PAID-" + sure)
        self.say("   … the repeated message got its first reply, and nothing was debited again")
        self.say("3. The bank debits and its answer is lost: nothing is guessed")
        lost = {"operation": "debit", "fault": "error_after"}
        expect(self.http.post(f"{self.bank}/control/faults", json=lost), 204)
        phone = phones[doubtful]
        otp = _otp(self._write(phone, f"VBA TT EVN {doubtful}", "XN"))
        self._write(phone, f"VBA XN {otp}", "khong tra lai lan nua")
        self._await_text(phone, "Da thanh toan")
        taken = [charge["amount_dong"] for charge in self._charges()[len(before) :]]
        if len(taken) != len(phones):
            message = f"the bank debited {len(taken)} times, not {len(phones)}"
            raise SceneFailed(message)
        self.say(f"4. The bank's own books: {' and '.join(map(dong, taken))}, each debited once")

    def _charges(self) -> list[Json]:
        found: list[Json] = self._get(f"{self.bank}/control/charges")["charges"]
        return found

    def _customers(self) -> list[str]:
        found = []
        for code in self.stage.stage.customers:
            bills = look_up(self.http, self.stage.stage, code).get("bills", ())
            is_fit = len(bills) == 1 and bills[0]["due_dong"] <= SMS_MOST_DONG
            if is_fit and not self._get(self._mandates(code), ours=True)["data"]:
                found.append(code)
            if len(found) == 2:  # noqa: PLR2004 (one sure, one in doubt)
                return found
        message = "too few customers with one open bill are left; start with a new --data-dir"
        raise SceneFailed(message)

    def _mandate(self, code: str, phone: str) -> None:
        now = datetime.now(VIETNAM)
        body = {
            "biller": self.stage.stage.biller,
            "customer_code": code,
            "provider": BANK,
            "bank": BIN,
            "account": {
                "number": f"19007{code[-8:]}",
                "name": "Nguyễn Thị Sáu",
                "id_no": "096123456780",
                "phone": phone,
            },
            "max_debit_dong": 5_000_000,
            "starts_on": now.date().isoformat(),
            "consent": {
                "given_by": "Nguyễn Thị Sáu",
                "given_at": now.isoformat(),
                "channel": "otp",
                "text_version": "2026-11",
                "text": "Tôi đồng ý cho ngân hàng trích tài khoản để trả tiền điện.",
                "evidence": "OTP",
            },
        }
        url = f"{self.stage.stage.gateway}/v1/mandates"
        headers = self._headers() | {"idempotency-key": str(uuid4())}
        made = _json(self.http.post(url, json=body, headers=headers), 201)
        otp = self._get(f"{self.bank}/control/otps/{made['id']}")["otp"]
        confirm = f"{url}/{made['id']}/confirm"
        expect(self.http.post(confirm, json={"otp": otp}, headers=headers), 200)

    def _write(self, phone: str, text: str, due: str, *, number: str = "") -> str:
        said = {"id": number or f"MO-{uuid4().hex[:8]}", "from": phone, "text": text}
        answer = _json(self.http.post(f"{self.centre}/control/mo", json=said), 200)
        reply = str(answer["reply"])
        shown = re.sub(r"XN \d{6}", "XN ******", text), re.sub(r"XN \d{6}", "XN ******", reply)
        self.say(f"   ✉ {shown[0]}\n   ✆ {shown[1]}")
        if due not in reply:
            message = f"'{text}' was answered '{reply}', without '{due}'"
            raise SceneFailed(message)
        return reply

    def _await_text(self, phone: str, due: str) -> None:
        until = monotonic() + WAIT_S
        while monotonic() < until:
            texts = self._get(f"{self.centre}/control/inbox/{phone}")["texts"]
            for text in texts:
                if due in text:
                    self.say(f"   ✆ {text}")
                    return
            sleep(0.5)
        message = f"no message with '{due}' came within {WAIT_S:.0f} s"
        raise SceneFailed(message)

    def _mandates(self, code: str) -> str:
        return f"{self.stage.stage.gateway}/v1/mandates?customer_code={code}"

    def _get(self, url: str, *, ours: bool = False) -> Json:
        return _json(self.http.get(url, headers=self._headers() if ours else {}), 200)

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.stage.stage.bank_key}"}


def _json(answer: httpx.Response, status: int) -> Json:
    expect(answer, status)
    found: Json = answer.json()
    return found


def _otp(reply: str) -> str:
    found = re.search(r"XN (\d{6})", reply)
    if found is None:
        message = f"no code in '{reply}'"
        raise SceneFailed(message)
    return found[1]
