from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.settings import Settings, open_runtime


def settings(**values: object) -> Settings:
    return Settings.model_validate(values)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GATEWAY_SECRET_KEY", "GATEWAY_SECRET_KEY_FILE", "GATEWAY_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


def test_a_master_secret_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="under 32 bytes"):
        settings(secret_key="short").master_secret()


def test_no_master_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="GATEWAY_SECRET_KEY"):
        settings().master_secret()


def test_the_master_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("s" * 40 + "\n")
    assert settings(secret_key_file=file).master_secret() == b"s" * 40


def test_a_secret_never_shows_itself() -> None:
    assert "s" * 40 not in repr(settings(secret_key="s" * 40))


def test_a_runtime_needs_a_database() -> None:
    with pytest.raises(ValueError, match="GATEWAY_DATABASE_URL"):
        open_runtime(settings(secret_key="s" * 40))


@pytest.mark.parametrize(("name", "value"), [("workers", 0), ("pool_size", 1), ("mode", "play")])
def test_what_makes_no_sense_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError):
        settings(**{name: value})


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "9000")
    assert Settings().port == 9000
