"""The timeline of a payment, and the proof bundle that is made from it."""

import json
from itertools import pairwise
from typing import Any
from uuid import UUID

import httpx
import pytest

from gateway.domain import proof
from gateway.domain.partner import Caller
from gateway.domain.refusals import PaymentNotFound
from gateway.flows import access, timeline
from gateway.runtime import Runtime
from tests.flows.test_viewing import id_of
from tests.providing.conftest import rt, stage
from tests.providing.scripted import KEY
from tests.providing.stage import Stage

__all__ = ["rt", "stage"]  # fixtures


async def caller(stage: Stage, partner: str = "wallet") -> Caller:
    return await access.caller_of(stage.rt, stage.world.keys[partner])
