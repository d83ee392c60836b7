"""Checkouts: what payers pay on our page, and how often somebody asked.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

from gateway.store.schema import run_script

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

CHECKOUTS = """
CREATE TABLE checkouts (
    id uuid PRIMARY KEY,
    partner_id integer NOT NULL REFERENCES partners,
    biller_id smallint NOT NULL REFERENCES billers,
    partner_reference text COLLATE "C" NOT NULL,
    customer_code text COLLATE "C" NOT NULL,
    bill_ids text[] NOT NULL,
    amounts_dong bigint[] NOT NULL,
    return_url text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT checkouts_reference_key UNIQUE (partner_id, partner_reference)
);
-- Unlogged: a crash forgets who asked how often, and costs nothing else.
CREATE UNLOGGED TABLE rate_limits (
    key text COLLATE "C" PRIMARY KEY,
    full_at timestamptz NOT NULL
) WITH (fillfactor = 50);
"""

GRANTS = """
GRANT SELECT, INSERT ON checkouts TO gateway_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON rate_limits TO gateway_service;
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (CHECKOUTS, GRANTS):
        run_script(part)


def downgrade() -> None:
    """Take them away; links to checkouts lead nowhere then, their payments stay."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("DROP TABLE rate_limits, checkouts")
