"""`ProviderConformance`: inherit it, say what your provider is, and its promises are tried.

Needs pytest and pytest-asyncio. See docs/add-a-provider.md; `gateway new-provider` writes a first
class of yours. What each promise is for stands in the five files that it is made of.
"""

from gateway.testing.promises_of_debits import PromisesOfDebits
from gateway.testing.promises_of_order import PromisesOfOrder
from gateway.testing.promises_of_texts import PromisesOfTexts
from gateway.testing.subject import Said, Subject, twins_of

__all__ = ["ProviderConformance", "Said", "Subject", "twins_of"]


class ProviderConformance(PromisesOfOrder, PromisesOfDebits, PromisesOfTexts):
    """Every promise; a subclass gives `provider_class` and what `Subject` declares."""
