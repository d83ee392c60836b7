"""The export of a month of the pilot, for those who sign in and see all of it."""

import re
import tempfile
from datetime import date
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response
from starlette.background import BackgroundTask

from gateway.domain.pilot import Pilot
from gateway.domain.user import User
from gateway.flows import adoption, exports
from gateway.kit.spreadsheet import MEDIA_TYPES, SUFFIXES, Form
from gateway.pages.account import signed_in
from gateway.pages.site import HEADERS, runtime_of, site

router = APIRouter(include_in_schema=False, tags=["page"])
MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])", re.ASCII)
PATH = "/pilot/export"


def may_export(user: User, pilot: Pilot) -> bool:
    """Say whether a user sees every area that an export has rows of."""
    return all(user.sees(area) for area in (*pilot.areas, *pilot.comparison_areas))


@router.get(PATH)
async def export(request: Request) -> Response:
    """Give a month as a workbook, or as CSV files in a ZIP; audited under the user's name."""
    user = await signed_in(request)
    if isinstance(user, Response):
        return user
    rt = runtime_of(request)
    newest = await adoption.newest_pilot(rt)
    wanted = _wanted(request)
    if newest is None or wanted is None:
        return await site().show(request, "missing.html", status=404)
    biller, code = newest
    report = await adoption.read_pilot(rt, biller, code)
    if not may_export(user, report.pilot):
        return await site().show(request, "missing.html", status=404)
    month, form = wanted
    folder = tempfile.TemporaryDirectory(prefix="gateway-export-")
    path = Path(folder.name) / f"adoption{SUFFIXES[form]}"
    try:
        asked = exports.Wanted(code, month, form)
        done = await exports.write(rt, biller, asked, path, actor=f"user:{user.name}")
    except BaseException:
        folder.cleanup()
        raise
    return FileResponse(
        path,
        media_type=MEDIA_TYPES[form],
        filename=f"{code}-{done.month:%Y-%m}{SUFFIXES[form]}",
        headers=HEADERS | {"cache-control": "no-store"},
        background=BackgroundTask(folder.cleanup),
    )


def _wanted(request: Request) -> tuple[date | None, Form] | None:
    """Read which month and form are asked for; None if they cannot be."""
    form = request.query_params.get("form", Form.XLSX)
    month = request.query_params.get("month", "")
    found = MONTH.fullmatch(month)
    if form not in set(Form) or (month and found is None):
        return None
    return (date(int(found[1]), int(found[2]), 1) if found else None), Form(form)
