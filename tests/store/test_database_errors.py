"""Which errors of the driver mean a broken database, which a lost race, and which a mistake."""

import asyncpg
import pytest

from gateway.store.database import NotConnected, broke, is_contention


def failing(name: str, constraint: str = "") -> BaseException:
    error: BaseException = getattr(asyncpg, name)("x")
    if constraint:
        error.constraint_name = constraint  # type: ignore[attr-defined]
    return error


BROKEN = [
    ConnectionResetError(),
    TimeoutError(),
    asyncpg.InterfaceError("closed"),
    NotConnected("the role does not exist"),
    *map(
        failing,
        [
            "ConnectionDoesNotExistError",
            "ConnectionFailureError",
            "AdminShutdownError",
            "CrashShutdownError",
            "CannotConnectNowError",
            "QueryCanceledError",
            "TooManyConnectionsError",
            "DiskFullError",
            "OutOfMemoryError",
            "InternalServerError",
            "ReadOnlySQLTransactionError",
            "LockNotAvailableError",
        ],
    ),
]
LOST_RACES = [
    failing("UniqueViolationError"),
    failing("DeadlockDetectedError"),
    failing("SerializationError"),
    failing("CheckViolationError", "payments_whole_check"),
]
OTHERS = [
    ValueError(),
    KeyError("x"),
    failing("CheckViolationError"),
    failing("CheckViolationError", "bills_amount_check"),
    failing("NotNullViolationError"),
    failing("UndefinedTableError"),
    failing("InsufficientPrivilegeError"),
    failing("PostgresSyntaxError"),
    failing("UntranslatableCharacterError"),
]


@pytest.mark.parametrize("error", BROKEN, ids=lambda error: type(error).__name__)
def test_after_a_broken_database_nobody_knows_what_was_kept(error: BaseException) -> None:
    assert broke(error)
    assert not is_contention(error)


@pytest.mark.parametrize("error", LOST_RACES, ids=lambda error: type(error).__name__)
def test_after_a_lost_race_nothing_was_kept_and_reading_again_helps(error: BaseException) -> None:
    assert is_contention(error)
    assert not broke(error)


@pytest.mark.parametrize("error", OTHERS, ids=lambda error: type(error).__name__)
def test_our_own_mistakes_are_neither(error: BaseException) -> None:
    assert not broke(error)
    assert not is_contention(error)
