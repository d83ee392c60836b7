"""What the simulated terminal cloud keeps: terminals, batches, sales as they stand, money back."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gateway.sandbox import pospush_wire as wire
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_orders import OrderState, RailOrder

Said = dict[str, Any]
VIETNAM = timezone(timedelta(hours=7))
CARD = {"masked_pan": "970436******0018", "scheme": "NAPAS", "entry_mode": "CHIP"}
KNOWN = ("response_code", "rrn", "auth_code", "masked_pan", "scheme", "entry_mode", "stan")


class Switches(BaseModel):
    """What `POST /control/pospush` changes."""

    model_config = ConfigDict(extra="forbid")

    offline: tuple[str, ...] = ()
    """Serials of terminals without a network."""
    unknown: tuple[str, ...] = ()
    """Serials that belong to nobody; any other is a terminal."""
    declined: str = Field(default="05", pattern=r"^[0-9]{2}$")
    """The response_code of a card that is declined; 00 is a cancel at the terminal."""
    refunded: str = Field(default="DONE", pattern="^(DONE|PENDING|REFUSED)$")
    """What a refund ends with; one that is pending is done when it is next asked for."""


class Does(StrEnum):
    """What happens at a terminal beside what a payer's act says."""

    PRESENT = "present"
    CANCEL = "cancel"
    TIME_OUT = "time_out"
    REVERSE = "reverse"


class Terminal(BaseModel):
    """What `POST /control/terminal` does: the cashier, the card or the host does it."""

    model_config = ConfigDict(extra="forbid")

    reference: str
    does: Does
    host_has_it: bool = False
    """With `time_out`: whether the host took the money though the terminal never heard of it."""


@dataclass
class Batch:
    """The open batch of one terminal."""

    number: int = 1
    stan: int = 0

    def next_stan(self) -> str:
        """Give the next trace number."""
        self.stan += 1
        return f"{self.stan:06d}"


@dataclass
class Back:
    """Money given back, or not, of one sale."""

    order: RailOrder
    refund_id: str
    amount_dong: int
    kind: str
    status: str
    rrn: str
    at: datetime

    @property
    def stands(self) -> bool:
        """Whether the money is given back, or may yet be."""
        return self.status != "REFUSED"

    def told(self) -> Said:
        """Write it; one that is pending has ended when it is next asked for."""
        said = {
            "refund_id": self.refund_id,
            "sale_id": self.order.reference,
            "kind": self.kind,
            "amount": self.amount_dong,
            "status": self.status,
            "rrn": self.rrn,
            "occurred_at": self.at.astimezone(VIETNAM).isoformat(timespec="seconds"),
        }
        self.status = "DONE" if self.status == "PENDING" else self.status
        return said


def sale_of(order: RailOrder, mid: str) -> Said:
    """Write a sale as it stands."""
    kept = order.fields
    at = kept.get("at", order.created_at).astimezone(VIETNAM)
    return {
        "sale_id": order.reference,
        "serial": kept["serial"],
        "amount": order.amount_dong,
        "status": order.code or wire.PUSHED,
        **{name: kept.get(name) for name in KNOWN},
        "tid": f"T{kept['serial'][-7:]}",
        "mid": mid,
        "batch_no": kept.get("batch_no"),
        "settled": kept.get("settled", False),
        "occurred_at": at.isoformat(timespec="seconds"),
    }


def twisted(said: Said, fault: Fault | None) -> Said:
    """Say it with the fault."""
    if fault is Fault.WRONG_AMOUNT:
        return said | {"amount": said["amount"] + 1000}
    if fault is Fault.OTHER_ORDER:
        last = "0" if said["sale_id"][-1] != "0" else "1"
        return said | {"sale_id": f"{said['sale_id'][:-1]}{last}"}
    if fault is Fault.SKEWED_CLOCK:
        ahead = datetime.fromisoformat(said["occurred_at"]) + timedelta(minutes=20)
        return said | {"occurred_at": ahead.isoformat()}
    return said


def is_live(order: RailOrder) -> bool:
    """Say whether a sale keeps its terminal busy."""
    return order.state in {OrderState.OPEN, OrderState.PROCESSING} and order.code != wire.TIMEOUT
