"""The tables of adoption; `alembic check` holds them against the migration."""

from gateway.store.adoption_tables import (
    ADOPTION_MONTHLY,
    ADOPTION_TOUCHED,
    AGENCY_MONTHLY,
    BITS,
    ELECTRONIC_PAYERS,
)


def test_what_reports_read_holds_no_customer() -> None:
    for table in (ADOPTION_MONTHLY, AGENCY_MONTHLY):
        assert not {"customer_code", "name", "address"} & set(table.columns.keys())


def test_a_touched_month_is_a_row_without_a_key_so_nobody_waits_for_anybody() -> None:
    assert list(ADOPTION_TOUCHED.primary_key.columns) == []


def test_the_bits_reach_over_a_century() -> None:
    assert ELECTRONIC_PAYERS.c.months.type.length == BITS == 2 + 100 * 12
