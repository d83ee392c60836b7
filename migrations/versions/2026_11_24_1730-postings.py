"""Postings: debts that are cleared at the biller itself, and what its live service last said.

Revision ID: 0006
Revises: 0005

Only expands.
"""

from alembic import op

from gateway.store.schema import run_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

LIVE = """
CREATE TABLE live_customers (
    biller_id smallint NOT NULL,
    customer_code text COLLATE "C" NOT NULL,
    as_of timestamptz NOT NULL,
    PRIMARY KEY (biller_id, customer_code)
) WITH (fillfactor = 85);
CREATE TABLE live_bills (
    biller_id smallint NOT NULL,
    bill_id text COLLATE "C" NOT NULL,
    memory text NOT NULL,
    PRIMARY KEY (biller_id, bill_id)
);
"""

POSTINGS = """
CREATE TABLE postings (
    biller_id smallint NOT NULL,
    payment_id uuid NOT NULL,
    source text COLLATE "C" NOT NULL,
    customer_code text COLLATE "C" NOT NULL,
    paid_at timestamptz NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz DEFAULT now(),
    tried integer NOT NULL DEFAULT 0,
    lease_no integer NOT NULL DEFAULT 0,
    PRIMARY KEY (biller_id, payment_id)
) WITH (fillfactor = 80);
CREATE INDEX postings_due ON postings (source, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX postings_customer ON postings (biller_id, customer_code, payment_id)
    WHERE due_at IS NOT NULL;
CREATE INDEX postings_paid ON postings (biller_id, paid_at);
CREATE TABLE posting_bills (
    biller_id smallint NOT NULL,
    payment_id uuid NOT NULL,
    bill_id text COLLATE "C" NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    period date NOT NULL,
    amount_dong bigint NOT NULL,
    memory text NOT NULL,
    reference text COLLATE "C",
    state text NOT NULL DEFAULT 'none',
    undo text,
    code text NOT NULL DEFAULT '',
    sent_at timestamptz,
    PRIMARY KEY (biller_id, payment_id, bill_id),
    CONSTRAINT posting_bills_reference_key UNIQUE (biller_id, reference),
    CONSTRAINT posting_bills_amount_check CHECK (amount_dong > 0),
    CONSTRAINT posting_bills_state_check CHECK (
        state IN ('none', 'sent', 'acknowledged', 'rejected', 'unknown')
        AND (undo IS NULL OR undo IN ('none', 'sent', 'acknowledged', 'rejected', 'unknown'))
        -- What has left has a reference, and what has none has never left.
        AND (reference IS NOT NULL OR (state = 'none' AND sent_at IS NULL)))
) WITH (fillfactor = 80);
CREATE INDEX posting_bills_bill ON posting_bills (biller_id, bill_id);
"""

GRANTS = """
GRANT SELECT, INSERT, UPDATE ON live_customers, live_bills, postings, posting_bills
    TO gateway_service;
"""

NARROW = "DROP TABLE posting_bills, postings, live_bills, live_customers"


def upgrade() -> None:
    """Add what clearing debts at the biller needs."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (LIVE, POSTINGS, GRANTS):
        run_script(part)


def downgrade() -> None:
    """Take it away; what was not posted yet is lost with it."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(NARROW)
