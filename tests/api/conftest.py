"""The API's tests stand still at noon."""

import pytest

from gateway.runtime import Clock
from tests.world import at_noon


@pytest.fixture
def clock() -> Clock:
    """Give a clock that no test moves."""
    return at_noon()
