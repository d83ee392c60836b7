"""The QR of a transfer, against what NAPAS and the field's libraries print."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.emv_fields import QrRefused, read_row, seal, unseal, write_row
from gateway.domain.emvqr import (
    BILL_NUMBER,
    CATEGORY,
    CITY,
    NAME,
    PROMPT,
    REFERENCE,
    TERMINAL,
    Service,
    TransferQr,
    decode,
    encode,
)

ACCOUNT_HEAD = "00020101021138570010A00000072701270006970403"
# NAPAS's specification v1.0 and v1.5.2 (as printed in the tests of npm vietnam-qr-pay and others),
# and the READMEs of npm vietnam-qr-pay 1.5.1 and github.com/subiz/vietqr; read 2026-11-24.
PUBLISHED = {
    f"{ACCOUNT_HEAD}011300110123456780208QRIBFTTA53037045802VN63049E6F": TransferQr(
        "970403", "0011012345678"
    ),
    "00020101021238600010A00000072701300006970403011697040311012345670208QRIBFTTC"
    "530370454061800005802VN62340107NPS68690819thanh toan don hang6304A203": TransferQr(
        "970403",
        "9704031101234567",
        180_000,
        "thanh toan don hang",
        is_dynamic=True,
        service=Service.TO_CARD,
        notes={BILL_NUMBER: "NPS6869"},
    ),
    "00020101021238500010A000000727012200069704030108123456780206QRCASH5204601153037045802VN"
    "5915NGUYEN HUU HUAN6005HANOI6237052120190109155714228384707080000111163041009": TransferQr(
        "970403",
        "12345678",
        is_dynamic=True,
        service=Service.CASH,
        notes={REFERENCE: "201901091557142283847", TERMINAL: "00001111"},
        others={CATEGORY: "6011", NAME: "NGUYEN HUU HUAN", CITY: "HANOI"},
    ),
    "00020101021238530010A0000007270123000697041601092576788590208QRIBFTTA"
    "5303704540410005802VN62150811Chuyen tien6304BBB8": TransferQr(
        "970416", "257678859", 1_000, "Chuyen tien", is_dynamic=True
    ),
    "00020101021238570010A00000072701270006970415011300110019324180208QRIBFTTA"
    "530370454061200005802VN62170813ung ho lu lut6304C15C": TransferQr(
        "970415", "0011001932418", 120_000, "ung ho lu lut", is_dynamic=True
    ),
}
OURS = TransferQr(
    "970436", "EVNCMP7XHXH5N2ND", 512_345, "P7XHXH5N2ND PB14010012345", is_dynamic=True
)
TAGS = st.integers(2, 99).map("{:02d}".format)
PLAIN = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
TRANSFERS = st.builds(
    TransferQr,
    bank_bin=st.from_regex(r"[0-9]{6}", fullmatch=True),
    account=st.from_regex(r"[0-9A-Za-z]{1,19}", fullmatch=True),
    amount_dong=st.none() | st.integers(1, 9_999_999_999_999),
    purpose=st.just("") | PLAIN.map(lambda text: text[:25]),
    is_dynamic=st.booleans(),
    service=st.sampled_from([*map(str, Service), "QRNEW1"]),
    notes=st.dictionaries(st.sampled_from(["01", "05", "09"]), PLAIN.map(lambda t: t[:3])),
    others=st.dictionaries(
        TAGS.filter(lambda tag: tag not in {"38", "53", "54", "58", "62", "63"}),
        PLAIN.map(lambda text: text[:2]),
        max_size=4,
    ),
)


def rebuilt(text: str, **changes: str | None) -> str:
    """Change top fields by `t54="…"`, None leaves one out, and close it with a right checksum."""
    fields: dict[str, str | None] = dict(read_row(unseal(text)))
    fields |= {name[1:]: value for name, value in changes.items()}
    return seal(write_row({tag: value for tag, value in fields.items() if value}))


@pytest.mark.parametrize("text", PUBLISHED, ids=["v1.5.2", "card", "cash", "npm", "subiz"])
def test_what_is_published_is_read_and_written_to_the_byte(text: str) -> None:
    assert decode(text) == PUBLISHED[text]
    assert encode(PUBLISHED[text]) == text


@given(TRANSFERS)
def test_what_is_written_is_read(qr: TransferQr) -> None:
    assert decode(encode(qr)) == qr


@given(TRANSFERS, st.data())
def test_one_character_misread_is_refused(qr: TransferQr, data: st.DataObject) -> None:
    text = encode(qr)
    at = data.draw(st.integers(0, len(text) - 1))
    sign = data.draw(st.characters(min_codepoint=32, max_codepoint=126))
    twin = text[:at] + sign + text[at + 1 :]
    if twin.upper()[-4:] != text[-4:] or twin[:-4] != text[:-4]:
        with pytest.raises(QrRefused):
            decode(twin)


@given(st.text())
def test_no_text_raises_anything_but_refused(text: str) -> None:
    with pytest.raises(QrRefused):
        decode(seal(text) if text.isprintable() and not text.startswith("0002") else text)


def test_a_right_checksum_with_a_wrong_length_inside_is_refused() -> None:
    # Printed in NAPAS v1.0: a length of 12 before an account of 13 digits, and a right checksum.
    printed = f"{ACCOUNT_HEAD}011200110123456780208QRIBFTTA53037045802VN6304F4E5"
    assert unseal(printed)
    with pytest.raises(QrRefused) as refused:
        decode(printed)
    assert refused.value.tag == "38.01.8"


def test_a_stray_checksum_in_the_middle_is_refused() -> None:
    # Two examples of v1.5.2 are printed with a stray 63049229.
    with pytest.raises(QrRefused):
        decode(seal(f"{unseal(next(iter(PUBLISHED)))}63049229"))


def test_a_lower_case_checksum_is_read() -> None:
    text = encode(OURS)
    assert decode(text[:-4] + text[-4:].lower()) == OURS


def test_static_with_an_amount_is_read() -> None:
    assert decode(rebuilt(encode(OURS), t01="11")).is_dynamic is False


def test_unknown_templates_are_kept() -> None:
    kept = {"26": "0010A0000007750203abc", "64": "0002VI0104Điện"[:14], "80": "x", "99": "y"}
    read = decode(rebuilt(encode(OURS), **{f"t{tag}": value for tag, value in kept.items()}))
    assert read.others == kept
    assert decode(encode(read)) == read


def test_a_prompt_is_kept_as_it_is() -> None:
    asked = TransferQr("970436", "0011", notes={REFERENCE: PROMPT})
    assert decode(encode(asked)).notes == {REFERENCE: "***"}


def test_a_qr_without_a_service_is_a_merchants() -> None:
    template = write_row({"00": "A000000727", "01": "0006970436010400 1".replace(" ", "1")})
    assert decode(rebuilt(encode(OURS), t38=template)).service == Service.MERCHANT


@pytest.mark.parametrize(
    ("tag", "change"),
    [
        ("00", {"t00": "02"}),
        ("01", {"t01": "13"}),
        ("01", {"t01": None}),
        ("38", {"t38": None}),
        ("38.00", {"t38": "0010A000000775"}),
        ("38.01.00", {"t38": "0010A000000727"}),
        ("38.01.01", {"t38": "0010A00000072701100006970436"}),
        ("53", {"t53": "840"}),
        ("58", {"t58": "KH"}),
        ("54", {"t54": "0"}),
        ("54", {"t54": "1000.5"}),
        ("54", {"t54": "1,000"}),
        ("54", {"t54": "-1"}),
        ("54", {"t54": "\u0661\u0660"}),
        ("62.08", {"t62": "0899abc"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())),
)
def test_what_is_no_transfer_is_refused_by_its_tag(tag: str, change: dict[str, str | None]) -> None:
    with pytest.raises(QrRefused) as refused:
        decode(rebuilt(encode(OURS), **change))
    assert refused.value.tag.startswith(tag)


def test_zeros_behind_the_point_are_whole_dong() -> None:
    assert decode(rebuilt(encode(OURS), t54="1000.00")).amount_dong == 1_000


def test_vietnamese_is_folded_when_written() -> None:
    qr = TransferQr("970436", "0011", purpose="Tiền điện đợt 2", others={NAME: "Điện lực"})
    assert decode(encode(qr)).purpose == "Tien dien dot 2"
    assert decode(encode(qr)).others == {NAME: "Dien luc"}


@pytest.mark.parametrize(("long", "most"), [(False, 25), (True, 90)])
def test_a_purpose_is_refused_above_its_limit(*, long: bool, most: int) -> None:
    fits, bursts = (TransferQr("970436", "0011", purpose="x" * n) for n in (most, most + 1))
    assert decode(encode(fits, has_long_purpose=long)).purpose == "x" * most
    with pytest.raises(QrRefused) as refused:
        encode(bursts, has_long_purpose=long)
    assert refused.value.tag == "62.08"


def test_a_purpose_of_95_is_read_though_never_written() -> None:
    text = rebuilt(encode(OURS), t62=write_row({"08": "x" * 95}))
    assert decode(text).purpose == "x" * 95


def test_notes_that_do_not_fit_together_are_refused() -> None:
    crowded = TransferQr("970436", "0011", notes={f"0{number}": "x" * 25 for number in range(1, 5)})
    with pytest.raises(QrRefused) as refused:
        encode(crowded)
    assert refused.value.tag == "62"


@pytest.mark.parametrize(
    ("tag", "change"),
    [
        ("38.01.00", {"bank_bin": "97040"}),
        ("38.01.01", {"account": ""}),
        ("38.01.01", {"account": "x" * 20}),
        ("38.01.01", {"account": "00 11"}),
        ("38.02", {"service": "qr"}),
        ("54", {"amount_dong": 0}),
        ("54", {"amount_dong": 10**13}),
        ("62.01", {"notes": {"01": "x" * 26}}),
        ("62.08", {"notes": {"08": "x"}}),
        ("59", {"others": {"59": "x" * 26}}),
        ("54", {"others": {"54": "1"}}),
        ("80", {"others": {"80": "a\nb"}}),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value)[:40],
)
def test_what_does_not_fit_is_not_written(tag: str, change: dict[str, object]) -> None:
    fields: dict[str, object] = {"bank_bin": "970436", "account": "0011"} | change
    with pytest.raises(QrRefused) as refused:
        encode(TransferQr(**fields))  # type: ignore[arg-type]
    assert refused.value.tag == tag
