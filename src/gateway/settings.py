"""Settings from the environment: `GATEWAY_*`. Read by the CLI, the app and the worker alone."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.domain.derivation import MASTER_SECRET_MIN_BYTES
from gateway.domain.partner import Mode
from gateway.runtime import Clock, Runtime, Secrets

if TYPE_CHECKING:
    from gateway.kit.attached import Providers

PROVIDER_FIELD = re.compile(r"GATEWAY_[A-Z][A-Z0-9_]*?__[A-Z0-9_]+")


class Settings(BaseSettings):
    """How one process runs. Secrets may also come from files: see `secret_key_file`."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", extra="ignore")

    database_url: str | None = Field(
        default=None, description="Any Postgres ≥ 15; unset: the embedded one in data_dir"
    )
    data_dir: Path | None = Field(
        default=None, description="Where the embedded Postgres and demo state live"
    )
    mode: Mode = Mode.TEST
    secret_key: SecretStr | None = Field(
        default=None, description="Master secret, 32 bytes or more; other keys derive from it"
    )
    secret_key_file: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str | None = Field(
        default=None,
        description="Where providers and payers' browsers reach us; unset: http://host:port",
    )
    trusted_proxies: str = Field(
        default="127.0.0.1",
        description="Addresses and networks whose X-Forwarded-For is believed, with commas",
    )
    workers: int = Field(default=1, ge=1, le=64)
    pool_size: int = Field(default=8, ge=5, le=64, description="Connections of one process")
    log_level: str = "INFO"
    drain_s: int = Field(default=20, ge=1, description="How long a stopping process finishes work")
    webhook_allow_private: bool = Field(
        default=False, description="Deliver to loopback and private addresses (demo, tests)"
    )
    webhook_deadline_s: float = Field(default=15.0, gt=0, le=60)
    webhook_concurrency: int = Field(default=32, ge=1, le=512)
    worker_metrics_port: int | None = Field(
        default=None, description="Where a worker serves /metrics and /health/live"
    )

    def address(self) -> str:
        """Give the address at which we are reached, without a slash at its end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    def master_secret(self) -> bytes:
        """Give the master secret, from the environment or its file.

        Raises:
            ValueError: neither is set, or it is too short to be a secret.
        """
        if self.secret_key is not None:
            secret = self.secret_key.get_secret_value().encode()
        elif self.secret_key_file is not None:
            secret = self.secret_key_file.read_bytes().strip()
        else:
            msg = "set GATEWAY_SECRET_KEY or GATEWAY_SECRET_KEY_FILE"
            raise ValueError(msg)
        if len(secret) < MASTER_SECRET_MIN_BYTES:
            msg = f"the master secret is under {MASTER_SECRET_MIN_BYTES} bytes"
            raise ValueError(msg)
        return secret


def open_runtime(settings: Settings, pool_size: int | None = None) -> Runtime:
    """Open a Runtime as the settings say.

    Raises:
        ValueError: the database's URL or the master secret is missing.
    """
    if settings.database_url is None:
        msg = "GATEWAY_DATABASE_URL is not set; `gateway run` sets it for its processes"
        raise ValueError(msg)
    clock = Clock()
    return Runtime(
        database_url=settings.database_url,
        pool_size=pool_size or settings.pool_size,
        secrets=Secrets.derived_from(settings.master_secret()),
        mode=settings.mode,
        clock=clock,
        providers=_providers(os.environ, clock),
        public_url=settings.address(),
    )


def _providers(environ: Mapping[str, str], clock: Clock) -> "Providers | None":
    """Attach the providers that the environment configures (`GATEWAY_<CODE>__<FIELD>`).

    Raises:
        ProviderUnusable: one of them is configured wrongly.
    """
    if not any(PROVIDER_FIELD.fullmatch(name) for name in environ):
        return None
    # Imported here, for HTTP clients cost 10 MiB that a process without providers need not have.
    from gateway.kit import attached, registry  # noqa: PLC0415

    return attached.Providers(registry.configured(environ).values(), now=clock.now)
