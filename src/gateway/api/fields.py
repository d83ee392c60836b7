"""Types of fields that several routes share; each takes one form and refuses the rest."""

import re
from typing import Annotated

from pydantic import Field, StringConstraints

from gateway.api.reading import AMOUNT_MAX_DONG

BillerCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$")]
CustomerCode = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{4,20}$")]
BILL_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$", re.ASCII)
REFERENCE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$", re.ASCII)
BillId = Annotated[str, StringConstraints(pattern=BILL_ID.pattern)]
Reference = Annotated[str, StringConstraints(pattern=REFERENCE.pattern)]
AmountDong = Annotated[int, Field(ge=1, le=AMOUNT_MAX_DONG)]
Dong = Annotated[int, Field(ge=0, le=AMOUNT_MAX_DONG)]
Period = Annotated[
    str,
    StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$"),
    Field(description="Month of consumption", examples=["2026-10"]),
]
