"""How one error code is answered."""

from dataclasses import dataclass
from enum import StrEnum


class Retry(StrEnum):
    """What a caller's machine should do next: give up, or send the same again after a while."""

    NEVER = "never"
    SAME_REQUEST = "same_request"


@dataclass(frozen=True, slots=True)
class Entry:
    """How one code is answered. A code is public API: it never changes its meaning."""

    status: int
    title: str
    title_vi: str
    meaning: str
    meaning_vi: str
    retry: Retry = Retry.NEVER
    money_may_have_moved: bool = False
