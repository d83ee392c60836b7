"""A clock that moves when told."""

from datetime import datetime, timedelta

from gateway.runtime import Clock


class FrozenClock(Clock):
    """Stands at one instant until it is moved; the database cannot set it."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self._at = at

    def now(self) -> datetime:
        """Give the instant at which the clock stands."""
        return self._at

    def move(self, by: timedelta) -> None:
        """Move the clock forward or back."""
        self._at += by

    def set_by(self, database_now: datetime, between: tuple[datetime, datetime]) -> None:
        """Stay."""
