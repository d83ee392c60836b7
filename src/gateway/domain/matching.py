"""From a bank transfer to what it is for, through what banks do to a payer's words. Pure.

Banks write capitals, drop punctuation, put blanks inside and words of their own before and after,
and cut at the end. What can be read in two ways is unknown: nothing is guessed. In order of trust:
the virtual account, then an order code, then a customer code that stands whole in one word, then
one that was torn apart.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from gateway.domain import order_code

_WORD = re.compile(r"[A-Z0-9]+")
_PERIOD = re.compile(r"(?<![0-9])(0[1-9]|1[0-2])(20[2-9][0-9])(?![0-9])")
_TORN = re.compile(r"[^A-Z0-9]+")
_LOST_MARK = re.compile(r"\W", re.ASCII)


@dataclass(frozen=True, slots=True)
class Clue:
    """What one part of a credit may name: order codes of attempts, codes of customers."""

    orders: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clues:
    """All that a credit says of its purpose, the most trusted first, and the month if named."""

    trusted_first: tuple[Clue, ...]
    period: date | None = None

    @property
    def orders(self) -> list[str]:
        """All order codes to look up."""
        return sorted({code for clue in self.trusted_first for code in clue.orders})

    @property
    def customers(self) -> list[str]:
        """All customer codes to look up."""
        return sorted({code for clue in self.trusted_first for code in clue.customers})


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a credit is for: an attempt, or a customer's bills, or (neither) unknown."""

    attempt_id: UUID | None = None
    customer_code: str | None = None
    period: date | None = None

    @property
    def is_known(self) -> bool:
        """Whether it is for anything that we know."""
        return self.attempt_id is not None or self.customer_code is not None


def clues_of(
    text: str,
    pattern: re.Pattern[str],
    *,
    virtual_account: str | None = None,
    recognised: str | None = None,
) -> Clues:
    """Read what a credit may be for; the caller looks up what of it exists.

    Args:
        text: the transfer's content, as it arrived.
        pattern: of the biller's customer codes.
        virtual_account: the account of its own that was paid into, if any.
        recognised: the order code that the sender of the notice has found, if any.
    """
    account = (virtual_account or "").upper()
    at_the_end = order_code.at_the_end(account) if account else None
    upper = text.upper()
    named = tuple(
        dict.fromkeys([*([recognised] if recognised else []), *order_code.candidates(upper)])
    )
    return Clues(
        (
            Clue((at_the_end,) if at_the_end else (), _in_one_word(account, pattern)),
            Clue(named),
            Clue(customers=_in_one_word(upper, pattern)),
            Clue(customers=_torn(upper, pattern)),
        ),
        _period(upper),
    )


def choose(
    clues: Clues, attempts: Mapping[str, Sequence[UUID]], customers: Collection[str]
) -> Purpose:
    """Say what a credit is for, from what of its clues exists.

    Args:
        clues: what it says.
        attempts: the attempts of each order code that exists.
        customers: the customer codes that exist.
    """
    for clue in clues.trusted_first:
        found = [
            *(Purpose(attempt_id=a) for code in clue.orders for a in attempts.get(code, ())),
            *(
                Purpose(customer_code=code, period=clues.period)
                for code in clue.customers
                if code in customers
            ),
        ]
        if found:
            return found[0] if len(set(found)) == 1 else Purpose()
    return Purpose()


def _in_one_word(upper: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
    """Find codes that stand whole, whatever is glued to them; the words themselves are whole."""
    return _unique(
        match.group()
        for word in _WORD.findall(upper)
        for at in range(len(word))
        if (match := pattern.match(word, at))
    )


def _torn(upper: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
    """Find codes with blanks or punctuation inside.

    One that is followed at once by more digits is none: it was cut, and a number of the bank's
    own follows, which would make it somebody else's code.
    """
    words = _TORN.split(upper)
    whole = "".join(words)
    starts, ends, at = set(), set(), 0
    for word in words:
        starts.add(at)
        at += len(word)
        ends.add(at)
    return _unique(
        match.group()
        for start in range(len(whole))
        if (match := pattern.match(whole, start))
        and (match.end() in ends or not whole[match.end()].isdigit())
        and any(start < tear < match.end() for tear in starts)
    )


def _unique(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codes))


def _period(upper: str) -> date | None:
    found = {
        date(int(year), int(month), 1)
        for word in re.split(r"\s+", upper)
        for month, year in _PERIOD.findall(_LOST_MARK.sub("", word))
    }
    return found.pop() if len(found) == 1 else None
