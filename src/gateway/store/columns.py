"""The kinds of columns that the tables are made of; NOT NULL unless said otherwise."""

from sqlalchemy import BigInteger, Column, DateTime, SmallInteger, Text, Uuid


def text(name: str, *, null: bool = False) -> Column[str]:
    """Make a column of text for people, sorted as the database sorts."""
    return Column(name, Text, nullable=null)


def code(name: str, *, key: bool = False, null: bool = False) -> Column[str]:
    """Make a column of text for machines, compared byte by byte."""
    return Column(name, Text(collation="C"), primary_key=key, nullable=null)


def dong(name: str) -> Column[int]:
    """Make a column of whole đồng."""
    return Column(name, BigInteger, nullable=False)


def at(name: str = "created_at", *, null: bool = False) -> Column[object]:
    """Make a column of instants."""
    return Column(name, DateTime(timezone=True), nullable=null)


def uuid(name: str = "id", *, key: bool = False, null: bool = False) -> Column[object]:
    """Make a column of UUIDs."""
    return Column(name, Uuid, primary_key=key, nullable=null)


def biller(*, key: bool = True) -> Column[int]:
    """Make the column that comes first in the keys of all that belongs to a biller."""
    return Column("biller_id", SmallInteger, primary_key=key, nullable=False)
