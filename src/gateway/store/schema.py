"""Migrations: bring a database to the schema that this code needs, and say whether it is there."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command, op
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import SchemaItem

from gateway.store.database import CONNECT_TIMEOUT_S, SESSION, Raw

ANALYZE = "ANALYZE"
Act = Callable[[Config], None]
_PARTITION = re.compile(r"_p\d{4}_\d{2}(_\d{2})?$")


def migrations_dir() -> Path:
    """Give the folder of the migrations: in the checkout, or inside an installed wheel."""
    package = Path(__file__).parents[1]
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parents[1] / "migrations"


def include_object(
    _item: SchemaItem,
    name: str | None,
    kind: str,
    _reflected: bool,  # noqa: FBT001 (Alembic's signature)
    _twin: object,
) -> bool:
    """Leave the partitions out of Alembic's comparison; their parents stand for them."""
    return not (kind == "table" and name is not None and _PARTITION.search(name))


def migrate(url: str, revision: str = "head") -> None:
    """Bring the database to `revision`, then ANALYZE: fresh tables without statistics plan badly.

    Safe to repeat, and to run twice at once: the second waits for the first.
    """
    asyncio.run(_with_alembic(url, lambda config: _move(config, revision)))


def run_script(sql: str) -> None:
    """Run several statements of a migration at once; only the driver's simple protocol can."""
    driver: Any = op.get_bind().connection.dbapi_connection
    driver.run_async(lambda connection: connection.execute(sql))


def check(url: str) -> None:
    """Raise what Alembic raises when the tables here and the migrations disagree."""
    asyncio.run(_with_alembic(url, command.check))


def _move(config: Config, revision: str) -> None:
    if revision == "base" or revision.startswith("-"):
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)


async def _with_alembic(url: str, act: Act) -> None:
    async def connect() -> Raw:
        return await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S, server_settings=SESSION)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.exec_driver_sql("SELECT pg_advisory_lock(7142021)")
            await connection.commit()
            await connection.run_sync(_run, act)
            await connection.commit()
            raw = await connection.get_raw_connection()
            if raw.driver_connection is not None:
                await raw.driver_connection.execute(ANALYZE)
    finally:
        await engine.dispose()


def _run(connection: Connection, act: Act) -> None:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.set_main_option(
        "file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(hour).2d%%(minute).2d-%%(slug)s"
    )
    config.set_main_option("timezone", "UTC")
    act(config)
