"""How a simulator's call misbehaves on the wire: no answer, half an answer, another's answer."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from gateway.sandbox.rail_faults import Fault

HTML_ANSWER = "<!doctype html><title>Bao tri</title><p>He thong dang bao tri.</p>"


class CutOff(Response):
    """Begin an answer and break off: the server then closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Announce a body that never comes."""
        headers = [(b"content-length", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


async def answer_as(
    request: Request, fault: Fault | None, effect: Callable[[], Awaitable[Response]]
) -> Response:
    """Have the effect, or not, and answer, or not, as the fault says."""
    if fault is None or not fault.endswith(("_before", "_after")):
        return await effect()
    if fault.endswith("_after"):
        await effect()
    kind = fault.split("_")[0]
    if kind == "error":
        return Response("Internal Server Error", 500)
    if kind == "html":
        return HTMLResponse(HTML_ANSWER)
    if kind == "hang":
        while (await request.receive())["type"] != "http.disconnect":
            pass
    return CutOff()
