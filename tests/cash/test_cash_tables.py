"""The tables of field cash; `alembic check` holds them against the migration."""

from gateway.store.metadata import METADATA


def test_what_a_tablet_signs_with_is_never_stored_as_it_is() -> None:
    devices = METADATA.tables["cash_devices"]
    assert "sealed" in devices.columns
    assert not {"secret", "key"} & set(devices.columns.keys())
