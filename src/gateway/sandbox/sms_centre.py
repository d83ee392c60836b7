"""An SMS centre, simulated: customers' telephones on one side, a bank's short number.

    python -m gateway.sandbox.jasmin --port 9214 --mo-url http://127.0.0.1:8000/v1/texts/jasmin

A customer writes by `POST /control/mo {id, from, text}`; what the telephone shows stands under
`/control/inbox/{phone}`. The same id again is the same message, as a centre repeats it. Protocols:
`jasmin` (form, `ACK/Jasmin`, `/send`, reports), `smsbanking` (signed JSON, `/mt`, reports),
`viettelmo` (SOAP, the reply travels in the answer, `/mt` as SOAP, no reports).
"""

import argparse
import hmac
import json
import re
import time
import uuid
from collections import defaultdict
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode
from xml.sax.saxutils import escape, unescape

import httpx
import uvicorn
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.sandbox.rail_faults import Fault, Faults, Planned

SECRET = "sms-sandbox-simulator-secret-0001"  # noqa: S105 (this simulator's)
USER, PASSWORD = "evn", "sms-sandbox-password"
SHORT_NUMBER = "8149"
FORM = {"content-type": "application/x-www-form-urlencoded"}


class Written(BaseModel):
    """What a customer sends."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    id: str
    sender: str = Field(alias="from")
    text: str


class SmsCentre:
    """One short number.

    Args:
        protocol: `jasmin`, `smsbanking` or `viettelmo`.
        mo_url: the gateway's door for messages, with Jasmin's `?key=` in it.
        secret: signs both directions of `smsbanking`.
    """

    def __init__(self, protocol: str, mo_url: str = "", *, secret: str = SECRET) -> None:
        self.protocol, self.mo_url, self.secret = protocol, mo_url, secret
        self.faults = Faults()
        self.inbox: dict[str, list[str]] = defaultdict(list)
        self.reports: list[tuple[str, bytes, dict[str, str]]] = []
        self.taken: dict[str, str] = {}
        """The centre's number of each message that it was given, by the sender's id or text."""

    def application(self) -> Starlette:
        """Make the application."""
        return Starlette(
            routes=[
                Route("/mt", self._mt, methods=["POST"]),
                Route("/bulkapi", self._bulk, methods=["POST"]),
                Route("/send", self._send, methods=["GET", "POST"]),
                Route("/control/mo", self._mo, methods=["POST"]),
                Route("/control/inbox/{phone}", self._inbox),
                Route("/control/flush", self._flush, methods=["POST"]),
                Route("/control/faults", self._plan, methods=["POST"]),
                Route("/health", self._health),
            ]
        )

    # ── from the customer to the bank ────────────────────────────────────────────────────────

    async def _mo(self, request: Request) -> Response:
        try:
            written = Written.model_validate_json(await request.body())
        except ValidationError as error:
            return Response(str(error), 400)
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            answer = await http.send(http.build_request("POST", self.mo_url, **self._told(written)))
        reply = self._reply(answer)
        if reply:
            self.inbox[written.sender].append(reply)
        accepted = answer.status_code == 200 and (  # noqa: PLR2004
            self.protocol != "jasmin" or answer.content == b"ACK/Jasmin"
        )
        return JSONResponse({"accepted": accepted, "status": answer.status_code, "reply": reply})

    def _told(self, written: Written) -> dict[str, Any]:
        if self.protocol == "jasmin":
            fields = {"id": written.id, "from": written.sender, "to": SHORT_NUMBER}
            more = {"origin-connector": "smpp1", "content": written.text, "coding": "0"}
            binary = written.text.encode("utf-16-be").hex()
            if not written.text.isascii():
                more = {"origin-connector": "smpp1", "binary": binary, "coding": "8"}
            return {"content": urlencode({**fields, **more}), "headers": FORM}
        if self.protocol == "viettelmo":
            return {
                "content": envelope(written).encode(),
                "headers": {"content-type": "text/xml; charset=utf-8"},
            }
        body = json.dumps(
            {"id": written.id, "from": written.sender, "to": SHORT_NUMBER, "text": written.text}
        ).encode()
        return {"content": body, "headers": self._signed(body)}

    def _reply(self, answer: httpx.Response) -> str:
        if answer.status_code != 200 or self.protocol == "jasmin":  # noqa: PLR2004
            return ""
        if self.protocol == "viettelmo":
            found = re.search(r"<MessageContent>(.*?)</MessageContent>", answer.text, re.S)
            return unescape(found[1]) if found else ""
        return str(answer.json().get("reply", "")) if answer.content else ""

    def _signed(self, body: bytes) -> dict[str, str]:
        stamp = str(int(time.time()))
        mac = hmac.new(self.secret.encode(), stamp.encode() + b"." + body, sha256).hexdigest()
        return {"content-type": "application/json", "x-timestamp": stamp, "x-signature": mac}

    # ── from the bank to the customer ────────────────────────────────────────────────────────

    async def _send(self, request: Request) -> Response:
        """Take a message by Jasmin's HTTP API."""
        given = parse_qs((await request.body()).decode()) | parse_qs(request.url.query)
        fields = {name: values[0] for name, values in given.items()}
        if (fields.get("username"), fields.get("password")) != (USER, PASSWORD):
            return PlainTextResponse('Error "Authentication failure for username:evn"', 403)
        if not fields.get("to") or len(fields.get("content", "")) > 160:  # noqa: PLR2004
            return PlainTextResponse('Error "Argument [to] has an invalid value"', 400)
        number, fault = str(uuid.uuid4()), self.faults.take("send", reference=fields["to"])
        if fault is Fault.ERROR_BEFORE:
            return PlainTextResponse('Error "Cannot send submit_sm"', 500)
        self.inbox[fields["to"]].append(fields["content"])
        if fields.get("dlr") == "yes":
            report = {"id": number, "message_status": "DELIVRD", "level": "3", "connector": "c1"}
            await self._report(fields["dlr-url"], urlencode(report).encode(), FORM, fields["to"])
        return PlainTextResponse(f'Success "{number}"')

    async def _mt(self, request: Request) -> Response:
        """Take a message by `sms-banking/0.1`; the same id again is one message."""
        body = await request.body()
        stamp = request.headers.get("x-timestamp", "")
        due = hmac.new(self.secret.encode(), stamp.encode() + b"." + body, sha256).hexdigest()
        if not hmac.compare_digest(due, request.headers.get("x-signature", "")):
            return Response(status_code=401)
        fields = json.loads(body)
        fault = self.faults.take("send", reference=fields["to"])
        if fault is Fault.ERROR_BEFORE:
            return Response(status_code=500)
        if fields["id"] not in self.taken:
            self.taken[fields["id"]] = f"MT{len(self.taken) + 1:08d}"
            self.inbox[fields["to"]].append(fields["text"])
        number = self.taken[fields["id"]]
        if fault is Fault.ERROR_AFTER:
            return Response(status_code=500)
        if fields.get("report_url"):
            report = json.dumps({"message_id": number, "stat": "DELIVRD"}).encode()
            await self._report(fields["report_url"], report, self._signed(report), fields["to"])
        answer = json.dumps({"message_id": number}).encode()
        return Response(answer, headers=self._signed(answer))

    async def _bulk(self, request: Request) -> Response:
        """Take a message by Viettel's wsCpMt; it reports nothing."""
        text = (await request.body()).decode()
        fields = {n: unescape(v) for n, v in re.findall(r"<(\w+)>([^<]*)</\1>", text)}
        is_known = (fields.get("User"), fields.get("Password")) == (USER, PASSWORD)
        if is_known:
            self.inbox[fields["UserID"]].append(fields["Content"])
        result = f"<return><result>{int(is_known)}</result></return>"
        return Response(result, media_type="text/xml")

    async def _report(self, url: str, body: bytes, headers: dict[str, str], phone: str) -> None:
        """Keep a delivery report for `/control/flush`."""
        if self.faults.take("report", reference=phone) is not Fault.MISSING:
            self.reports.append((url, body, headers))

    async def _flush(self, _: Request) -> Response:
        """Send the reports that wait; a centre's report comes after its answer."""
        waiting, self.reports = self.reports, []
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            sent = [
                (await http.post(url, content=body, headers=headers)).status_code
                for url, body, headers in waiting
            ]
        return JSONResponse({"answered": sent})

    # ── control ──────────────────────────────────────────────────────────────────────────────

    async def _inbox(self, request: Request) -> Response:
        return JSONResponse({"texts": self.inbox[request.path_params["phone"]]})

    async def _plan(self, request: Request) -> Response:
        try:
            self.faults.plan(Planned.model_validate_json(await request.body()))
        except ValidationError as error:
            return Response(str(error), 400)
        return Response(status_code=204)

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})


def envelope(written: Written) -> str:
    """Write a customer's message as Viettel's messageReceiver asks it (OpenCPS, one source)."""
    fields = {
        "RequestID": written.id,
        "UserID": written.sender,
        "ReceiverID": SHORT_NUMBER,
        "ServiceID": SHORT_NUMBER,
        "CommandCode": written.text.split()[0] if written.text.split() else "",
        "Info": written.text,
        "ReceiveTime": time.strftime("%Y%m%d%H%M%S"),
    }
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    return (
        '<?xml version="1.0" encoding="utf-8"?><soapenv:Envelope xmlns:soapenv='
        '"http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
        f"<messageReceiver>{inner}</messageReceiver></soapenv:Body></soapenv:Envelope>"
    )


def main(protocol: str) -> None:
    """Serve one short number until stopped."""
    parser = argparse.ArgumentParser(description=f"An SMS centre that speaks {protocol}.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--mo-url", required=True)
    parser.add_argument("--secret", default=SECRET)
    asked = parser.parse_args()
    app = SmsCentre(protocol, asked.mo_url, secret=asked.secret).application()
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", access_log=False)
