"""A payer on each channel: what is prepared, how the money is taken, and whose books say so."""

from abc import ABC, abstractmethod
from typing import ClassVar

from gateway.domain.biller import Channel
from tests.pairs.street import PARTNERS, Bill, Json, Street, order

REFUSED = 409


class Refused(Exception):
    """The payer is told no, before anything is taken."""


class Payer(ABC):
    """One payer of one bill. `seat` 0 is the first payer of a pair, 1 the second, who is at
    another partner or provider where the channel has one.

    Attributes:
        refusal: why no money was taken, where the payer was refused before it.
    """

    channel: ClassVar[Channel]
    rails: ClassVar[tuple[str, str]] = ("", "")
    """Where the first payer of a pair pays and where the second, by the simulators' names."""

    def __init__(self, street: Street, bill: Bill, seat: int) -> None:
        self.street, self.bill, self.partner = street, bill, PARTNERS[seat]
        self.seat, self.rail = seat, self.rails[seat]
        self.refusal = ""
        self.debits: dict[str, int] = {}
        self.reference = ""

    def prepare(self) -> None:
        """Come as far as one can before money moves.

        Raises:
            Refused: nothing can be taken.
        """
        return

    def await_begun(self) -> None:
        """Wait until this payer's money begins to move, where that takes its time."""
        return

    @abstractmethod
    def take(self) -> None:
        """Let the money move, at the other side.

        Raises:
            Refused: nothing was taken, or what was taken has gone back to the payer.
        """

    @abstractmethod
    def takings(self) -> dict[str, int]:
        """Give from the other side's books what the payer has lost and not got back, in đồng, by
        the books' own number of the movement.
        """


class Collected(Payer):
    """A partner that debits its own customer and then pays; told no, it books the return."""

    def take(self) -> None:
        """Debit, pay, and give back if told no."""
        body = order(self.street, self.bill, method="collected", channel=self.channel)
        number = str(body["partner_reference"])
        self.debits[number] = self.bill.amount_dong
        answer = self.street.post("/v1/payments", body, self.partner)
        if answer.status_code == REFUSED:
            del self.debits[number]
            raise Refused(answer.json()["code"])
        assert answer.status_code == 201, answer.text

    def takings(self) -> dict[str, int]:
        """Read the partner's own books."""
        return self.debits


class MobileBanking(Collected):
    """A bank's app."""

    channel = Channel.MOBILE_BANKING


class CounterCash(Collected):
    """Cash at a counter of a collector."""

    channel = Channel.COUNTER_CASH


class InternetBanking(Payer):
    """A bank on its own wire; it follows our codes to the letter."""

    channel = Channel.INTERNET_BANKING
    rails = ("bidvxml", "bidvrest")

    def prepare(self) -> None:
        """Ask what is owed, as the bank does when its customer opens the page."""
        said = self.street.control(self.rail, "inquire", customer_code=self.bill.customer_code)
        if self.bill.id not in said["bills"]:
            raise Refused(said["code"])

    def take(self) -> None:
        """Debit the customer and pay on the wire."""
        bills = {self.bill.id: self.bill.amount_dong}
        customer = self.bill.customer_code
        said = self.street.control(
            self.rail, "pay", customer_code=customer, bills=bills, channel="web"
        )
        if said["money"] == "returned":
            raise Refused(said["code"])
        assert said["money"] == "booked", said

    def takings(self) -> dict[str, int]:
        """Read the bank's core."""
        own = self.bill.customer_code
        return {
            f"{self.rail} {row['trace']}": sum(row["bills"].values())
            for row in self.street.books(self.rail, "books")["transfers"]
            if row["customer_code"] == own and row["money"] != "returned"
        }


class Ordered(Payer):
    """A payer who goes to a provider's page or app with an order."""

    def prepare(self) -> None:
        """Open the order, and go to the provider's page."""
        how = {
            "method": "provider",
            "provider": self.rail,
            "channel": self.channel,
            "return_url": "https://portal.example.vn/thanks",
            "payer_ip": "113.160.92.202",
            **self.choice(),
        }
        answer = self.street.post(
            "/v1/payments", order(self.street, self.bill, **how), self.partner
        )
        if answer.status_code == REFUSED:
            raise Refused(answer.json()["code"])
        assert answer.status_code == 201, answer.text
        self.payment: Json = answer.json()
        self.reference = self.payment["attempts"][-1]["reference"]
        self.go(self.payment["next_action"] or {})

    def choice(self) -> Json:
        """Give what else the order says."""
        return {}

    def go(self, next_action: Json) -> None:
        """Go where the payer's browser goes; some providers learn of an order only then."""
        if url := next_action.get("redirect_url"):
            self.street.http.get(url, follow_redirects=True)

    def take(self) -> None:
        """Approve on the provider's page; an order that it has closed cannot be paid there."""
        page = f"{self.street.rails[self.rail]}/payer/{self.reference}"
        answer = self.street.http.post(page, content="act=approve")
        assert answer.status_code == 303, answer.text
        if not self.takings():
            raise Refused(self.rail)

    def takings(self) -> dict[str, int]:
        """Read the provider's ledger of charges."""
        return numbered(self.street.books(self.rail)["charges"], {self.reference})


class EWallet(Ordered):
    """MoMo; the second payer is at ViettelPay, which asks us before it charges."""

    channel = Channel.E_WALLET
    rails = ("momo", "viettelpay")


class Card(Ordered):
    """A card on a hosted page."""

    channel = Channel.CARD
    rails = ("onepay", "napas")


class Portal(Ordered):
    """A citizen at the public-service portal."""

    channel = Channel.PORTAL
    rails = ("keypay", "keypay")


class Pos(Ordered):
    """A card at a counter's terminal; each sale has a terminal of its own."""

    channel = Channel.POS
    rails = ("pospush", "pospush")

    def choice(self) -> Json:
        """Choose a free terminal."""
        with self.street.lock:
            return {"option": next(self.street.terminals)}


class Qr(Ordered):
    """A VietQR scanned in a bank's app: nobody can refuse a transfer."""

    channel = Channel.QR
    rails = ("vietqr", "vietqr")

    def go(self, next_action: Json) -> None:
        """Scan it."""
        self.qr = next_action["qr_content"]
        self.reference = ""

    def take(self) -> None:
        """Transfer the money; the bank's teller tells us."""
        said = self.street.control("bank_credits", "transfer", qr=self.qr)
        self.reference = said["reference"]

    def takings(self) -> dict[str, int]:
        """Read the account's movements."""
        moved = self.street.books("bank_credits", "movements")["movements"]
        return numbered(moved, {self.reference})


def numbered(rows: list[Json], own: set[str]) -> dict[str, int]:
    """Give the amounts of some references, each movement under a number of its own."""
    return {
        f"{row['reference']} {number}": row["amount_dong"]
        for number, row in enumerate(rows)
        if row["reference"] in own
    }
