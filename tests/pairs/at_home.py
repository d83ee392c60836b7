"""A payer at the door: cash into the hand of a collector whose tablet is offline."""

from datetime import UTC, datetime, timedelta

from gateway.domain.biller import Channel
from gateway.domain.field_cash import Result
from gateway.sandbox.field_device import upload
from tests.pairs.payers import REFUSED, Payer, Refused
from tests.pairs.street import COLLECTORS, COLLECTORS_HOUSE, COLLECTORS_KEY

AREA = "SELECT area_code FROM customers WHERE code = $1"
STANDS = (Result.ALREADY_PAID, Result.BEING_PAID)
"""What becomes of cash that does not pay its bill because another payer did, or may have."""


class HomeCash(Payer):
    """Cash at the door for a bill of a hand-over list; the second payer's collector is another.

    Once it is in the collector's hand, nobody can refuse it.
    """

    channel = Channel.HOME_CASH
    given = ""

    def prepare(self) -> None:
        """Hand the bill over to the collector."""
        (area,) = self.street.sql(AREA, self.bill.customer_code)
        until = datetime.now(UTC) + timedelta(days=2)
        body = {
            "collector": COLLECTORS[self.seat],
            "area_code": area["area_code"],
            "book_code": "PAIR-01",
            "valid_until": until.isoformat(timespec="seconds"),
            "customer_codes": [self.bill.customer_code],
        }
        answer = self.street.post("/v1/hand-over-lists", body, COLLECTORS_HOUSE)
        if answer.status_code == REFUSED:
            raise Refused(answer.json()["code"])
        assert answer.status_code == 201, answer.text
        made = answer.json()
        assert [bill["id"] for bill in made["bills"]] == [self.bill.id], made
        self.given = made["id"]

    def take(self) -> None:
        """Take the cash, sign its receipt, and upload it; the batch holds the receipt twice."""
        tablet = self.street.tablets[self.seat]
        with self.street.lock:
            now = datetime.now(UTC)
            receipt = tablet.collect(self.given, self.bill.id, self.bill.amount_dong, now)
        batch = tablet.batch([receipt, receipt])
        gateway = self.street.house.stage.gateway
        answer = upload(self.street.http, gateway, COLLECTORS_KEY, self.given, batch)
        assert answer.status_code == 200, answer.text
        line, again = answer.json()["lines"][:2]
        assert (again["result"], again["first_result"]) == (Result.DUPLICATE, line["result"])
        if line["result"] != Result.ACCEPTED:
            assert line["result"] in STANDS, line
            assert line["suspense_id"] is not None, line

    def takings(self) -> dict[str, int]:
        """Read the tablet's own book: what it wrote is in the collector's hand."""
        return {
            receipt["receipt_no"]: receipt["amount_dong"]
            for receipt in self.street.tablets[self.seat].written
            if receipt["bill_id"] == self.bill.id
        }
