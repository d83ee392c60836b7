"""The SMS centre of `sandbox/sms_centre.py`, speaking `viettelmo`."""

from gateway.sandbox.sms_centre import SmsCentre, main

PROTOCOL = "viettelmo"


def centre(mo_url: str = "") -> SmsCentre:
    """Make the centre; `mo_url` is the gateway's door for customers' messages."""
    return SmsCentre(PROTOCOL, mo_url)


if __name__ == "__main__":
    main(PROTOCOL)
