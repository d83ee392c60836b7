"""The tables of checkouts; `alembic check` holds them against the migration."""

from gateway.store.checkout_tables import CHECKOUTS, RATE_LIMITS


def test_no_link_can_be_made_from_what_is_stored() -> None:
    assert not {"token", "url", "mac"} & set(CHECKOUTS.columns.keys())


def test_who_asked_is_not_stored_but_as_a_key() -> None:
    assert set(RATE_LIMITS.columns.keys()) == {"key", "full_at"}
