"""A biller's service that does as it is told: its adapter in JSON, its books behind respx."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar

import httpx

from gateway.domain.posting import Clearing, Undoing
from gateway.kit import abilities
from gateway.kit.messages import (
    Call,
    Cleared,
    ListedBill,
    Moment,
    Owed,
    OwedBill,
    Posting,
    PostingLine,
    Reply,
    Undone,
    Unreadable,
)

HOST = "http://live-biller.test"


class LiveBiller(
    abilities.LooksUpBills[abilities.Config],
    abilities.ClearsDebt[abilities.Config],
    abilities.ListsPaid[abilities.Config],
):
    """The adapter of the double."""

    code = "livebiller"
    title = "Live biller"
    channels = frozenset()
    Config: ClassVar = abilities.Config

    @property
    def merchant(self) -> str:
        return "GW"

    def look_up(self, customer_code: str, moment: Moment) -> Call:
        return _call("look_up", customer=customer_code)

    def read_looked_up(self, customer_code: str, reply: Reply) -> Owed | None:
        said = _read(reply)
        if said.get("unknown"):
            return None
        bills = tuple(
            OwedBill(b["id"], date.fromisoformat(b["period"]), b["dong"], {"code": f"C-{b['id']}"})
            for b in said["bills"]
        )
        return Owed(said["name"], said["address"], bills)

    def clear(self, posting: Posting, moment: Moment) -> Call:
        lines = [
            {"id": x.bill_id, "dong": x.amount_dong, "reference": x.reference, **x.memory}
            for x in posting.lines
        ]
        return _call("clear", lines=lines)

    def read_cleared(self, posting: Posting, reply: Reply) -> Sequence[Cleared]:
        said = _read(reply)["said"]
        return [
            Cleared(Clearing(said.get(x.reference, "unknown")), said.get(x.reference, ""))
            for x in posting.lines
        ]

    def check(self, posting: Posting, line: PostingLine, moment: Moment) -> Call:
        return _call("check", id=line.bill_id)

    def read_checked(self, posting: Posting, line: PostingLine, reply: Reply) -> Cleared:
        payer = _read(reply)["payer"]
        if payer is None:
            return Cleared(Clearing.NOT_CLEARED)
        return Cleared(Clearing.CLEARED if payer == "GW" else Clearing.PAID_BY_OTHER, payer)

    def undo(self, posting: Posting, line: PostingLine, moment: Moment) -> Call:
        return _call("undo", id=line.bill_id, reference=line.reference)

    def read_undone(self, posting: Posting, line: PostingLine, reply: Reply) -> Undone:
        said = _read(reply)["said"]
        return Undone(Undoing(said), said)

    def list_paid(self, day: date, unit: str) -> Call:
        return _call("list_paid", day=day.isoformat(), unit=unit)

    def read_listed(self, reply: Reply) -> Sequence[ListedBill]:
        return [ListedBill(**line) for line in _read(reply)["lines"]]


def _call(operation: str, **fields: object) -> Call:
    return Call(operation, f"{HOST}/{operation}", json.dumps(fields).encode())


def _read(reply: Reply) -> dict[str, Any]:
    try:
        return dict(json.loads(reply.body))
    except ValueError as error:
        raise Unreadable(what="JSON") from error


def _faulty(fault: Exception | httpx.Response) -> httpx.Response:
    if isinstance(fault, Exception):
        raise fault
    return fault


@dataclass
class BillersBooks:
    """The other side: what is owed and who has paid it. Faults are planned by operation.

    A fault is an exception that is raised, or an answer given, `after` the work is done or
    before it.
    """

    owed: dict[str, dict[str, Any]] = field(default_factory=dict)
    payers: dict[str, str] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    """Reference to bill, of each clearing that had its effect."""
    undone: set[str] = field(default_factory=set)
    refusals: dict[str, str] = field(default_factory=dict)
    """Bill to what is said instead of clearing it."""
    says_of_undo: str = ""
    calls: list[str] = field(default_factory=list)
    before: dict[str, Exception | httpx.Response] = field(default_factory=dict)
    after: dict[str, Exception | httpx.Response] = field(default_factory=dict)
    cleared_times: dict[str, int] = field(default_factory=dict)
    doubted: set[str] = field(default_factory=set)
    """Bills whose last clearing or undoing was not answered, and nobody has asked since."""
    unasked: list[str] = field(default_factory=list)
    """Bills that were sent again without asking."""
    on_call: Callable[[str], None] = lambda _: None

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one call, with its effect unless a fault comes before it."""
        operation, asked = request.url.path.strip("/"), json.loads(request.content)
        self.calls.append(operation)
        self.on_call(operation)
        bills = {asked["id"]} if "id" in asked else {x["id"] for x in asked.get("lines", ())}
        before, after = self.before.get(operation), self.after.get(operation)
        if isinstance(before, httpx.ConnectError):
            raise before  # nothing has arrived
        if operation in {"clear", "undo"}:
            self.unasked += sorted(self.doubted & bills)
            self.doubted |= bills
        if before is not None:
            return _faulty(before)
        said = getattr(self, f"_{operation}")(asked)
        if after is not None:
            return _faulty(after)
        self.doubted -= bills
        return httpx.Response(200, json=said)

    def _look_up(self, asked: dict[str, Any]) -> dict[str, Any]:
        customer = self.owed.get(asked["customer"])
        if customer is None:
            return {"unknown": True}
        bills = [bill for bill in customer["bills"] if bill["id"] not in self.payers]
        return customer | {"bills": bills}

    def _clear(self, asked: dict[str, Any]) -> dict[str, Any]:
        said = {line["reference"]: self._clear_one(line) for line in asked["lines"]}
        return {"said": said}

    def _clear_one(self, line: dict[str, Any]) -> str:
        if line["id"] in self.refusals:
            return self.refusals[line["id"]]
        if self.references.get(line["reference"]) == line["id"]:
            return "cleared"
        if line["id"] in self.payers:
            return "paid_by_other"
        self.payers[line["id"]] = "GW"
        self.references[line["reference"]] = line["id"]
        self.cleared_times[line["id"]] = self.cleared_times.get(line["id"], 0) + 1
        return "cleared"

    def _check(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"payer": self.payers.get(asked["id"])}

    def _undo(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self.says_of_undo:
            return {"said": self.says_of_undo}
        if self.references.get(asked["reference"]) != asked["id"]:
            return {"said": "nothing_to_undo"}
        if asked["reference"] in self.undone:
            return {"said": "nothing_to_undo"}
        self.undone.add(asked["reference"])
        del self.payers[asked["id"]]
        return {"said": "undone"}

    def _list_paid(self, asked: dict[str, Any]) -> dict[str, Any]:
        dong = {b["id"]: b["dong"] for c in self.owed.values() for b in c["bills"]}
        lines = [
            {
                "reference": reference,
                "bill_id": bill,
                "customer_code": "",
                "amount_dong": dong.get(bill, 0),
                "is_undone": reference in self.undone,
            }
            for reference, bill in self.references.items()
        ]
        return {"lines": lines}
