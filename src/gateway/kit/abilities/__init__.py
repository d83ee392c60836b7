"""The contract: what a provider can do is what it inherits; there is no second list.

An adapter is pure. It builds a `Call` and reads a `Reply`; it never sends, waits, stores, or asks
the time. The house sends (`kit/wire.py`), remembers, decides (`domain/attempt.py`) and repeats.

Three rules make an adapter safe:

1. A decline is a value (`Finding`), never an exception. Only codes of the adapter's own table, from
   the provider's documents, are FAILED; anything else is UNKNOWN.
2. What cannot be read, or whose signature is wrong, raises `Garbled`: the attempt stays in doubt.
3. An answer for another reference, another merchant or another amount is handed on as it is; the
   house compares and refuses it.
"""

from typing import Any

from gateway.kit.abilities.bills import ClearsDebt, ListsPaid, LooksUpBills
from gateway.kit.abilities.confirmations import (
    ConfirmsOrders,
    OrderAnswer,
    Payability,
    Question,
)
from gateway.kit.abilities.credits import Credit, NotifiesCredits
from gateway.kit.abilities.inquiries import AnswersInquiries
from gateway.kit.abilities.mandates import DebitsByFile, DebitsMandates
from gateway.kit.abilities.orders import (
    AnswersQueries,
    Cancels,
    Captures,
    Notifies,
    Refunds,
    TakesPayments,
)
from gateway.kit.abilities.provider import Config, ConfigT, Provider
from gateway.kit.abilities.statements import GivesStatements
from gateway.kit.abilities.texts import CarriesMessages, TextsConfig
from gateway.kit.abilities.tokens import NeedsToken

__all__ = [
    "ABILITIES",
    "AnswersInquiries",
    "AnswersQueries",
    "Cancels",
    "Captures",
    "CarriesMessages",
    "ClearsDebt",
    "Config",
    "ConfigT",
    "ConfirmsOrders",
    "Credit",
    "DebitsByFile",
    "DebitsMandates",
    "GivesStatements",
    "ListsPaid",
    "LooksUpBills",
    "NeedsToken",
    "Notifies",
    "NotifiesCredits",
    "OrderAnswer",
    "Payability",
    "Provider",
    "Question",
    "Refunds",
    "TakesPayments",
    "TextsConfig",
]

ABILITIES: tuple[type[Provider[Any]], ...] = (
    TakesPayments,
    Notifies,
    ConfirmsOrders,
    AnswersQueries,
    Cancels,
    Captures,
    Refunds,
    GivesStatements,
    LooksUpBills,
    ClearsDebt,
    ListsPaid,
    DebitsMandates,
    DebitsByFile,
    NotifiesCredits,
    AnswersInquiries,
    CarriesMessages,
)
"""In the order of the ability matrix."""
