"""A mandate: a payer's standing permission to debit, its states, its limits, its consent.

Pure: which change leads where is one table (contract `vn-autodebit/0.1`, section e.3 of the
protocol sheet; states after GoCardless, Bacs and SEPA, read 2026-11-24).
"""

from enum import StrEnum


class MandateState(StrEnum):
    """Where a mandate stands."""

    PENDING_CUSTOMER = "pending_customer"
    """Registered; the payer has not confirmed."""
    PENDING_BANK = "pending_bank"
    """Confirmed; the bank has not accepted."""
    ACTIVE = "active"
    SUSPENDED = "suspended"
    """Paused by the payer, the bank, the biller, or after three months without a debit."""
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    """Never accepted: wrong account, another name."""
    EXPIRED = "expired"
    """Its last day passed, or 13 months without a debit."""


class Change(StrEnum):
    """What happens to a mandate."""

    CONFIRM = "confirm"
    ACTIVATE = "activate"
    SUSPEND = "suspend"
    RESUME = "resume"
    CANCEL = "cancel"
    REJECT = "reject"
    EXPIRE = "expire"
