"""The tables of people who sign in; `alembic check` holds them against the migration."""

from gateway.store.user_tables import RECOVERY_CODES, SESSIONS, USERS


def test_nothing_that_opens_a_door_is_stored_as_it_is() -> None:
    assert {"password", "secret"} <= set(USERS.columns.keys())
    for table in (SESSIONS, RECOVERY_CODES):
        assert "digest" in table.primary_key.columns
        assert not {"token", "code"} & set(table.columns.keys())
