"""`ProviderConformance`: inherit it, say what your provider is, and its promises are tried.

Needs pytest and pytest-asyncio. See docs/add-a-provider.md; `gateway new-provider` writes a first
class of yours. What each promise is for stands in the files that it is made of.
"""

from gateway.testing.promises_of_calls import PromisesOfCalls
from gateway.testing.promises_of_credits import PromisesOfCredits
from gateway.testing.promises_of_debits import PromisesOfDebits
from gateway.testing.promises_of_messages import PromisesOfMessages
from gateway.testing.promises_of_order import PromisesOfOrder
from gateway.testing.promises_of_texts import PromisesOfTexts
from gateway.testing.subject import Moved, Said, Subject, twins_of

__all__ = ["Moved", "ProviderConformance", "Said", "Subject", "twins_of"]


class ProviderConformance(
    PromisesOfDebits,
    PromisesOfTexts,
    PromisesOfMessages,
    PromisesOfOrder,
    PromisesOfCredits,
    PromisesOfCalls,
):
    """Every promise; a subclass gives `provider_class` and what `Subject` declares."""
