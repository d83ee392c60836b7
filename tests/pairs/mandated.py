"""Payers whose bank debits on a standing permission: a text message, and a debit run."""

import re
from datetime import date, datetime, timedelta
from threading import Lock
from time import monotonic, sleep
from typing import ClassVar
from uuid import uuid4

from gateway.domain.biller import Channel
from gateway.domain.calendar import next_business_day, on_or_after
from gateway.domain.clock import VIETNAM
from gateway.sandbox.plays.auto_debit import BANK, BIN
from gateway.sandbox.plays.sms import CENTRE
from tests.pairs.payers import Payer, Refused, numbered
from tests.pairs.street import PARTNERS, Street

SENDERS = ("send", "send again")
BEGIN_WAIT_S = 15.0
# The bank's own references of what was asked of it for a bill; the amounts stand in its books.
REFERENCES = """
SELECT a.reference FROM attempts a JOIN payments p ON p.id = a.payment_id
JOIN payment_bills l ON l.payment_id = p.id
WHERE l.bill_id = $1 AND a.provider = $2 AND p.channel = $3
"""

DRAWN = "SELECT count(*) AS drawn FROM payments WHERE channel = 'auto_debit'"


class Mandated(Payer):
    """A payer with a mandate at the bank."""

    def takings(self) -> dict[str, int]:
        """Read the bank's debits."""
        rows = self.street.sql(REFERENCES, self.bill.id, BANK, self.channel)
        return numbered(self.street.books(BANK)["charges"], {row["reference"] for row in rows})

    def mandate(self) -> str:
        """Make the customer's mandate, or find it; give the telephone that stands in it."""
        customer = self.bill.customer_code
        if customer in self.street.phones:
            return self.street.phones[customer]
        number, now = f"8491{uuid4().int % 10**7:07d}", datetime.now(VIETNAM)
        name = "Nguyễn Thị Sáu"
        body = {
            "biller": self.street.house.stage.biller,
            "customer_code": customer,
            "provider": BANK,
            "bank": BIN,
            "account": {
                "number": f"19007{customer[-8:]}",
                "name": name,
                "id_no": "096123456780",
                "phone": number,
            },
            "max_debit_dong": 5_000_000,
            "starts_on": now.date().isoformat(),
            "consent": {
                "given_by": name,
                "given_at": now.isoformat(),
                "channel": "otp",
                "text_version": "2026-11",
                "text": "Tôi đồng ý cho ngân hàng trích tài khoản để trả tiền điện.",
                "evidence": "OTP",
            },
        }
        made = self.street.post("/v1/mandates", body, PARTNERS[0])
        assert made.status_code == 201, made.text
        mandate = made.json()["id"]
        otp = self.street.books(BANK, f"otps/{mandate}")["otp"]
        path = f"/v1/mandates/{mandate}/confirm"
        confirmed = self.street.post(path, {"otp": otp}, PARTNERS[0])
        assert confirmed.status_code == 200, confirmed.text
        self.street.phones[customer] = number
        return number


class SmsBanking(Mandated):
    """A text message from the mandate's telephone: quoted with a code, then confirmed."""

    channel = Channel.SMS_BANKING

    def prepare(self) -> None:
        """Ask for the quote."""
        self.phone = self.mandate()
        reply = self._write(f"VBA TT EVN {self.bill.customer_code}")
        found = re.search(r"XN (\d{6})", reply)
        if found is None:
            raise Refused(reply)
        self.otp = found[1]

    def take(self) -> None:
        """Send the code: the bank debits the mandate."""
        reply = self._write(f"VBA XN {self.otp}")
        if "Da thanh toan" not in reply and "khong tra lai lan nua" not in reply:
            raise Refused(reply)

    def _write(self, text: str) -> str:
        said = {"id": f"MO-{uuid4().hex[:12]}", "from": self.phone, "text": text}
        return str(self.street.control(CENTRE, "mo", **said)["reply"])


class Run:
    """One day's debit run over all who are planned. Two payers are two operators who send it."""

    def __init__(self, street: Street, day: date) -> None:
        self._street, self._day = street, day
        self._locks = {step: Lock() for step in ("prepare", *SENDERS)}
        self._done: set[str] = set()
        self._drawn = self._count_drawn()

    def plan(self) -> None:
        """Plan the day's debits."""
        self._once("prepare", "--prepare")

    def send(self, sender: str) -> None:
        """Send what is planned, once for each sender."""
        self._once(sender, "--send")

    def await_begun(self) -> None:
        """Wait until the run has drawn somebody's debit, and is about to call the bank."""
        until = monotonic() + BEGIN_WAIT_S
        while self._count_drawn() == self._drawn and monotonic() < until:
            sleep(0.02)

    def _count_drawn(self) -> int:
        return int(self._street.sql(DRAWN)[0]["drawn"])

    def _once(self, step: str, option: str) -> None:
        with self._locks[step]:
            if step not in self._done:
                named = ("--biller", self._street.house.stage.biller, "--provider", BANK)
                day = ("--day", str(self._day), "--rehearse")
                self._street.house.command("debit-run", *named, *day, option)
                self._done.add(step)


class AutoDebit(Mandated):
    """A household whose bank debits by the month's run; many are planned and sent as one."""

    channel = Channel.AUTO_DEBIT
    run: ClassVar[Run]

    @classmethod
    def open_run(cls, street: Street, number: int) -> None:
        """Begin the run of a business day that had none."""
        day = on_or_after(datetime.now(VIETNAM).date() + timedelta(days=1))
        for _ in range(number):
            day = next_business_day(day)
        cls.run = Run(street, day)

    def prepare(self) -> None:
        """Make the mandate; the run is planned when all have theirs."""
        self.mandate()

    def await_begun(self) -> None:
        """Wait for the run."""
        self.run.await_begun()

    def take(self) -> None:
        """Let the run be sent; who is skipped keeps the money."""
        self.run.send(SENDERS[self.seat])
        if not self.takings():
            raise Refused(BANK)
