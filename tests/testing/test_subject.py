"""What a provider's author leaves out is named, instead of being passed over."""

import pytest

from gateway.testing.subject import NotGiven, Subject


class Silent(Subject):
    """Gives nothing of what it must."""


@pytest.mark.parametrize("name", ["config", "simulator", "published", "created"])
def test_a_promise_fails_with_the_name_of_what_it_was_not_given(name: str) -> None:
    arguments = {"config": ("host",), "simulator": ("url",), "created": (None, None)}
    with pytest.raises(NotGiven, match=f"'Silent' does not give '{name}'"):
        getattr(Silent(), name)(*arguments.get(name, ()))
