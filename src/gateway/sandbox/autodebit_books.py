"""The simulated bank's books: accounts, mandates and debits; no HTTP here."""

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.sandbox import autodebit_wire as wire
from gateway.sandbox.autodebit_wire import DebitAsked, MandateAsked

BALANCE_DONG = 5_000_000
OTPS_MAX = 3
OPEN_STATES = frozenset({"PENDING_CUSTOMER", "PENDING_BANK", "ACTIVE", "SUSPENDED"})
ENDS_BY = {wire.ACCOUNT_WRONG: "CANCELLED", wire.ACCOUNT_BLOCKED: "SUSPENDED"}


@dataclass
class Account:
    """A customer's account; `name` None is whatever the mandate says."""

    balance_dong: int = BALANCE_DONG
    name: str | None = None
    is_closed: bool = False
    is_blocked: bool = False


@dataclass
class Mandate:
    """A standing authorisation."""

    asked: MandateAsked
    otp: str
    state: str = "PENDING_CUSTOMER"
    reason: str = ""
    otps_wrong: int = 0

    def facts(self) -> dict[str, Any]:
        """Give what every message about it says."""
        facts = {"mandate_id": self.asked.mandate_id, "state": self.state, "reason": self.reason}
        return {**facts, "customer_code": self.asked.customer_code}


@dataclass
class Debit:
    """One debit; each attempt replaces the last one's result, and all share the id."""

    asked: DebitAsked
    code: str
    bank_ref: str = ""
    booked_at: datetime | None = None

    def facts(self) -> dict[str, Any]:
        """Give what every message about it says."""
        asked = self.asked.model_dump()
        more = {"bank_ref": self.bank_ref, "booked_at": wire.to_time(self.booked_at)}
        return {**asked, "state": self.state, **more}

    @property
    def state(self) -> str:
        """The debit's state, in the words of the contract."""
        named = {wire.DEBITED: "SETTLED", wire.IN_PROCESS: "SUBMITTED", wire.DISPUTED: "REVERSED"}
        return named.get(self.code, "RETRYING" if self.code == wire.NO_FUNDS else "FAILED")


