"""What the simulated OnePay keeps beside its orders: its switches and its refunds."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from gateway.sandbox import onepay_wire as wire
from gateway.sandbox.rail_orders import RailOrder


class Switches(BaseModel):
    """What `POST /control/onepay` changes.

    `declined` is the code of a payer who declines. With `times_out`, notification and browser say
    253 whatever became of the payment, and queryDR alone knows. `refunded` is what a refund ends
    with; 300 lets it be in work until the second queryDR.
    """

    model_config = ConfigDict(extra="forbid")

    declined: str = Field(default=wire.CANCELLED, pattern=r"^([0-9]{1,3}|[BEFZ])$")
    times_out: bool = False
    refunded: str = Field(default=wire.DONE, pattern=r"^[0-9]{1,3}$")


@dataclass
class Refund:
    """Money given back, or not, from one order."""

    order: RailOrder
    asked: dict[str, str]
    number: str
    code: str

    @property
    def amount_dong(self) -> int:
        """What was asked for, in đồng; OnePay counts in hundredths."""
        return int(self.asked["vpc_Amount"]) // 100

    @property
    def stands(self) -> bool:
        """Whether the money is given back, or may yet be."""
        return self.code in {wire.DONE, wire.PENDING, wire.UNPAID, wire.TIMED_OUT}

    def is_again(self, asked: dict[str, str]) -> bool:
        """Say whether this is what was asked before."""
        return all(self.asked[name] == asked[name] for name in ("vpc_OrgMerchTxnRef", "vpc_Amount"))

    def tell(self) -> str:
        """Give the code; one that is in work has ended when it is next asked for."""
        said, self.code = self.code, wire.DONE if self.code == wire.PENDING else self.code
        return said
