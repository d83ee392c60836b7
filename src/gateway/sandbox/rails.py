"""The simulated providers of the demo: how each is started, and how the gateway is told of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.sandbox import viettelmoney_wire


@dataclass(frozen=True, slots=True)
class RailPart:
    """One simulator. `{rail}` stands for its own address, `{gateway}` for the gateway's."""

    code: str
    title: str
    channel: str
    """The channel over which the demo pays there."""
    argv: tuple[str, ...] = ()
    config: Mapping[str, str] = field(default_factory=dict)
    """Fields of the provider's configuration; the credentials are the simulator's defaults."""
    also: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The same of further providers that the simulator plays, by their codes."""

    def arguments(self, *, port: int, gateway: str) -> list[str]:
        """Give what starts the simulator, after `python`."""
        own = [argument.format(gateway=gateway) for argument in self.argv]
        return ["-m", f"gateway.sandbox.{self.code}", "--port", str(port), *own]

    def environment(self, *, rail: str) -> dict[str, str]:
        """Give the variables by which the gateway is configured for it."""
        return {
            f"GATEWAY_{code.upper()}__{name.upper()}": value.format(rail=rail)
            for code, config in {self.code: self.config, **self.also}.items()
            for name, value in config.items()
        }


# The credentials of MoMo, OnePay and ZaloPay are those that they publish for their sandboxes; VNPAY
# and Payoo publish none, so their simulators have their own.
RAILS = (
    RailPart(
        code="momo",
        title="MoMo",
        channel="e_wallet",
        config={
            "host": "{rail}",
            "partner_code": "MOMO",
            "access_key": "F8BBA842ECF85",
            "secret_key": "K951B6PE1waDMi640xX08PD3vg6EkVlz",
            "deadline_s": "3",
            "visibility_s": "5",
        },
    ),
    RailPart(
        code="vnpay",
        title="VNPAY",
        channel="qr",
        argv=("--notify-url", "{gateway}/v1/notifications/vnpay"),
        config={
            "pay_url": "{rail}/paymentv2/vpcpay.html",
            "api_url": "{rail}/merchant_webapi/api/transaction",
            "tmn_code": "CGTTDEMO",
            "hash_secret": "vnpay-sandbox-simulator-secret-0001",
            "deadline_s": "3",
            "visibility_s": "5",
            "query_spacing_s": "1",
        },
    ),
    RailPart(
        code="payoo",
        title="Payoo",
        channel="e_wallet",
        config={
            "host": "{rail}",
            "business_url": "{rail}/BusinessRestAPI.svc",
            "username": "evn_sandbox",
            "shop_id": "691",
            "shop_title": "EVN",
            "shop_domain": "https://evn.example.vn",
            "checksum_key": "payoo-sandbox-simulator-key-0001",
            "api_username": "evn_sandbox_api",
            "api_password": "payoo-sandbox-simulator-password-0001",
            "api_signature": "payoo-sandbox-simulator-signature-0001",
            "deadline_s": "3",
            "visibility_s": "5",
        },
    ),
    RailPart(
        code="onepay",
        title="OnePay",
        channel="card",
        config={
            "host": "{rail}",
            "merchant_id": "TESTONEPAY",
            "access_code": "6BEB2546",
            "hash_key": "6D0870CDE5F24F34F3915FB0045120DB",
            "user": "op01",
            "password": "op123456",
            "deadline_s": "3",
            "visibility_s": "5",
        },
    ),
    RailPart(
        code="zalopay",
        title="ZaloPay",
        channel="e_wallet",
        config={
            "host": "{rail}",
            "app_id": "2553",
            "key1": "PcY4iZIKFCIdgZvA6ueMcMHHUbRLYjPL",
            "key2": "kLtgPl8HHhfvMuDHPwKfgfsY4Ydm9eIz",
            "deadline_s": "3",
            "visibility_s": "5",
        },
    ),
)

# Those that a demo of their own channel starts, and `gateway run` does not.
MORE_RAILS = (
    RailPart(
        code="napas",
        title="NAPAS",
        channel="card",
        config={
            "host": "{rail}",
            "merchant_id": "EVNSPC",
            "username": "napas-sandbox-user",
            "password": "napas-sandbox-simulator-password-0001",
            "client_id": "napas-sandbox-client",
            "client_secret": "napas-sandbox-simulator-client-secret-0001",
            "checksum_secret": "napas-sandbox-simulator-checksum-secret-0001",
            "deadline_s": "3",
            "visibility_s": "5",
        },
    ),
    RailPart(
        code="pospush",
        title="POS",
        channel="pos",
        argv=("--reversal-s", "3"),
        config={
            "host": "{rail}",
            "mid": "EVNSPC000000001",
            "secret": "pospush-sandbox-simulator-secret-0001",
            "terminals": "WARD2-01,WARD5-01",
            "deadline_s": "3",
            "visibility_s": "5",
        },
    ),
    RailPart(
        code="viettelpay",
        title="ViettelPay",
        channel="e_wallet",
        argv=(
            *("--verify-url", "{gateway}/v1/confirmations/viettelpay"),
            *("--notify-url", "{gateway}/v1/notifications/viettelpay"),
        ),
        config={
            "host": "{rail}",
            "merchant_code": "EVNSPC",
            "access_code": "viettelpay-sandbox-access-0001",
            "hash_key": "viettelpay-sandbox-simulator-secret-0001",
            "deadline_s": "3",
            "visibility_s": "5",
        },
    ),
    RailPart(
        code="viettelmoney",
        title="Viettel Money",
        channel="e_wallet",
        argv=(
            *("--verify-url", "{gateway}/v1/confirmations/viettelmoney"),
            *("--notify-url", "{gateway}/v1/notifications/viettelmoney"),
        ),
        config={
            "base": "{rail}" + viettelmoney_wire.BASE,
            "merchant_code": viettelmoney_wire.Account.merchant,
            "access_token": viettelmoney_wire.Account.token,
            "private_key": viettelmoney_wire.MERCHANT_PRIVATE,
            "public_key": viettelmoney_wire.VIETTEL_PUBLIC,
            "deadline_s": "3",
            "visibility_s": "5",
        },
    ),
)
