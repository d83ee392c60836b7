from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.settings import Settings, open_runtime

URL = "postgresql://gateway@/gateway?host=/nowhere"


def settings(**values: object) -> Settings:
    return Settings.model_validate(values)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GATEWAY_SECRET_KEY", "GATEWAY_SECRET_KEY_FILE", "GATEWAY_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("secret", ["", "short", "s" * 31, "đồng" * 4])
def test_a_master_secret_that_is_too_short_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="under 32 bytes"):
        settings(secret_key=secret).master_secret()


@pytest.mark.parametrize("secret", ["s" * 32, "đồng" * 5])
def test_a_master_secret_is_measured_in_bytes(secret: str) -> None:
    assert settings(secret_key=secret).master_secret() == secret.encode()


def test_no_master_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="GATEWAY_SECRET_KEY"):
        settings().master_secret()


def test_the_master_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("s" * 40 + "\n")
    assert settings(secret_key_file=file).master_secret() == b"s" * 40


def test_blanks_around_a_secret_in_a_file_do_not_make_it_longer(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(" " * 20 + "s" * 31 + "\n" * 20)
    with pytest.raises(ValueError, match="under 32 bytes"):
        settings(secret_key_file=file).master_secret()


def test_the_environment_goes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text("f" * 40)
    monkeypatch.setenv("GATEWAY_SECRET_KEY", "e" * 40)
    monkeypatch.setenv("GATEWAY_SECRET_KEY_FILE", str(file))
    assert Settings().master_secret() == b"e" * 40


def test_the_files_name_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text("f" * 40)
    monkeypatch.setenv("GATEWAY_SECRET_KEY_FILE", str(file))
    assert Settings().master_secret() == b"f" * 40


def test_a_secret_never_shows_itself() -> None:
    shown = settings(secret_key="s" * 40)
    assert "s" * 40 not in f"{shown!r} {shown} {shown.model_dump_json()}"


def test_a_runtime_needs_a_database() -> None:
    with pytest.raises(ValueError, match="GATEWAY_DATABASE_URL"):
        open_runtime(settings(secret_key="s" * 40))


def test_a_runtime_needs_a_secret() -> None:
    with pytest.raises(ValueError, match="GATEWAY_SECRET_KEY"):
        open_runtime(settings(database_url=URL))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("workers", 0),
        ("pool_size", 4),
        ("mode", "play"),
        ("drain_s", 0),
        ("webhook_deadline_s", 0),
        ("webhook_deadline_s", 61),
        ("webhook_concurrency", 0),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError):
        settings(**{name: value})


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "9000")
    assert Settings().port == 9000


def test_private_addresses_are_closed_to_webhooks_unless_opened() -> None:
    assert not settings().webhook_allow_private
