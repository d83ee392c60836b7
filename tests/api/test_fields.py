"""Field types: one way to write each value."""

from datetime import date

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.api import fields
from gateway.api.reading import AMOUNT_MAX_DONG, Strict


class Query(Strict):
    day: fields.Day | None = None
    limit: fields.Limit = 20
    flag: fields.Flag | None = None


TAKEN = {
    "BillerCode": ["ab", "evnspc-camau", "1a", "a" * 40],
    "CustomerCode": ["PB14", "PB14010000001", "1" * 20],
    "BillId": ["B", "HD202610-PB14.1_2", "b" * 40],
    "Reference": ["R", "a/b:c.d-e_f", "r" * 64],
    "Period": ["2026-01", "2026-12", "2000-10", "2099-10"],
}
REFUSED = {
    "BillerCode": ["", "a", "-a", "A", "a_b", "a b", "a\n", "a" * 41, "\u00e9vn"],
    "CustomerCode": ["", "PB1", "pb14", "PB 14", "PB14\n", "1" * 21, "PB1\u0664"],
    "BillId": ["", ".B", "_B", "B/1", "B:1", "B\x00", "B\n", "b" * 41],
    "Reference": ["", "/a", ":a", "a b", "a\n", "a%", "r" * 65],
    "Period": ["", "2026", "2026-0", "2026-13", "2026-1", "1999-10", "2100-10", "2026-10\n"],
}


def cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, text) for name, texts in table.items() for text in texts]


@pytest.mark.parametrize(("name", "text"), cases(TAKEN))
def test_a_text_of_the_documented_form_is_taken_as_it_is(name: str, text: str) -> None:
    assert TypeAdapter(getattr(fields, name)).validate_python(text) == text


@pytest.mark.parametrize(("name", "text"), cases(REFUSED))
def test_any_other_text_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(getattr(fields, name)).validate_python(text)


@pytest.mark.parametrize(("low", "name"), [(1, "AmountDong"), (0, "Dong")])
def test_amounts_end_at_their_bounds(low: int, name: str) -> None:
    adapter = TypeAdapter(getattr(fields, name))
    for amount in (low, AMOUNT_MAX_DONG):
        assert adapter.validate_python(amount, strict=True) == amount
    for amount in (low - 1, AMOUNT_MAX_DONG + 1):
        with pytest.raises(ValidationError):
            adapter.validate_python(amount, strict=True)


def test_days_limits_and_flags_are_read_from_a_query() -> None:
    read = Query.model_validate_strings({"day": "2026-11-02", "limit": "100", "flag": "false"})
    assert (read.day, read.limit, read.flag) == (date(2026, 11, 2), 100, False)
    assert Query.model_validate_strings({"flag": "true", "limit": "1"}).flag is True


def test_a_day_is_read_from_a_body() -> None:
    assert Query.model_validate_json('{"day":"2026-11-02"}').day == date(2026, 11, 2)


@pytest.mark.parametrize("body", ['{"day":86400}', '{"day":"86400"}', '{"day":"2026-11-31"}'])
def test_a_body_bends_nothing_into_a_day(body: str) -> None:
    with pytest.raises(ValidationError):
        Query.model_validate_json(body)
