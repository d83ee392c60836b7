"""What most teams would send webhooks with: httpx as it comes, 32 in flight, one signature each.

`python -m bench.plain_httpx PORT COUNT` prints CPU µs a delivery; no queue and no database, which
flatters it.
"""

import asyncio
import sys
import time
from uuid import uuid4

import httpx
import uvloop

from bench.world import ENDPOINT_SECRET
from gateway.domain.signing import parse_signing_secret, sign

ABREAST = 32
BODY = b'{"type":"payment.succeeded","data":{"id":"pay_0","text":"' + b" " * 500 + b'"}}'


async def main(port: int, count: int) -> None:
    """Post `count` events."""
    secrets, numbers = [parse_signing_secret(ENDPOINT_SECRET)], iter(range(count))
    url = f"http://127.0.0.1:{port}/webhooks"
    async with httpx.AsyncClient(timeout=15) as client:

        async def post_all() -> None:
            for _ in numbers:
                name, now, body = f"evt_{uuid4().hex}", int(time.time()), BODY
                headers = {
                    "content-type": "application/json",
                    "webhook-id": name,
                    "webhook-timestamp": str(now),
                    "webhook-signature": sign(name, now, body, secrets),
                }
                answer = await client.post(url, headers=headers, content=body)
                assert answer.is_success

        began = time.process_time()
        await asyncio.gather(*(post_all() for _ in range(ABREAST)))
        print((time.process_time() - began) / count * 1e6)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
