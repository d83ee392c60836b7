"""All the tables of the house at once; what compares or empties them imports this."""

from gateway.store import (
    adoption_tables,
    cash_tables,
    checkout_tables,
    credit_tables,
    mandate_tables,
    posting_tables,
    provider_tables,
    sms_tables,
    user_tables,
)
from gateway.store.tables import METADATA

PARTS = (
    adoption_tables,
    cash_tables,
    checkout_tables,
    credit_tables,
    mandate_tables,
    posting_tables,
    provider_tables,
    sms_tables,
    user_tables,
)
"""The modules that add their tables to METADATA when they are imported."""

__all__ = ["METADATA", "PARTS"]
