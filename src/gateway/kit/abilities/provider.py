"""What every provider has, whatever it can do."""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from gateway.domain.biller import Channel
from gateway.domain.ids import to_public


class Config(BaseModel):
    """What every provider's configuration holds, read from `GATEWAY_<CODE>__<FIELD>`.

    Secrets are `SecretStr`; hosts default to the provider's sandbox, never to its production.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    connect_timeout_s: float = Field(default=5.0, gt=0, le=30)
    deadline_s: float = Field(default=30.0, gt=0, le=120)
    concurrency: int = Field(default=32, ge=1, le=1000)
    query_spacing_s: float = Field(default=0.0, ge=0, le=3600)
    """Least time between two queries of the whole deployment, for providers with a quota."""
    visibility_s: float = Field(default=120.0, ge=0, le=86400)
    """How long the provider may need until a query sees what a payer did."""


ConfigT = TypeVar("ConfigT", bound=Config)


class Provider(ABC, Generic[ConfigT]):
    """What every provider has: a code, a title, its channels, its configuration.

    `private_fields` names JSON and form fields that must not be stored or logged though they are
    no secret of the configuration; secrets of the configuration are redacted wherever they appear.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    channels: ClassVar[frozenset[Channel]]
    Config: ClassVar[type[Config]]
    options: ClassVar[tuple[str, ...]] = ()
    """What a caller may choose as `option`, the default first; empty if there is no choice."""
    private_fields: ClassVar[frozenset[str]] = frozenset()
    amount_min_dong: ClassVar[int] = 1
    amount_max_dong: ClassVar[int] = 2**53

    def __init__(self, config: ConfigT) -> None:
        self.config = config

    @property
    @abstractmethod
    def merchant(self) -> str:
        """The merchant's code at the provider; messages that name another are not ours."""

    @property
    def choices(self) -> tuple[str, ...]:
        """What a caller may choose here as `option`: `options`, unless the configuration says."""
        return self.options

    def allows(self, option: str | None) -> bool:
        """Say whether a caller may choose this, or, with None, nothing."""
        return option is None or option in self.choices

    def reference_of(self, attempt_id: UUID, created_at: datetime) -> str:
        """Derive our reference at the provider from the attempt: the same for ever.

        Override where the provider wants a date in it or allows fewer than 36 characters.
        """
        return to_public("att", attempt_id)
