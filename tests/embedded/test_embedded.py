"""The embedded server when nothing goes wrong: what it is, who owns what, who stops it."""

import subprocess
from pathlib import Path

import asyncpg
import pytest

from gateway.embedded import EmbeddedPostgres, EmbeddedPostgresError, Tuning
from tests.embedded.stage import fetch, mode_of

SYSTEM = [
    directory
    for directory in sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if int(directory.parent.name) >= 15 and (directory / "initdb").exists()
]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
        ("listen_addresses", ""),
        ("jit", "off"),
        ("max_parallel_workers_per_gather", "0"),
        ("shared_preload_libraries", "pg_stat_statements"),
    ],
)
async def test_a_new_server_has(running: EmbeddedPostgres, setting: str, value: str) -> None:
    assert await fetch(running.admin_url, f"SHOW {setting}") == value


async def test_the_benchmark_tuning_is_in_force_and_as_durable(place: Path) -> None:
    bench = Tuning.for_bench()
    settings = bench.settings()
    assert (settings["shared_buffers"], settings["max_wal_size"]) == ("4096MB", "8192MB")
    with EmbeddedPostgres(place / "state", tuning=Tuning(max_connections=17)) as server:
        assert await fetch(server.url, "SHOW max_connections") == "17"
        assert {settings[name] for name in ("fsync", "synchronous_commit")} == {"on"}


async def test_vietnamese_capitals_fold(running: EmbeddedPostgres) -> None:
    assert await fetch(running.url, "SELECT lower('ĐIỆN LỰC CÀ MAU')") == "điện lực cà mau"


async def test_the_owner_of_the_database_is_no_superuser(running: EmbeddedPostgres) -> None:
    owner = "SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()"
    assert await fetch(running.url, owner) == "gateway"
    is_super = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    assert await fetch(running.url, is_super) is False


async def test_every_host_connection_would_need_a_password(running: EmbeddedPostgres) -> None:
    methods = (
        "SELECT array_agg(DISTINCT auth_method) FROM pg_hba_file_rules WHERE type LIKE 'host%'"
    )
    assert await fetch(running.admin_url, methods) == ["scram-sha-256"]


def test_only_the_server_s_account_enters_the_socket_directory(running: EmbeddedPostgres) -> None:
    assert mode_of(running._socket_dir) == 0o700
    assert mode_of(running._data) == 0o700


async def test_statements_are_counted(running: EmbeddedPostgres) -> None:
    counted = await fetch(running.admin_url, "SELECT count(*) FROM pg_stat_statements")
    assert isinstance(counted, int)
    assert counted > 0


async def test_a_database_is_like_its_template_and_goes_when_dropped(
    running: EmbeddedPostgres,
) -> None:
    first = running.create_database("mẫu 1")
    await fetch(first, "CREATE TABLE bills (dong bigint)")
    copy = running.create_database("copy", template="mẫu 1")
    assert await fetch(copy, "SELECT count(*) FROM bills") == 0
    connected = await asyncpg.connect(copy)
    running.drop_database("copy")
    running.drop_database("copy")
    running.drop_database("mẫu 1")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await fetch(copy, "SELECT 1")
    connected.terminate()


def test_a_database_that_exists_is_not_made_again(running: EmbeddedPostgres) -> None:
    with pytest.raises(EmbeddedPostgresError, match='"gateway" already exists'):
        running.create_database("gateway")


def test_starting_again_changes_nothing(running: EmbeddedPostgres) -> None:
    before = running.pid
    assert running.start() == running.url
    assert running.pid == before is not None


def test_the_programs_are_at_hand(running: EmbeddedPostgres) -> None:
    said = subprocess.check_output([str(running.bin("pg_dump")), "--version"], text=True)
    assert said.startswith("pg_dump (PostgreSQL) 18")
    with pytest.raises(EmbeddedPostgresError, match="has no program 'pg_nothing'"):
        running.bin("pg_nothing")


async def test_the_last_user_out_stops_the_server(place: Path) -> None:
    first, second = (EmbeddedPostgres(place / "state") for _ in range(2))
    first.start()
    second.start()
    assert first.stop() is False
    assert await fetch(second.url, "SELECT 1") == 1
    assert second.stop() is True
    assert second.pid is None
    assert second.stop() is False


async def test_what_was_committed_is_there_after_a_stop(place: Path) -> None:
    with EmbeddedPostgres(place / "state") as server:
        await fetch(server.url, "CREATE TABLE paid AS SELECT 150000 AS dong")
    with EmbeddedPostgres(place / "state") as server:
        assert await fetch(server.url, "SELECT dong FROM paid") == 150_000


def test_a_database_needs_a_started_server(place: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="call start"):
        EmbeddedPostgres(place / "state").create_database("too_early")


@pytest.mark.parametrize("odd", ["Cà Mau, điện", "a 'b' \"c\" $HOME `id`", "x" * 180], ids=str)
async def test_any_path_will_do(place: Path, odd: str) -> None:
    with EmbeddedPostgres(place / odd / "state") as server:
        assert await fetch(server.url, "SELECT current_database()") == "gateway"
    assert not server._socket_dir.is_relative_to("/tmp") or not server._socket_dir.exists()  # noqa: S108


@pytest.mark.skipif(not SYSTEM, reason="no PostgreSQL ≥ 15 of the system is installed")
async def test_a_postgres_of_the_system_serves_as_well(place: Path) -> None:
    with EmbeddedPostgres(place / "state", binaries=SYSTEM[0]) as server:
        version = await fetch(server.url, "SHOW server_version_num")
        assert str(version).startswith(SYSTEM[0].parent.name)
        assert await fetch(server.url, "SHOW data_checksums") == "on"
        assert await fetch(server.url, "SHOW server_encoding") == "UTF8"
