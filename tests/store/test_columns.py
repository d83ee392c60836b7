"""The tables' columns are NOT NULL unless said otherwise, and codes are compared byte by byte."""

import pytest
from sqlalchemy import Column, Text

from gateway.store import columns


@pytest.mark.parametrize(
    "column",
    [columns.text("a"), columns.code("a"), columns.dong("a"), columns.at(), columns.biller()],
    ids=["text", "code", "dong", "at", "biller"],
)
def test_a_column_must_be_given_unless_said_otherwise(column: Column[object]) -> None:
    assert not column.nullable


def test_a_code_is_compared_byte_by_byte_and_text_is_not() -> None:
    code, text = columns.code("a").type, columns.text("a").type
    assert isinstance(code, Text)
    assert isinstance(text, Text)
    assert (code.collation, text.collation) == ("C", None)
