"""On this floor it is noon: no reversal meets its cut-off by chance."""

import pytest

from gateway.runtime import Clock
from tests.world import at_noon


@pytest.fixture
def clock() -> Clock:
    return at_noon()
