"""Reading requests: JSON that means one thing, models that take nothing else, query strings too."""

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import jiter
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from gateway.domain.cards import may_hold_card_number, where_a_card_is
from gateway.domain.errors import Fault, JsonMalformed, MediaTypeUnsupported, RequestInvalid

FAULTS_MAX, NAME_MAX = 20, 100
HOLDS_A_CARD = "holds a card's number, which must not be sent here"
AMOUNT_MAX_DONG = 10**13
"""Ten thousand billion đồng: more than any bill, far below what a bigint holds."""


class Strict(BaseModel):
    """A request body: unknown fields refused, no value bent into another type."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


Model = TypeVar("Model", bound=BaseModel)


def _plain(text: str) -> str:
    normal = unicodedata.normalize("NFC", text)
    if any(unicodedata.category(character) in _REFUSED for character in normal):
        msg = "holds a control or invisible character"
        raise ValueError(msg)
    return normal


# Controls, formats (zero width, direction overrides), surrogates, private use, unassigned.
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

PlainText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_plain),
]
"""Text for people: NFC, no control or invisible characters, at most 200 long."""


def read_model(model: type[Model], raw: bytes, content_type: str | None) -> Model:
    """Read a JSON body strictly.

    Raises:
        MediaTypeUnsupported: it is not declared as JSON.
        JsonMalformed: not JSON, a key twice, NaN or Infinity, a lone surrogate.
        RequestInvalid: JSON, but not what the model says, or with a card's number in a field.
    """
    declared = (content_type or "").partition(";")[0].strip().lower()
    if declared != "application/json":
        raise MediaTypeUnsupported(declared)
    try:
        # pydantic's parser lets the last of two equal keys win; this one refuses.
        parsed = jiter.from_json(
            raw, allow_inf_nan=False, catch_duplicate_keys=True, cache_mode="none"
        )
    except ValueError as error:
        raise JsonMalformed(str(error)) from error
    # Digits may be written as \u escapes.
    if b"\\u" in raw or may_hold_card_number(raw.decode("utf-8", "replace")):
        _refuse_cards(parsed)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise RequestInvalid(_faults(error)) from error


def read_query(model: type[Model], pairs: Mapping[str, list[str]]) -> Model:
    """Read a query string; a parameter given twice is refused, like one that is unknown.

    Raises:
        RequestInvalid: naming each parameter that is wrong.
    """
    twice = tuple(Fault(name, "is given twice") for name, all_ in pairs.items() if len(all_) > 1)
    if twice:
        raise RequestInvalid(twice)
    _refuse_cards(dict(pairs))
    try:
        return model.model_validate_strings({name: all_[0] for name, all_ in pairs.items()})
    except ValidationError as error:
        raise RequestInvalid(_faults(error)) from error


def _refuse_cards(parsed: Any) -> None:
    """No card's number ever enters, in whatever field (PCI DSS); its value is never repeated."""
    field = where_a_card_is(parsed)
    if field is not None:
        raise RequestInvalid((Fault(field if len(field) < NAME_MAX else "body", HOLDS_A_CARD),))


def _faults(error: ValidationError) -> tuple[Fault, ...]:
    found: list[Any] = error.errors(include_url=False, include_context=False, include_input=False)
    return tuple(
        Fault(".".join(str(part) for part in fault["loc"]) or "body", fault["msg"])
        for fault in found[:FAULTS_MAX]
    )
