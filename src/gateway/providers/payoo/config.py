"""What the gateway must know to be a shop at Payoo."""

from typing import Literal

from pydantic import Field, SecretStr

from gateway.kit import abilities


class Config(abilities.Config):
    """The shop, its key, its account of the business API; the addresses are the sandbox's."""

    username: str = Field(min_length=1)
    shop_id: int = Field(gt=0)
    shop_title: str = Field(min_length=1)
    shop_domain: str = Field(min_length=1)
    checksum_key: SecretStr = Field(min_length=1)
    api_username: str = Field(min_length=1)
    api_password: SecretStr = Field(min_length=1)
    api_signature: SecretStr = Field(min_length=1)
    host: str = Field(default="https://newsandbox.payoo.com.vn", pattern=r"^https?://[^\s/?#@]+$")
    business_url: str = "https://bizsandbox.payoo.com.vn/BusinessRestAPI.svc"
    # What is asked of Payoo with each order, and the only form that is read.
    notifications: Literal["json", "xml"] = "json"
    # Payoo's, tried beside the true peer, for when something between us hides it; with commas.
    notify_addresses: str = Field(default="118.69.56.194", pattern=r"^[0-9A-Fa-f.:,]*$")
