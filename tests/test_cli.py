"""The command line as an operator types it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.embedded import EmbeddedPostgres
from gateway.store import schema
from tests.command import Gateway, assert_refused

ROOT = Path(__file__).parents[1]
RULES = {"customer_code_pattern": "PB14[0-9]{9}"}
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOOKS = "https://billing.example.vn/hooks"


@pytest.fixture
def gateway(postgres: EmbeddedPostgres, worker_id: str, tmp_path: Path) -> Iterator[Gateway]:
    """The command on an empty database."""
    name = f"cli_{worker_id}"
    yield Gateway(postgres.create_database(name), tmp_path)
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def ready(
    postgres: EmbeddedPostgres, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """The command on a database that has its schema, a biller and a bank."""
    name = f"cli_ready_{worker_id}"
    gateway = Gateway(postgres.create_database(name), tmp_path_factory.mktemp("cli"))
    schema.migrate(gateway.url)
    gateway.file("rules.json", json.dumps(RULES))
    gateway.file("secret", f"{WHSEC}\n")
    gateway.must("billers", "put", "evnspc-camau", "Điện lực Cà Mau", "rules.json")
    gateway.must("partners", "put", "vietbank", "Ngân hàng Việt")
    yield gateway
    postgres.drop_database(name)


def test_openapi_prints_the_committed_document(ready: Gateway) -> None:
    committed = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
    assert ready.must("openapi") == committed


def test_a_partner_is_set_up_from_nothing_to_a_key(gateway: Gateway) -> None:
    gateway.file("rules.json", json.dumps(RULES))
    gateway.file("secret", f"{WHSEC}\n")
    for step in (
        ("migrate",),
        ("migrate",),
        ("billers", "put", "evnspc-camau", "Điện lực Cà Mau", "rules.json"),
        ("partners", "put", "vietbank", "Ngân hàng Việt"),
        ("partners", "put", "evn-system", "Hệ thống EVN", "--biller", "evnspc-camau"),
        ("webhooks", "add", "evnspc-camau", HOOKS, "secret"),
    ):
        gateway.must(*step)
    well = gateway.must("doctor").splitlines()
    assert well
    assert [line for line in well if not line.startswith("ok ")] == []


def test_where_nothing_is_dead_nothing_is_replayed(ready: Gateway) -> None:
    endpoint = "019ab2c4-7d1e-7c3a-9f60-b1c2d3e4f506"
    assert ready.must("webhooks", "replay", endpoint) == (
        f"0 dead letters of {endpoint} are due again\n"
    )


def test_a_key_is_shown_once_and_revoked_once(ready: Gateway) -> None:
    key = ready.must("keys", "create", "vietbank", "--scope", "lookup", "--days", "30").strip()
    assert key.startswith("sk_test_")
    assert ready.must("keys", "revoke", key[:14]) == f"{key[:14]}… is revoked\n"
    assert_refused(ready("keys", "revoke", key[:14]), "no live key starts with")


def test_a_live_gateway_makes_live_keys(ready: Gateway) -> None:
    made = ready("keys", "create", "vietbank", GATEWAY_MODE="live").stdout.strip()
    assert made.startswith("sk_live_")
    ready.must("keys", "revoke", made[:14])


def test_a_third_live_key_is_refused(ready: Gateway) -> None:
    ready.must("partners", "put", "saigonpay", "Sài Gòn Pay")
    for _ in range(2):
        ready.must("keys", "create", "saigonpay")
    assert_refused(ready("keys", "create", "saigonpay"), "revoke one first")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("keys", "create", "nobody"), "there is no partner 'nobody'"),
        (("keys", "revoke", "sk_test_x"), "no live key starts with 'sk_test_x'"),
        (("partners", "put", "p1", "P", "--biller", "nobody"), "there is no biller 'nobody'"),
        (("webhooks", "add", "nobody", HOOKS, "secret"), "there is no biller 'nobody'"),
        (("webhooks", "add", "evnspc-camau", HOOKS, "rules.json"), "not a whsec_ secret"),
        (
            ("webhooks", "add", "evnspc-camau", "https://169.254.169.254/x", "secret"),
            "not on the public internet",
        ),
        (("bills", "import", "--biller", "nobody", "rules.json"), "there is no biller 'nobody'"),
        (("customers", "import", "--biller", "nobody", "rules.json"), "there is no biller"),
        (("billers", "paid", "--biller", "nobody", "--day", "2026-11-24"), "no biller 'nobody'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_is_one_sentence_and_exit_1(
    ready: Gateway, argv: tuple[str, ...], says: str
) -> None:
    assert_refused(ready(*argv), says)


def test_rules_that_make_no_sense_are_one_sentence_and_exit_1(ready: Gateway) -> None:
    ready.file("wrong.json", '{"customer_code_pattern": "("}')
    done = ready("billers", "put", "evnspc-camau", "Điện lực Cà Mau", "wrong.json")
    assert_refused(done, "rules are not valid")


@pytest.mark.parametrize(
    ("command", "changes", "says"),
    [
        ("doctor", {"GATEWAY_SECRET_KEY": "short"}, "the master secret is under 32 bytes"),
        ("doctor", {"GATEWAY_SECRET_KEY": None}, "set GATEWAY_SECRET_KEY"),
        ("doctor", {"GATEWAY_DATABASE_URL": None}, "GATEWAY_DATABASE_URL is not set"),
        ("migrate", {"GATEWAY_DATABASE_URL": None}, "GATEWAY_DATABASE_URL is not set"),
    ],
)
def test_settings_that_are_missing_or_weak_are_one_sentence_and_exit_1(
    ready: Gateway, command: str, changes: dict[str, str | None], says: str
) -> None:
    assert_refused(ready(command, **changes), says)


@pytest.mark.parametrize("argv", [("nonsense",), ("keys", "create", "vietbank", "--scope", "fly")])
def test_what_is_no_command_is_said_without_a_traceback(
    ready: Gateway, argv: tuple[str, ...]
) -> None:
    done = ready(*argv)
    assert done.returncode == 2
    assert argv[-1] in done.stderr
    assert "Traceback" not in done.stderr


def test_seed_and_import_say_what_they_wrote(gateway: Gateway) -> None:
    schema.migrate(gateway.url)
    seeded = gateway.must("seed", "--customers", "60", "--months", "3")
    assert seeded.startswith("seeded 60 customers, 180 bills")
    gateway.file(
        "bills.csv",
        "bill_id,customer_code,period,kwh,net_dong,vat_dong,amount_dong,issued_on,due_on\n"
        "HD-9,PB14010000001,2026-10,45,92593,7407,100000,2026-11-02,2026-11-09\nrubbish\n",
    )
    said = gateway.must("bills", "import", "--biller", "evnspc-camau", "bills.csv")
    assert "2 lines: 1 written, 0 unchanged, 1 refused" in said
    assert "line 3" in said


def test_doctor_fails_on_a_database_without_a_schema(gateway: Gateway) -> None:
    assert gateway("doctor").returncode == 1
