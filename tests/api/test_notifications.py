"""The doors for providers and browsers: whatever comes, an answer that is no failure of ours."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import Response

from gateway.domain.partner import Mode
from gateway.kit.abilities import Config, Provider
from gateway.kit.attached import Providers
from gateway.providers.momo import Config as MoMoConfig
from gateway.providers.momo import MoMo
from gateway.runtime import Clock, Runtime, Secrets
from tests.providers.momo import KEYS
from tests.providers.vnpay import VNPAY
from tests.providers.zalopay_order import ZALOPAY
from tests.providing.conftest import stage
from tests.providing.scripted import Scripted, sign
from tests.providing.stage import Stage
from tests.world import MASTER_SECRET

__all__ = ["stage"]  # a fixture

ACCOUNT = {
    "partner_code": "MOMO",
    "access_key": KEYS["MOMO"][0],
    "secret_key": KEYS["MOMO"][1],
}
CODES = ["scripted", "momo", "vnpay", "zalopay"]
KEPT_ROWS, KEPT_BYTES = 1000, 4096
BODIES = [
    *(b"", b"\x00", b"\x00" * 5000, b"\xff\xfe\x00", b"null", b"[]", b"{}", b"1", b'"x"', b"NaN"),
    *(b"{", b"[" * 50_000, b'{"a":' * 10_000, b"a=b&c=d", b"=" * 5000, b"&" * 5000, b"%" * 5000),
    *(b'{"data":"\\u0000","mac":"x","type":1}', b'{"data":{},"mac":[],"type":"1"}'),
    *(b'{"data":"{","mac":"\xc4\x91"}', b'{"signature":null,"orderId":5,"amount":1e999}'),
    *(b'{"signature":"\\ud800","orderId":"\\ud800"}', b"<html>", "Điện".encode("utf-16")),
    *(b'{"resultCode":' + b"9" * 5000 + b"}", b'{"amount":' + b"9" * 50_000 + b"}"),
]
QUERIES = [
    *("", "?", "?a", "?=", "?&&&", "?%", "?%zz", "?%00=%00", "?%ff=%fe", "?a=%ed%a0%80", "?x=;;"),
    *("?" + "a=b&" * 500, "?" + "a" * 20_000, "?vnp_SecureHash=%00&vnp_TxnRef=%00"),
    *("?vnp_SecureHash=", "?vnp_SecureHash=x&vnp_SecureHash=y&vnp_Amount=1e9", "?signature=\u0111"),
    *("?checksum=%00&apptransid=%00&amount=-1", "?orderId=%00&signature=%00&amount=x"),
]


@pytest.fixture
async def rt(database: str, clock: Clock) -> AsyncIterator[Runtime]:
    """A runtime of the scripted provider and of all of the house's own."""
    momo = MoMo(MoMoConfig.model_validate(ACCOUNT))
    providers: list[Provider[Any]] = [Scripted(Config()), momo, VNPAY, ZALOPAY]
    runtime = Runtime(
        database_url=database,
        pool_size=8,
        secrets=Secrets.derived_from(MASTER_SECRET),
        mode=Mode.TEST,
        clock=clock,
        providers=Providers(providers, now=clock.now),
        public_url="http://gateway",
    )
    await runtime.start()
    yield runtime
    await runtime.stop()


async def quarantined(stage: Stage) -> int:
    return await stage.count("quarantine")


@pytest.mark.parametrize("code", CODES)
async def test_no_body_makes_the_door_fail_or_leaves_more_than_its_head(
    stage: Stage, code: str
) -> None:
    for number, body in enumerate(BODIES):
        answer = await stage.api.post(f"/v1/notifications/{code}", content=body)
        assert answer.status_code < 500, (number, answer.text)
    assert 0 < await quarantined(stage) <= len(BODIES)
    (row,) = await stage.sql("SELECT max(length(body)) AS body FROM quarantine")
    assert row["body"] == KEPT_BYTES
    for table in ("notifications", "evidence", "exceptions", "events"):
        assert await stage.count(table) == 0


@pytest.mark.parametrize("code", CODES)
async def test_no_query_makes_either_door_fail_or_leaves_more_than_its_head(
    stage: Stage, code: str
) -> None:
    for number, query in enumerate(QUERIES):
        answer = await stage.api.get(f"/v1/notifications/{code}{query}")
        assert answer.status_code < 500, (number, answer.text)
    (row,) = await stage.sql(
        "SELECT max(length(query)) AS chars, max(octet_length(query)) AS bytes FROM quarantine"
    )
    assert row["chars"] <= row["bytes"] <= KEPT_BYTES
    assert await stage.count("notifications") == await stage.count("evidence") == 0


@pytest.mark.parametrize("code", CODES[1:])
async def test_a_browser_with_garbage_is_told_so_and_sent_nowhere(stage: Stage, code: str) -> None:
    for number, query in enumerate(QUERIES):
        answer = await stage.api.get(f"/v1/returns/{code}{query}")
        assert answer.status_code == 422, (number, answer.text)
        assert answer.json()["code"] == "provider_not_offered"
    assert await quarantined(stage) == 0


