"""The command line as an operator types it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.embedded import EmbeddedPostgres

ROOT = Path(__file__).parents[1]
Gateway = Callable[..., "subprocess.CompletedProcess[str]"]
RULES = '{"customer_code_pattern": "PB14[0-9]{9}"}'


@pytest.fixture
def gateway(postgres: EmbeddedPostgres, worker_id: str) -> Iterator[Gateway]:
    name = f"cli_{worker_id}"
    env = os.environ | {
        "GATEWAY_DATABASE_URL": postgres.create_database(name),
        "GATEWAY_SECRET_KEY": "a documented secret of the tests only, of no deployment",
    }

    def run(*argv: str, **changes: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "gateway", *argv],
            env=env | changes,
            capture_output=True,
            text=True,
            check=False,
        )

    yield run
    postgres.drop_database(name)


def test_openapi_prints_the_committed_document(gateway: Gateway) -> None:
    committed = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
    assert gateway("openapi").stdout == committed


def test_a_partner_is_set_up_from_nothing_to_a_key(gateway: Gateway, tmp_path: Path) -> None:
    rules, secret = tmp_path / "rules.json", tmp_path / "secret"
    rules.write_text(RULES)
    secret.write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    steps = [
        ("migrate",),
        ("migrate",),
        ("billers", "put", "evnspc-camau", "Điện lực Cà Mau", str(rules)),
        ("partners", "put", "vietbank", "Ngân hàng Việt"),
        ("webhooks", "add", "evnspc-camau", "https://billing.example.vn/hooks", str(secret)),
        ("doctor",),
    ]
    for step in steps:
        done = gateway(*step)
        assert done.returncode == 0, (step, done.stderr)
    key = gateway("keys", "create", "vietbank", "--scope", "lookup").stdout.strip()
    assert key.startswith("sk_test_")
    assert gateway("keys", "revoke", key[:14]).returncode == 0


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("keys", "create", "nobody"), "there is no partner 'nobody'"),
        (("keys", "revoke", "sk_test_x"), "no live key starts with"),
        (("partners", "put", "p1", "P", "--biller", "nobody"), "there is no biller 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_1(
    gateway: Gateway, argv: tuple[str, ...], says: str
) -> None:
    assert gateway("migrate").returncode == 0
    done = gateway(*argv)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_an_inner_address_is_refused_for_webhooks(gateway: Gateway, tmp_path: Path) -> None:
    gateway("migrate")
    secret = tmp_path / "secret"
    secret.write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    done = gateway("webhooks", "add", "evnspc-camau", "http://169.254.169.254/x", str(secret))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_seed_and_import_say_what_they_wrote(gateway: Gateway, tmp_path: Path) -> None:
    assert gateway("migrate").returncode == 0
    seeded = gateway("seed", "--customers", "60", "--months", "3")
    assert seeded.stdout.startswith("seeded 60 customers, 180 bills"), seeded.stderr
    path = tmp_path / "bills.csv"
    path.write_text(
        "bill_id,customer_code,period,kwh,net_dong,vat_dong,amount_dong,issued_on,due_on\n"
        "HD-9,PB14010000001,2026-10,45,92593,7407,100000,2026-11-02,2026-11-09\nrubbish\n"
    )
    done = gateway("bills", "import", "--biller", "evnspc-camau", str(path))
    assert "2 lines: 1 written, 0 unchanged, 1 refused" in done.stdout
    assert "line 3" in done.stdout


def test_doctor_fails_on_a_database_without_a_schema(gateway: Gateway) -> None:
    assert gateway("doctor").returncode != 0
