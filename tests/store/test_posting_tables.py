"""The keys and indexes that the rules of posting rest on."""

from gateway.store.posting_tables import LIVE_BILLS, LIVE_CUSTOMERS, POSTING_BILLS, POSTINGS


def test_what_the_rules_rest_on_is_there() -> None:
    names = {str(i.name) for table in (POSTINGS, POSTING_BILLS) for i in table.indexes}
    assert names == {"postings_due", "postings_customer", "postings_paid", "posting_bills_bill"}
    assert "posting_bills_reference_key" in {str(rule.name) for rule in POSTING_BILLS.constraints}


def test_every_table_begins_its_key_with_the_biller() -> None:
    for table in (POSTINGS, POSTING_BILLS, LIVE_BILLS, LIVE_CUSTOMERS):
        assert next(iter(table.primary_key)).name == "biller_id"