@pytest.mark.parametrize("body", [b"x" * 65_537, b"x" * 1_000_000])
@pytest.mark.parametrize("code", [*CODES, "nobody"])
async def test_a_body_over_the_limit_is_refused_unread(
    stage: Stage, code: str, body: bytes
) -> None:
    answer = await stage.api.post(f"/v1/notifications/{code}", content=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert await quarantined(stage) == 0


@pytest.mark.parametrize("code", ["nobody", "MOMO", "%00", "a" * 500, "%F0%9F%98%80", "..%2f.."])
@pytest.mark.parametrize("door", ["notifications", "returns"])
async def test_nobody_is_behind_an_unknown_name(stage: Stage, door: str, code: str) -> None:
    answers = [await stage.api.get(f"/v1/{door}/{code}?a=b")]
    if door == "notifications":
        answers.append(await stage.api.post(f"/v1/{door}/{code}", content=b"\x00"))
    for answer in answers:
        assert answer.status_code in {404, 422}
        assert answer.json()["code"] in {"route_unknown", "provider_not_offered"}
        assert len(answer.content) < 2_000
    assert await quarantined(stage) == 0


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "BREW"])
async def test_another_method_is_refused(stage: Stage, method: str) -> None:
    for door in ("notifications", "returns"):
        answer: Response = await stage.api.request(method, f"/v1/{door}/scripted", content=b"x")
        assert answer.status_code == 405
    assert await quarantined(stage) == 0


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_both_methods_lead_to_the_adapter(stage: Stage, method: str) -> None:
    answer = await stage.api.request(method, "/v1/notifications/scripted?a=b", content=b"{}")
    assert (answer.status_code, answer.text) == (200, "refused")
    (row,) = await stage.sql("SELECT provider, method, query, body, reason FROM quarantine")
    assert tuple(row)[:4] == ("scripted", method, "a=b", b"{}")
    assert "signature" in row["reason"]


async def test_each_provider_gets_the_answer_that_it_expects_to_a_forgery(stage: Stage) -> None:
    said = {c: await stage.api.post(f"/v1/notifications/{c}", content=b"{}") for c in CODES}
    assert {code: answer.headers.get("content-type") for code, answer in said.items()} == {
        "scripted": "text/plain; charset=utf-8",
        "momo": said["momo"].headers.get("content-type"),
        "vnpay": "application/json",
        "zalopay": "application/json",
    }
    assert said["vnpay"].json()["RspCode"] == "97"
    assert said["zalopay"].json()["return_code"] not in {1, 2}
    assert not said["momo"].is_success


async def test_the_quarantine_keeps_the_newest_thousand_of_each_provider(stage: Stage) -> None:
    await stage.sql(
        "INSERT INTO quarantine (provider, reason, method, query, body, sha256)"
        " SELECT p, 'old', 'POST', n::text, '', '' FROM generate_series(1, $1::int) n,"
        " unnest(ARRAY['scripted', 'momo']) p",
        KEPT_ROWS,
    )
    for number in range(3):
        await stage.api.post("/v1/notifications/scripted", content=b"%d" % number)
    rows = await stage.sql("SELECT provider, count(*) AS n FROM quarantine GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in rows] == [("momo", KEPT_ROWS), ("scripted", KEPT_ROWS)]
    gone = await stage.sql(
        "SELECT count(*) AS n FROM quarantine WHERE provider = 'scripted'"
        " AND query IN ('1', '2', '3')"
    )
    new = await stage.sql("SELECT body FROM quarantine WHERE reason <> 'old' ORDER BY id")
    assert gone[0]["n"] == 0
    assert [row["body"] for row in new] == [b"0", b"1", b"2"]


async def test_what_was_cut_can_still_be_recognised_by_its_hash(stage: Stage) -> None:
    for tail in (b"a", b"b"):
        await stage.api.post("/v1/notifications/scripted", content=b"x" * KEPT_BYTES + tail)
    rows = await stage.sql("SELECT body, sha256 FROM quarantine")
    assert rows[0]["body"] == rows[1]["body"] == b"x" * KEPT_BYTES
    assert rows[0]["sha256"] != rows[1]["sha256"]


async def test_an_authentic_message_of_an_unknown_order_is_quarantined_too(stage: Stage) -> None:
    raw = b'{"outcome":"succeeded","reference":"\\u0000","amount_dong":1}'
    answer = await stage.api.post(
        "/v1/notifications/scripted", content=raw, headers={"signature": sign(raw)}
    )
    assert answer.status_code < 500, answer.text
    assert await stage.count("evidence") == 0


async def test_nobody_needs_a_key_at_these_doors_and_no_document_names_them(stage: Stage) -> None:
    document = (await stage.api.get("/openapi.json")).json()
    assert [p for p in document["paths"] if "notifications" in p or "returns" in p] == []
    answer = await stage.api.post("/v1/notifications/scripted", content=b"{}")
    assert "www-authenticate" not in answer.headers
