"""Who asked how often, for all processes together; on an unlogged table."""

from datetime import datetime, timedelta

from gateway.domain.limit import Limit
from gateway.store.database import Raw

# Takes one place in a key's bucket at $2; no row if it is full. $3 is the time that one fills, $4
# the size. Rides rate_limits_pkey; the row's lock lets all processes count as one.
TAKE = """
INSERT INTO rate_limits AS r (key, full_at) VALUES ($1, $2::timestamptz + $3::interval)
ON CONFLICT (key) DO UPDATE SET full_at = greatest(r.full_at, $2) + $3
WHERE greatest(r.full_at, $2) + $3 <= $2 + $4::interval
RETURNING full_at
"""
FULL_AT = "SELECT full_at FROM rate_limits WHERE key = $1"
SWEEP = "DELETE FROM rate_limits WHERE full_at < $1"


async def take(connection: Raw, limit: Limit, of: str, now: datetime) -> timedelta | None:
    """Count one asking; give how long to wait if it is one too many, and count it not."""
    key = f"{limit.name}:{of}"
    taken = await connection.fetchval(TAKE, key, now, limit.share, limit.period)
    if taken is not None:
        return None
    full_at: datetime = await connection.fetchval(FULL_AT, key) or now
    return max(full_at + limit.share - now - limit.period, timedelta(seconds=1))


async def sweep(connection: Raw, now: datetime) -> None:
    """Forget the buckets that are empty again."""
    await connection.execute(SWEEP, now)
