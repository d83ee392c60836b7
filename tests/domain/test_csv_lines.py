import re

import pytest

from gateway.domain.csv_lines import BillCheck, CustomerCheck, Refusal

CODES = re.compile("PB14[0-9]{9}")
BILL = "HD-1,PB14010000001,2026-10,45,92593,7407,100000,2026-11-02,2026-11-09"
KEPT = BILL.replace("2026-10", "2026-10-01")
CUSTOMER = "PB14010000001,Nguyễn Văn An,12 Nguyễn Trãi,32008,household,"


def bill(**changes: str) -> str:
    names = ["id", "code", "period", "kwh", "net", "vat", "amount", "issued", "due"]
    fields = dict(zip(names, BILL.split(","), strict=True)) | changes
    return ",".join(fields.values())


def refused(checked: str | Refusal) -> tuple[int, str]:
    assert isinstance(checked, Refusal), checked
    return checked.line, checked.code


def test_a_good_bill_comes_back_with_the_first_day_of_its_period() -> None:
    assert BillCheck(CODES)(7, BILL) == KEPT


def test_a_quoted_bill_is_the_same_bill() -> None:
    quoted = ",".join(f'"{field}"' for field in BILL.split(","))
    assert BillCheck(CODES)(7, quoted) == KEPT


def test_a_bill_without_kwh_is_taken() -> None:
    assert BillCheck(CODES)(7, bill(kwh="")) == KEPT.replace(",45,", ",,")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"id": ""}, "malformed"),
        ({"id": "HD 1"}, "malformed"),
        ({"id": "H" * 41}, "malformed"),
        ({"id": "HD\x00"}, "malformed"),
        ({"period": "2025-13"}, "malformed"),
        ({"period": "11/2025"}, "malformed"),
        ({"kwh": "-1"}, "malformed"),
        ({"kwh": "4.5"}, "malformed"),
        ({"net": "92.593"}, "malformed"),
        ({"net": "NaN"}, "malformed"),
        ({"net": "\uff19\uff12"}, "malformed"),
        ({"issued": "2026-02-31"}, "malformed"),
        ({"due": "2026-2-3"}, "malformed"),
        ({"amount": "100001"}, "amount_wrong"),
        ({"net": "0", "vat": "0", "amount": "0"}, "amount_wrong"),
        ({"net": "99999999999999", "vat": "0", "amount": "99999999999999"}, "amount_wrong"),
        ({"code": "PB99010000001"}, "customer_code_invalid"),
    ],
)
def test_a_bad_bill_is_refused_by_its_line(changes: dict[str, str], code: str) -> None:
    assert refused(BillCheck(CODES)(42, bill(**changes))) == (42, code)


@pytest.mark.parametrize("text", ["", "HD-1", f"{BILL},more", f'"{BILL}', "a,b\tc"])
def test_a_line_with_other_columns_is_refused(text: str) -> None:
    assert refused(BillCheck(CODES)(3, text)) == (3, "malformed")


def test_the_reason_names_the_column_that_is_wrong() -> None:
    checked = BillCheck(CODES)(3, bill(period="2025-13"))
    assert isinstance(checked, Refusal)
    assert checked.reason == "period"


def test_a_customer_is_kept_composed_and_quoted() -> None:
    apart = CUSTOMER.replace("ễ", "e\u0302\u0303")
    checked = CustomerCheck(CODES)(9, apart)
    assert checked == 'PB14010000001,"Nguyễn Văn An","12 Nguyễn Trãi","32008","household",'


def test_a_customers_code_is_one_that_the_api_takes_whatever_the_biller_says() -> None:
    anything = CustomerCheck(re.compile(".*", re.DOTALL))
    for code in ("PB1", "P" * 21, "pb14010000001", "PB-1401", "PB14 01", "=PB1401"):
        text = CUSTOMER.replace("PB14010000001", f'"{code}"')
        assert refused(anything(5, text)) == (5, "customer_code_invalid")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("PB14010000001", "PB99", "customer_code_invalid"),
        ("Nguyễn Văn An", "", "malformed"),
        ("Nguyễn Văn An", "An\u200b", "malformed"),
        ("Nguyễn Văn An", "A" * 201, "malformed"),
        ("32008", "ward5", "malformed"),
        ("household", "palace", "malformed"),
        (",household,", "", "malformed"),
    ],
)
def test_a_bad_customer_is_refused_by_its_line(old: str, new: str, code: str) -> None:
    assert refused(CustomerCheck(CODES)(5, CUSTOMER.replace(old, new))) == (5, code)
