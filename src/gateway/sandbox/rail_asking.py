"""A simulated provider that asks the merchant before it charges; both addresses are registered."""

from abc import abstractmethod
from typing import Any

from gateway.sandbox.rail import Rail
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_notices import Notice
from gateway.sandbox.rail_orders import Act, OrderState, RailOrder


class AskingRail(Rail):
    """A rail with a question before each charge.

    Args:
        verify_url: where it asks before it charges; empty: it does not ask.
        notify_url: where it tells results; empty: it tells none.
        verify_timeout_s: how long it waits for the merchant.
        rail: what every simulator takes.
    """

    refused = "V05"
    """The code of a payment that the merchant did not agree to."""

    def __init__(
        self,
        *,
        verify_url: str = "",
        notify_url: str = "",
        verify_timeout_s: float = 5.0,
        **rail: Any,
    ) -> None:
        super().__init__(**rail)
        self.verify_url, self.notify_url = verify_url, notify_url
        self.verify_timeout_s = verify_timeout_s

    @abstractmethod
    def question(self, order: RailOrder, fault: Fault | None) -> Notice:
        """Write the question; whether its answer agrees is `accepts`."""

    def can_pay(self, order: RailOrder) -> bool:
        """Say whether the payer may still act on the page."""
        return not self.has_expired(order)

    async def act(self, order: RailOrder, act: Act, *, even_late: bool = False) -> bool:
        """Let the payer act; the merchant is asked before anything is charged."""
        if not even_late and not self.can_pay(order):
            return False
        payable = {OrderState.OPEN, *([OrderState.FAILED] if even_late else [])}
        is_new = order.state in payable and act is not Act.DECLINE
        if is_new and not await self._may_charge(order):
            order.state, order.code = OrderState.FAILED, self.refused
            self.notify(order)
            return False
        return await super().act(order, act, even_late=even_late)

    async def _may_charge(self, order: RailOrder) -> bool:
        """Ask the merchant; no answer, or one that is not right, is a no."""
        fault = self.faults.take("verify", reference=order.reference, text=order.text)
        if not self.verify_url or fault is Fault.MISSING:
            return True
        question = self.question(order, fault)
        times = 2 if fault is Fault.DUPLICATE else 1
        said = [await self._notices.ask(question, self.verify_timeout_s) for _ in range(times)]
        return all(said)
