"""What a person, or time, decides of money in suspense: it pays bills, or goes back."""

from dataclasses import dataclass
from uuid import UUID

from gateway.domain.allotment import Allotment, allot
from gateway.domain.biller import Biller, Channel
from gateway.domain.clock import business_date
from gateway.domain.errors import CallerError
from gateway.domain.field_cash import PROVIDER as FIELD_CASH
from gateway.domain.ids import to_public
from gateway.domain.partner import Partner, Purse
from gateway.domain.suspense import ClosedAs, GoesTo, Reason
from gateway.flows.allotting import Payment, order_of, pay_bills
from gateway.flows.booking import turn_late
from gateway.flows.calling import in_rounds
from gateway.flows.suspense import Origin, open_line
from gateway.flows.waking import wake
from gateway.runtime import Runtime
from gateway.store import bills as bills_store
from gateway.store import credits as credits_store
from gateway.store import suspense as store
from gateway.store import upkeep
from gateway.store.database import Raw
from gateway.store.suspense import Closing, LineRow

TURNED_AT_ONCE = 100
SUSPENSE = "sus"


class SuspenseNotFound(CallerError):
    """No such line, or its money has left suspense already."""

    code = "suspense_not_found"

    def __init__(self, line: str) -> None:
        super().__init__(
            f"no money stands in suspense as '{line}'; see `gateway suspense`",
            f"không có khoản tiền treo nào mang mã '{line}'; xem `gateway suspense`",
            suspense_id=line,
        )


class SuspenseDoesNotPay(CallerError):
    """The money cannot pay the customer's open bills as they stand."""

    code = "suspense_does_not_pay"

    def __init__(self, customer_code: str, *, amount_dong: int, why: str) -> None:
        super().__init__(
            f"{amount_dong} đồng cannot pay the bills of customer '{customer_code}': {why}; "
            "nothing moved",
            f"{amount_dong} đồng không thanh toán được hóa đơn của khách hàng '{customer_code}'; "
            "không có khoản nào thay đổi",
            customer_code=customer_code,
            amount_dong=amount_dong,
        )


@dataclass(frozen=True, slots=True)
class Assignment:
    """A person's decision whose money a line is, and why."""

    line_id: UUID
    customer_code: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Assigned:
    """What came of it: the payment, what it paid and what is left, in đồng."""

    payment_id: UUID
    paid_dong: int
    rest_dong: int


async def assign(rt: Runtime, wanted: Assignment) -> Assigned:
    """Pay a customer's open bills with money in suspense, once; what is over is to be refunded.

    Raises:
        SuspenseNotFound: there is no such open line.
        SuspenseDoesNotPay: it pays none of the customer's bills; nothing moved.
        Overloaded: the bills were moved again and again meanwhile; nothing moved.
    """
    outbid: list[tuple[int, UUID]] = []

    async def write(connection: Raw) -> Assigned:
        line = await store.hold(connection, wanted.line_id)
        if line is None or line.closed_at is not None:
            raise SuspenseNotFound(to_public(SUSPENSE, wanted.line_id))
        allotted, paid = await _pay(rt, connection, line, wanted.customer_code)
        outbid[:] = [(line.biller_id, payment) for payment in paid.outbid]
        await _write_down(rt, connection, line, wanted, allotted, paid)
        paid_dong = line.amount_dong - allotted.rest_dong
        return Assigned(paid.id, paid_dong, allotted.rest_dong)

    done = await in_rounds(rt, write)
    for biller_id, payment in outbid:
        await wake(rt, biller_id, [payment])
    return done


async def _pay(
    rt: Runtime, connection: Raw, line: LineRow, customer_code: str
) -> tuple[Allotment, Payment]:
    biller: Biller = rt.directory.billers_by_id[line.biller_id]
    partner: Partner = rt.directory.partners_by_id[line.partner_id]
    if not await credits_store.hold_customer(connection, biller.id, customer_code):
        raise _refused(line, customer_code, "there is no such customer")
    states = await bills_store.states(connection, biller.id, customer_code, [])
    came = await store.origin(connection, line.id)
    channel = Channel.HOME_CASH if came.provider == FIELD_CASH else Channel.QR
    allotted = allot(line.amount_dong, states, biller.rules, channel=channel)
    if not allotted.lines:
        raise _refused(line, customer_code, _why(allotted))
    order = order_of(to_public(SUSPENSE, line.id), customer_code, allotted.lines, channel)
    purse = Purse(partner, rt.directory.suspense_account)
    paid = await pay_bills(rt, connection, biller, order, purse)
    if paid is None:
        raise _refused(line, customer_code, "another payment took them at this moment")
    return allotted, paid


def _refused(line: LineRow, customer_code: str, why: str) -> SuspenseDoesNotPay:
    return SuspenseDoesNotPay(customer_code[:64], amount_dong=line.amount_dong, why=why)


def _why(allotted: Allotment) -> str:
    if allotted.is_blocked:
        return "they are being paid by another payment, or may not be paid so"
    if allotted.missing_dong:
        return f"{allotted.missing_dong} đồng are missing"
    return "none is open"


async def _write_down(
    rt: Runtime,
    connection: Raw,
    line: LineRow,
    wanted: Assignment,
    allotted: Allotment,
    paid: Payment,
) -> None:
    now = rt.clock.now()
    rest = allotted.rest_dong
    if line.credit_id is not None:
        use = credits_store.Use(line.credit_id, line.amount_dong - rest)
        await credits_store.use(connection, paid.id, "paid", [use], now)
    closing = Closing(now, ClosedAs.SETTLED, wanted.by, wanted.reason, paid.id)
    await store.close_lines(connection, [line.id], closing)
    if rest:
        await open_line(rt, connection, await _origin(connection, line, rest, paid), Reason.OVER)
    detail: dict[str, object] = {"payment": to_public("pay", paid.id), "rest_dong": rest}
    entry = upkeep.AuditEntry(wanted.by, "suspense.assigned", str(line.id), detail)
    await upkeep.audit(connection, entry)


async def _origin(connection: Raw, line: LineRow, rest_dong: int, paid: Payment) -> Origin:
    came = await store.origin(connection, line.id)
    by_account = GoesTo.SOURCE_ACCOUNT if came.reference else GoesTo.UNKNOWN
    if came.provider == FIELD_CASH:
        by_account = GoesTo.COLLECTOR
    return Origin(
        biller_id=line.biller_id,
        partner_id=line.partner_id,
        amount_dong=rest_dong,
        credit_id=line.credit_id,
        attempt_id=line.attempt_id,
        payment_id=paid.id,
        customer_code=line.customer_code,
        goes_to=GoesTo.PROVIDER if line.credit_id is None else by_account,
        provider=came.provider,
        reference=came.reference,
    )


async def give_back_held(rt: Runtime) -> int:
    """Have refunded what was held past its day for a rest that never came; gives how many lines."""

    async def write(connection: Raw) -> int:
        today = business_date(rt.clock.now())
        held = await store.held_too_long(connection, today, TURNED_AT_ONCE)
        await turn_late(rt, connection, held)
        return len(held)

    return await in_rounds(rt, write)
