"""A bank where payers send money to an account, and the services that tell its owner; simulated.

`POST /control/transfer` sends money: by a VietQR, or to an account with words. The money is there
from then on, whatever is told of it, by whom, how often, and how late: `GET /control/movements`.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import uvicorn
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.sandbox.bank_payos import PayOs
from gateway.sandbox.bank_qr import QrUnreadable, Scanned, read_qr
from gateway.sandbox.bank_wire import (
    TELLERS,
    Credentials,
    Flaw,
    Mangling,
    Movement,
    Secrets,
    Told,
    mangle,
    new_key,
)

ACCOUNT = "0501000123456"
NOTICE_TIMEOUT_S = 15.0


class Transfer(BaseModel):
    """One transfer, and how it is told; what the QR says goes unless it is overruled."""

    model_config = ConfigDict(extra="forbid")

    qr: str | None = None
    account: str = ACCOUNT
    virtual_account: str | None = None
    amount_dong: int | None = Field(default=None, gt=0)
    text: str | None = None
    mangling: Mangling = Mangling.PREFIXED
    teller: str | None = Field(default=None, description="Who tells; else the account's own")
    times: int = Field(default=1, ge=0, le=20, description="0: nobody is told")
    under_other_ids: bool = False
    also: str | None = Field(default=None, description="Another service that tells of it too")
    flaw: Flaw | None = None
    days_ago: int = Field(default=0, ge=0, le=30, description="It was booked so long ago")
    slow_s: float = Field(default=0.0, ge=0, le=10, description="The notice waits so long")


@dataclass(frozen=True)
class Notice:
    """One notice and where it goes."""

    teller: str
    told: Told


class BankCredits:
    """The bank, its movements, and those who tell of them.

    Args:
        notify_url: where notices go; `{teller}` stands for the service's code.
        tellers: which service tells of which account; `sepay` of any other.
    """

    def __init__(
        self,
        notify_url: str,
        tellers: Mapping[str, str] | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.notify_url = notify_url
        self.tellers = dict(tellers or {})
        self.secrets = Secrets(credentials or Credentials(), new_key(), self.now)
        self.payos = PayOs(self.now, self.secrets.credentials.payos, ACCOUNT)
        self.movements: list[Movement] = []
        self.refused: list[Notice] = []
        """What was not accepted; the control call `flush` sends it again."""
        self._numbers = 92_000
        self._client = httpx.AsyncClient(timeout=NOTICE_TIMEOUT_S, trust_env=False)

    def now(self) -> datetime:
        """Give the bank's clock."""
        return datetime.now(UTC)

    def application(self) -> Starlette:
        """Give the simulator as an ASGI application."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            yield
            await self._client.aclose()

        own = [
            Route("/control/transfer", self._transfer, methods=["POST"]),
            Route("/control/flush", self._flush, methods=["POST"]),
            Route("/control/answers", self._answers, methods=["POST"]),
            Route("/control/movements", self._movements),
            Route("/control/public-key", self._public_key),
            Route("/health", self._health),
        ]
        return Starlette(routes=[*self.payos.routes(), *own], lifespan=lifespan)

    def book(self, asked: Transfer) -> Movement:
        """Book a transfer: from here on the money is on the account.

        Raises:
            QrUnreadable: the payer's app cannot read the QR, or no amount is named.
        """
        scanned = read_qr(asked.qr) if asked.qr else None
        to, virtual = _destination(asked, scanned)
        amount = asked.amount_dong or (scanned.amount_dong if scanned else None)
        if amount is None:
            message = "the payer has typed no amount"
            raise QrUnreadable(message)
        words = asked.text if asked.text is not None else scanned.purpose if scanned else ""
        number = self._next()
        link = self.payos.link_of(virtual)
        moved = Movement(
            number=number,
            reference=f"FT26328{number:07d}",
            amount_dong=amount,
            account=to,
            virtual_account=virtual,
            text=mangle(words, asked.mangling),
            at=self.now() - timedelta(days=asked.days_ago),
            order_code=link.order_code if link else None,
            link_id=link.id if link else None,
        )
        self.movements.append(moved)
        if link is not None:
            link.moved.append(moved)
        return moved

    def notices(self, moved: Movement, asked: Transfer) -> list[Notice]:
        """Write all that is told of a movement, in the order of sending."""
        own = "payos" if moved.link_id else self.tellers.get(moved.account, "sepay")
        teller = asked.teller or own
        told = []
        for time in range(asked.times):
            again = replace(moved, number=self._next()) if asked.under_other_ids and time else moved
            told.append(Notice(teller, TELLERS[teller](again, self.secrets, asked.flaw)))
        if asked.also:
            other = replace(moved, number=self._next())
            told.append(Notice(asked.also, TELLERS[asked.also](other, self.secrets, None)))
        return told

    async def send(self, notices: list[Notice]) -> list[dict[str, Any]]:
        """Send notices one after the other; what is not accepted is kept to be sent again."""
        answers = []
        for notice in notices:
            status, body = await self._post(notice)
            if status // 100 != 2:  # noqa: PLR2004 (2xx)
                self.refused.append(notice)
            answers.append({"teller": notice.teller, "status": status, "body": body})
        return answers

    async def _post(self, notice: Notice) -> tuple[int, str]:
        url = self.notify_url.replace("{teller}", notice.teller)
        try:
            answer = await self._client.post(
                url, content=notice.told.body, headers=dict(notice.told.headers)
            )
        except httpx.HTTPError as error:
            return 0, type(error).__name__
        return answer.status_code, answer.text

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers

    async def _transfer(self, request: Request) -> Response:
        try:
            asked = Transfer.model_validate_json(await request.body())
            moved = self.book(asked)
            notices = self.notices(moved, asked)
        except (ValidationError, QrUnreadable, KeyError) as error:
            return Response(str(error), 400)
        await asyncio.sleep(asked.slow_s)
        answers = await self.send(notices)
        said = {"reference": moved.reference, "amount_dong": moved.amount_dong, "text": moved.text}
        return JSONResponse(said | {"answers": answers})

    async def _flush(self, _: Request) -> Response:
        waiting, self.refused = self.refused, []
        return JSONResponse({"answers": await self.send(waiting)})

    async def _answers(self, request: Request) -> Response:
        faults = (await request.body()).decode("ascii", "replace").split(",")
        if not set(faults) <= {"error", "html", "bad_signature"}:
            return Response(status_code=400)
        self.payos.answers.extend(faults)
        return Response(status_code=204)

    async def _movements(self, _: Request) -> Response:
        rows = [
            {"reference": m.reference, "amount_dong": m.amount_dong, "account": m.account}
            for m in self.movements
        ]
        return JSONResponse({"movements": rows, "sum_dong": sum(r["amount_dong"] for r in rows)})

    async def _public_key(self, _: Request) -> Response:
        return Response(self.public_key(), media_type="application/x-pem-file")

    def public_key(self) -> str:
        """Give the key that BVBank's notices are verified with."""
        public = self.secrets.bvbank_key.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "movements": len(self.movements)})


def _destination(asked: Transfer, scanned: Scanned | None) -> tuple[str, str | None]:
    """Say on which account the money arrives, and under which virtual one, if there is any."""
    if scanned is None or scanned.account == asked.account:
        return asked.account, asked.virtual_account
    return asked.account, scanned.account


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="A bank and those who tell of credits, simulated.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--notify-url", required=True, help="{teller} stands for who tells")
    parser.add_argument("--account", action="append", default=[], help="NUMBER=TELLER")
    asked = parser.parse_args()
    tellers = dict(item.split("=", 1) for item in asked.account)
    app = BankCredits(asked.notify_url, tellers).application()
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
