"""Types of fields that several routes share; each takes one form and refuses the rest."""

import re
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints

from gateway.api.reading import AMOUNT_MAX_DONG

BillerCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$")]
CustomerCode = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{4,20}$")]
BILL_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$", re.ASCII)
REFERENCE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$", re.ASCII)
BillId = Annotated[str, StringConstraints(pattern=BILL_ID.pattern)]
Reference = Annotated[str, StringConstraints(pattern=REFERENCE.pattern)]
AmountDong = Annotated[int, Field(ge=1, le=AMOUNT_MAX_DONG)]
Dong = Annotated[int, Field(ge=0, le=AMOUNT_MAX_DONG)]


def _iso_day(value: object) -> object:
    # pydantic would also read unix seconds as a day.
    if not isinstance(value, str):
        return value
    if not DAY.fullmatch(value):
        message = "is not a day written as YYYY-MM-DD"
        raise ValueError(message)
    return date.fromisoformat(value)


def _whole(value: object) -> object:
    if isinstance(value, str) and WHOLE.fullmatch(value):
        return int(value)
    return value


def _true_or_false(value: object) -> object:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
WHOLE = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
Day = Annotated[date, BeforeValidator(_iso_day)]
Limit = Annotated[int, Field(ge=1, le=100), BeforeValidator(_whole)]
Flag = Annotated[bool, BeforeValidator(_true_or_false)]
Period = Annotated[
    str,
    StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$"),
    Field(description="Month of consumption", examples=["2026-10"]),
]
