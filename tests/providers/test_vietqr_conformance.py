"""VietQR keeps every promise of an adapter; it makes no call and receives nothing."""

from collections.abc import Iterable

from gateway.domain.emv_fields import checksum
from gateway.domain.order_code import PATTERN
from gateway.providers.vietqr import Config, VietQr
from gateway.testing.conformance import ProviderConformance

# NAPAS's specification v1.5.2, read 2026-11-24.
PRINTED = (
    "00020101021138570010A00000072701270006970403011300110123456780208QRIBFTTA53037045802VN6304"
)


class TestVietQr(ProviderConformance):
    """What is "signed" is the checksum."""

    provider_class = VietQr
    reference_pattern = PATTERN
    codes = {}  # noqa: RUF012
    calls = False

    def config(self, host: str) -> Config:
        """Give an account; there is no host."""
        return Config(bank_bin="970436", account="0011012345678", account_name="Điện lực Cà Mau")

    def published(self) -> Iterable[tuple[str, str]]:
        """Give the checksum of NAPAS's static example."""
        yield checksum(PRINTED), "9E6F"
