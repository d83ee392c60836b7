import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.kit.registry import ProviderUnusable
from gateway.settings import PROVIDER_FIELD, Settings, open_runtime

URL = "postgresql://gateway@/gateway?host=/nowhere"


def settings(**values: object) -> Settings:
    return Settings.model_validate(values)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "SECRET_KEY_FILE", "DATABASE_URL", "PUBLIC_URL"):
        monkeypatch.delenv(f"GATEWAY_{name}", raising=False)
    for name in filter(PROVIDER_FIELD.fullmatch, list(os.environ)):
        monkeypatch.delenv(name)


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


PUBLIC: dict[str, dict[str, object]] = {
    "http://127.0.0.1:8080": {},
    "http://0.0.0.0:9000": {"host": "0.0.0.0", "port": 9000},  # noqa: S104 (where it listens)
    "https://pay.example.vn": {"public_url": "https://pay.example.vn", "port": 9000},
    "https://pay.example.vn/gateway": {"public_url": "https://pay.example.vn/gateway//"},
}


@pytest.mark.parametrize("address", PUBLIC)
def test_we_are_reached_where_it_is_said_or_else_where_we_listen(address: str) -> None:
    assert settings(**PUBLIC[address]).address() == address


def test_the_public_url_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PUBLIC_URL", "https://pay.example.vn/")
    assert Settings().address() == "https://pay.example.vn"


MOMO = {"PARTNER_CODE": "MOMO", "ACCESS_KEY": "a-key", "SECRET_KEY": "the-secret-of-an-account"}


@asynccontextmanager
async def opened(
    monkeypatch: pytest.MonkeyPatch, **environment: str
) -> AsyncIterator[dict[str, Any]]:
    """Open a runtime in an environment, and give the providers that it holds."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    runtime = open_runtime(settings(database_url=URL, secret_key="s" * 40))
    yield {code: attached.provider for code, attached in runtime.providers.items()}
    for attached in runtime.providers.values():
        await attached.wire.aclose()


def variables(prefix: str = "GATEWAY_MOMO__", **changes: str) -> dict[str, str]:
    return {prefix + name: value for name, value in (MOMO | changes).items()}


async def test_without_a_variable_of_a_provider_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(monkeypatch, GATEWAY_MODE="test", GATEWAY_MOMO="x") as providers:
        assert providers == {}


async def test_a_provider_is_what_its_variables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    more = {"HOST": "http://127.0.0.1:9", "DEADLINE_S": "7.5", "AUTO_CAPTURE": "false"}
    async with opened(monkeypatch, **variables(**more)) as providers:
        assert list(providers) == ["momo"]
        (momo,) = providers.values()
        config = momo.config
        assert (config.partner_code, config.host) == ("MOMO", "http://127.0.0.1:9")
        assert (config.deadline_s, config.auto_capture) == (7.5, False)
        assert config.secret_key.get_secret_value() == "the-secret-of-an-account"


async def test_variables_of_what_is_not_installed_are_somebody_elses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(monkeypatch, GATEWAY_NOBODY__KEY="x", **variables()) as providers:
        assert list(providers) == ["momo"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"PARTNER_CODE": "no spaces"}, "GATEWAY_MOMO__PARTNER_CODE"),
        ({"SECRET_KEY": ""}, "GATEWAY_MOMO__SECRET_KEY"),
        ({"DEADLINE_S": "soon"}, "GATEWAY_MOMO__DEADLINE_S"),
        ({"DEADLINE_S": "121"}, "GATEWAY_MOMO__DEADLINE_S"),
        ({"CONCURRENCY": "0"}, "GATEWAY_MOMO__CONCURRENCY"),
        ({"HOST": "test-payment.momo.vn"}, "GATEWAY_MOMO__HOST"),
        ({"SECRET_KEYS": "x"}, "GATEWAY_MOMO__SECRET_KEYS"),
    ],
)
async def test_a_wrong_variable_stops_the_process_and_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], named: str
) -> None:
    with pytest.raises(ProviderUnusable, match=named) as refused:
        async with opened(monkeypatch, **variables(**changes)):
            pass
    assert "the-secret-of-an-account" not in str(refused.value)


@pytest.mark.parametrize("missing", MOMO)
async def test_a_variable_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    given = {name: value for name, value in variables().items() if not name.endswith(missing)}
    with pytest.raises(ProviderUnusable, match=missing):
        async with opened(monkeypatch, **given):
            pass


async def test_no_secret_of_a_provider_shows_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(monkeypatch, **variables()) as providers:
        shown = f"{providers} {[vars(provider) for provider in providers.values()]}"
    assert "the-secret-of-an-account" not in shown


async def test_what_providers_are_told_to_call_is_the_public_url(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GATEWAY_DATABASE_URL", URL)
    monkeypatch.setenv("GATEWAY_SECRET_KEY", "s" * 40)
    monkeypatch.setenv("GATEWAY_PUBLIC_URL", "https://pay.example.vn/")
    assert open_runtime(Settings()).public_url == "https://pay.example.vn"
