"""The simulated bank: its notices verified by hand, from the services' documents."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.kit.messages import Acknowledgement
from gateway.sandbox.bank_credits import ACCOUNT, BankCredits, Transfer
from gateway.sandbox.bank_qr import QrUnreadable, read_qr, write_qr
from gateway.sandbox.bank_wire import Flaw, Mangling, mangle
from gateway.testing.served import Door, served

TELLERS = ("payos", "sepay", "casso", "msbva", "bvbankva")
HEAD = "00020101021138570010A00000072701270006970403"
TAIL = "00110123456780208QRIBFTTA53037045802VN6304"


def told(teller: str, bank: BankCredits | None = None, **asked: Any) -> Any:
    """Give one notice of 150,000 đồng."""
    bank = bank or BankCredits("http://door/{teller}")
    transfer = Transfer(amount_dong=150_000, text="PB14010012345", teller=teller, **asked)
    (notice,) = bank.notices(bank.book(transfer), transfer)
    return notice.told


def hmac_hex(key: str, text: str, how: str) -> str:
    return hmac.new(key.encode(), text.encode(), how).hexdigest()


def is_signed(teller: str, notice: Any, bank: BankCredits) -> bool:
    """Verify a notice by the rule of its service's documents."""
    said, headers = json.loads(notice.body), notice.headers
    keys = bank.secrets.credentials
    if teller == "payos":
        data = said["data"]
        text = "&".join(f"{n}={'' if data[n] is None else data[n]}" for n in sorted(data))
        return bool(said["signature"] == hmac_hex(keys.payos, text, "sha256"))
    if teller == "sepay":
        return bool(headers["authorization"] == f"Apikey {keys.sepay}")
    if teller == "casso":
        stamp, signature = (p.split("=")[1] for p in headers["x-casso-signature"].split(","))
        compact = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return bool(signature == hmac_hex(keys.casso, f"{stamp}.{compact}", "sha512"))
    if teller == "msbva":
        names = [
            "tranSeq",
            "tranDate",
            "vaNumber",
            "tranAmount",
            "fromAccountNumber",
            "toAccountNumber",
        ]
        text = keys.msbva + "".join(said[name] for name in names)
        return bool(said["signature"] == hashlib.sha256(text.encode()).hexdigest())
    key = load_pem_public_key(bank.public_key().encode())
    assert isinstance(key, RSAPublicKey)
    signature = base64.b64decode(headers["signature"])
    try:
        key.verify(signature, notice.body, PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("teller", TELLERS)
@pytest.mark.parametrize("flaw", [None, Flaw.NULL_FIELDS, Flaw.UNKNOWN_FIELD, Flaw.BAD_SIGNATURE])
def test_a_notice_is_signed_as_documented_unless_it_is_to_be_wrong(
    teller: str, flaw: Flaw | None
) -> None:
    bank = BankCredits("http://door/{teller}")
    notice = told(teller, bank, flaw=flaw)
    assert is_signed(teller, notice, bank) is (flaw is not Flaw.BAD_SIGNATURE)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        (Mangling.PLAIN, "PB14010012345 T112025."),
        (Mangling.UPPER, "PB14010012345 T112025"),
        (Mangling.TORN, "PB14010 012345T 112025"),
        (Mangling.CUT, "PB140100"),
        (Mangling.SQUEEZED, "MBVCBPB14010012345T112025CTTU0011"),
    ],
)
def test_a_bank_spoils_what_a_payer_wrote(how: Mangling, text: str) -> None:
    assert mangle("PB14010012345 T112025.", how) == text


def test_a_published_qr_is_read_and_what_is_written_is_read_again() -> None:
    scanned = read_qr(f"{HEAD}0113{TAIL}9E6F")
    assert (scanned.bank, scanned.account, scanned.amount_dong) == ("970403", "0011012345678", None)
    again = read_qr(write_qr("970436", ACCOUNT, 150_000, "H5AJNVEAASA PB14010000123"))
    assert (again.account, again.amount_dong) == (ACCOUNT, 150_000)
    assert again.purpose == "H5AJNVEAASA PB14010000123"


def test_a_qr_with_a_wrong_checksum_or_length_is_not_read() -> None:
    with pytest.raises(QrUnreadable, match="checksum"):
        read_qr(f"{HEAD}0113{TAIL}9E60")
    # Printed so in NAPAS's v1.0: the checksum is right, and 12 is no length of 13 digits.
    with pytest.raises(QrUnreadable, match="length"):
        read_qr(f"{HEAD}0112{TAIL}F4E5")


async def test_a_transfer_is_told_as_often_and_by_whom_it_is_wanted() -> None:
    door = Door()
    async with served(door) as url:
        bank = BankCredits(url + "/{teller}", {ACCOUNT: "casso"})
        async with served(bank.application()) as at, httpx.AsyncClient(base_url=at) as payer:
            asked = {"amount_dong": 150_000, "text": "x", "times": 3, "under_other_ids": True}
            answer = (await payer.post("/control/transfer", json=asked | {"also": "sepay"})).json()
            assert [said["status"] for said in answer["answers"]] == [204] * 4
            notices = [json.loads(door.arrived.get_nowait().body) for _ in range(4)]
            *casso, sepay = notices
            assert len({notice["data"]["id"] for notice in casso}) == 3
            told = {notice["data"]["reference"] for notice in casso} | {sepay["referenceCode"]}
            assert told == {answer["reference"]}
            sums = (await payer.get("/control/movements")).json()
            assert sums["sum_dong"] == 150_000


async def test_what_is_not_accepted_is_sent_again_when_it_is_asked_for() -> None:
    door = Door()
    door.answer = lambda _: Acknowledgement(503)
    async with served(door) as url:
        bank = BankCredits(url + "/{teller}")
        async with served(bank.application()) as at, httpx.AsyncClient(base_url=at) as payer:
            asked = {"amount_dong": 1, "text": "x"}
            first = (await payer.post("/control/transfer", json=asked)).json()
            assert first["answers"][0]["status"] == 503
            door.answer = lambda _: Acknowledgement(200)
            again = (await payer.post("/control/flush")).json()
            assert [said["status"] for said in again["answers"]] == [200]
            assert (await payer.post("/control/flush")).json() == {"answers": []}
            bodies = [door.arrived.get_nowait().body for _ in range(2)]
            assert bodies[0] == bodies[1]


@pytest.mark.parametrize(
    "asked",
    [{"text": "x"}, {"qr": "x"}, {"amount_dong": 1, "teller": "nobody"}, {"amount": 1}],
    ids=["no amount", "no QR", "nobody tells", "an unknown field"],
)
async def test_what_cannot_be_sent_is_refused(asked: dict[str, Any]) -> None:
    bank = BankCredits("http://door/{teller}")
    transport = httpx.ASGITransport(bank.application())
    async with httpx.AsyncClient(transport=transport, base_url="http://bank") as payer:
        assert (await payer.post("/control/transfer", json=asked)).status_code == 400


def test_a_transfer_of_yesterday_says_so() -> None:
    notice = json.loads(told("sepay", days_ago=1).body)
    booked = datetime.fromisoformat(notice["transactionDate"]).date()
    assert (datetime.now(UTC).date() - booked).days in {0, 1}