class Books:
    """Books debits against accounts and mandates; `scripts` say what the next attempts answer."""

    def __init__(self, *, seed: int = 0) -> None:
        self.accounts: dict[str, Account] = {}
        self.mandates: dict[str, Mandate] = {}
        self.debits: dict[str, Debit] = {}
        self.scripts: dict[str, list[str]] = {}
        self._random = random.Random(seed)  # noqa: S311 (a simulated bank's OTP)
        self._numbers = 0

    def account(self, number: str) -> Account:
        """Give an account; every number has one."""
        return self.accounts.setdefault(number, Account())

    # ── mandates ─────────────────────────────────────────────────────────────────────────────

    def register(self, asked: MandateAsked) -> str:
        """Open a mandate and give the call's code; the same again changes nothing."""
        if known := self.mandates.get(asked.mandate_id):
            return wire.DEBITED if known.asked == asked else wire.BAD_DATA
        mandate = Mandate(asked, otp=f"{self._random.randrange(10**6):06d}")
        self.mandates[asked.mandate_id] = mandate
        account = self.account(asked.account_no)
        if account.is_closed or account.name not in {None, asked.account_name}:
            mandate.state, mandate.reason = "REJECTED", "name mismatch or account closed"
            return wire.ACCOUNT_WRONG
        return wire.DEBITED

    def confirm(self, mandate: Mandate, otp: str) -> str:
        """Take the customer's OTP; the third wrong one rejects the mandate."""
        if mandate.state != "PENDING_CUSTOMER" or mandate.asked.channel_registered != "OTP":
            is_done = mandate.state in {"PENDING_BANK", "ACTIVE"} and otp == mandate.otp
            return wire.DEBITED if is_done else wire.BAD_DATA
        if otp == mandate.otp:
            mandate.state = "PENDING_BANK"
            return wire.DEBITED
        mandate.otps_wrong += 1
        if mandate.otps_wrong < OTPS_MAX:
            return wire.BAD_OTP
        mandate.state, mandate.reason = "REJECTED", "three wrong codes"
        return wire.TOO_MANY_OTPS

    def change(self, mandate: Mandate, act: str, reason: str = "") -> bool:
        """Let the branch, the bank or the customer act; False where the state does not allow it."""
        allowed = {
            "branch_signed": ({"PENDING_CUSTOMER"}, "PENDING_BANK"),
            "accept": ({"PENDING_BANK", "SUSPENDED"}, "ACTIVE"),
            "reject": ({"PENDING_CUSTOMER", "PENDING_BANK"}, "REJECTED"),
            "suspend": ({"ACTIVE"}, "SUSPENDED"),
            "expire": ({"ACTIVE"}, "EXPIRED"),
            "cancel": (OPEN_STATES, "CANCELLED"),
        }
        before, after = allowed[act]
        if mandate.state not in before:
            return False
        mandate.state, mandate.reason = after, reason
        return True

    # ── debits ───────────────────────────────────────────────────────────────────────────────

    def debit(self, asked: DebitAsked, now: datetime) -> tuple[str, Debit]:
        """Book one attempt; give the call's code and the debit. The same attempt is a duplicate."""
        known = self.debits.get(asked.debit_id)
        if known is not None and not self._is_next(known, asked):
            return wire.DUPLICATE, known
        debit = known or Debit(asked, wire.IN_PROCESS)
        debit.asked = asked
        script = self.scripts.get(asked.mandate_id, [])
        code = script.pop(0) if script else wire.DEBITED
        if code == wire.UNREACHABLE:
            return code, debit  # nothing was booked and nothing is remembered
        self.debits[asked.debit_id] = debit
        true = self._refusal(asked, now) or (wire.DEBITED if code == wire.LATE else code)
        self.finish(debit, true, now)
        return (wire.LATE if code == wire.LATE else true), debit

    def finish(self, debit: Debit, code: str, now: datetime) -> None:
        """Give a debit its code; 00 books it, once."""
        debit.code = code
        mandate = self.mandates.get(debit.asked.mandate_id)
        if mandate is not None and mandate.state == "ACTIVE" and code in ENDS_BY:
            mandate.state, mandate.reason = ENDS_BY[code], f"code {code}"
        if code == wire.DEBITED and not debit.bank_ref:
            self._numbers += 1
            debit.bank_ref, debit.booked_at = f"FT{now:%y%j}{self._numbers:08d}", now
            if mandate is not None:
                self.account(mandate.asked.account_no).balance_dong -= debit.asked.amount

    def give_back(self, debit: Debit) -> bool:
        """Return a debit late: the customer disputed it. False if it was not booked."""
        if debit.code != wire.DEBITED:
            return False
        debit.code = wire.DISPUTED
        mandate = self.mandates[debit.asked.mandate_id]
        self.account(mandate.asked.account_no).balance_dong += debit.asked.amount
        return True

    def _is_next(self, known: Debit, asked: DebitAsked) -> bool:
        same = known.asked.model_copy(update={"attempt": asked.attempt}) == asked
        is_later = asked.attempt == known.asked.attempt + 1
        return same and is_later and known.code == wire.NO_FUNDS

    def _refusal(self, asked: DebitAsked, now: datetime) -> str | None:
        """Give the code by which the bank's own rules refuse, or None."""
        mandate = self.mandates.get(asked.mandate_id)
        if mandate is None or mandate.state not in {"ACTIVE", "SUSPENDED"}:
            return wire.NO_MANDATE
        account = self.account(mandate.asked.account_no)
        if account.is_closed:
            return wire.ACCOUNT_WRONG
        if account.is_blocked or mandate.state == "SUSPENDED":
            return wire.ACCOUNT_BLOCKED
        if asked.amount > mandate.asked.max_amount or self._is_over_month(mandate, asked, now):
            return wire.OVER_LIMIT
        return wire.NO_FUNDS if asked.amount > account.balance_dong else None

    def _is_over_month(self, mandate: Mandate, asked: DebitAsked, now: datetime) -> bool:
        if mandate.asked.max_per_month is None:
            return False
        month = f"{now.astimezone(wire.VIETNAM):%Y-%m}"
        taken = sum(
            debit.asked.amount
            for debit in self.debits.values()
            if debit.asked.mandate_id == asked.mandate_id
            and debit.code == wire.DEBITED
            and wire.to_time(debit.booked_at).startswith(month)
        )
        return taken + asked.amount > mandate.asked.max_per_month
