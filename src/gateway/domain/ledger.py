"""The ledger's words: which accounts exist and which moves there are (design, section 8).

A transfer is one row with a debit and a credit account, so the books balance by construction.
"""

from enum import StrEnum


class AccountKind(StrEnum):
    """What an account holds; its code is `{kind}:{owner}`."""

    RECEIVABLE = "receivable"
    """What a partner or provider owes us."""
    PAYABLE = "payable"
    """What we owe a biller."""
    SUSPENSE = "suspense"
    """Money of payers that pays no bill: it is given back."""
    CASH = "cash"
    """What a collector holds in hand."""
    BANK = "bank"
    """Our own accounts at banks."""


class TransferKind(StrEnum):
    """Why money moved. (source, kind) is unique: posting the same move again does nothing."""

    PAYMENT = "payment"
    """receivable:{partner} → payable:{biller}"""
    REVERSAL = "reversal"
    """payable:{biller} → receivable:{partner}"""
    LATE_PAYMENT = "late_payment"
    """receivable:{provider} → suspense:payer"""
    CREDIT = "credit"
    """receivable:{partner} → suspense:payer: money on a partner's account, whatever it is for"""
    RECOGNISED = "recognised"
    """suspense:payer → receivable:{partner}: the books had this money already, told otherwise"""
    DEPOSIT = "deposit"
    """cash:{collector} → bank: a collector has paid cash in"""
    CASH_RETURN = "cash_return"
    """suspense:payer → cash:{collector}: cash that paid no bill is back in the payer's hand"""


def account_code(kind: AccountKind, owner: str) -> str:
    """Name an account.

    >>> account_code(AccountKind.PAYABLE, "evnspc-camau")
    'payable:evnspc-camau'
    """
    return f"{kind}:{owner}"
