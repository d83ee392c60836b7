"""The simulated bank's control calls: what customers, branches and the core system do there."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.sandbox import autodebit_wire as wire
from gateway.sandbox.autodebit_books import Books, Debit, Mandate

ShapeT = TypeVar("ShapeT", bound=BaseModel)


class Scripted(BaseModel):
    """What the next attempts on a mandate answer; limits and closed accounts still win."""

    model_config = ConfigDict(extra="forbid")
    mandate_id: str
    codes: list[str]


class MandateActed(BaseModel):
    """What the branch, the bank or the customer does with a mandate."""

    model_config = ConfigDict(extra="forbid")
    mandate_id: str
    act: Literal["branch_signed", "accept", "reject", "suspend", "expire", "cancel"]
    reason: str = ""


class DebitActed(BaseModel):
    """How a debit in process ends; 38 returns one that was booked."""

    model_config = ConfigDict(extra="forbid")
    debit_id: str
    code: str = Field(pattern=r"^[0-9]{2}$")


class AccountSet(BaseModel):
    """What is true of an account from now on."""

    model_config = ConfigDict(extra="forbid")
    account_no: str
    balance_dong: int | None = None
    name: str | None = None
    is_closed: bool | None = None
    is_blocked: bool | None = None


class Controls:
    """The control calls; `tell` notifies, `charge` writes down money that was taken."""

    def __init__(
        self,
        books: Books,
        tell: Callable[[str, Debit | Mandate], None],
        charge: Callable[[Debit], None],
        now: Callable[[], datetime],
    ) -> None:
        self._books, self._tell, self._charge, self._now = books, tell, charge, now

    def routes(self) -> list[Route]:
        """Give the paths."""
        return [
            _control("scripts", Scripted, self._script),
            _control("mandates", MandateActed, self._mandate),
            _control("debits", DebitActed, self._debit),
            _control("accounts", AccountSet, self._account),
            Route("/control/otps/{mandate_id}", self._otp, methods=["GET"]),
        ]

    async def _otp(self, request: Request) -> Response:
        """Show what the customer's telephone shows."""
        mandate = self._books.mandates.get(request.path_params["mandate_id"])
        return JSONResponse({"otp": mandate.otp if mandate else ""})

    def _script(self, asked: Scripted) -> bool:
        self._books.scripts[asked.mandate_id] = list(asked.codes)
        return True

    def _mandate(self, asked: MandateActed) -> bool:
        mandate = self._books.mandates.get(asked.mandate_id)
        if mandate is None or not self._books.change(mandate, asked.act, asked.reason):
            return False
        self._tell("mandate", mandate)
        return True

    def _debit(self, asked: DebitActed) -> bool:
        debit = self._books.debits.get(asked.debit_id)
        if debit is None:
            return False
        if asked.code == wire.DISPUTED:
            is_done = self._books.give_back(debit)
        else:
            is_done = debit.code == wire.IN_PROCESS
            if is_done:
                self._books.finish(debit, asked.code, self._now())
            if is_done and debit.bank_ref:
                self._charge(debit)
        if is_done:
            self._tell("debit", debit)
        return is_done

    def _account(self, asked: AccountSet) -> bool:
        account = self._books.account(asked.account_no)
        for name, value in asked.model_dump(exclude={"account_no"}, exclude_none=True).items():
            setattr(account, name, value)
        return True


def _control(path: str, shape: type[ShapeT], act: Callable[[ShapeT], bool]) -> Route:
    async def serve(request: Request) -> Response:
        try:
            asked = shape.model_validate_json(await request.body())
        except ValidationError as error:
            return Response(str(error), 400)
        return JSONResponse({"done": act(asked)})

    return Route(f"/control/{path}", serve, methods=["POST"])
