"""Docs pages (being written)."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter


@dataclass(frozen=True, slots=True)
class ProblemDoc:
    """One problem code."""

    code: str
    status: int
    title_en: str
    title_vi: str
    meaning_en: str
    meaning_vi: str
    money_may_have_moved: bool
    retry: str


def docs_routes(problems: Sequence[ProblemDoc]) -> APIRouter:
    """Give the routes."""
    del problems
    return APIRouter(include_in_schema=False)
