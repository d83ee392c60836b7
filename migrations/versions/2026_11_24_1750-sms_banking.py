"""SMS banking: messages in, quotes that wait for a code, messages out.

Revision ID: 0008
Revises: 0007

Only expands: a service of the revision before goes on working on this schema.
"""

from alembic import op

from gateway.store.schema import run_script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TEXTS = """
CREATE TABLE texts_in (
    provider text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    command text NOT NULL,
    sealed bytea,
    received_at timestamptz NOT NULL,
    CONSTRAINT texts_in_pkey PRIMARY KEY (provider, id)
);
CREATE TABLE texts_out (
    id uuid NOT NULL,
    provider text COLLATE "C" NOT NULL,
    sealed bytea NOT NULL,
    state text NOT NULL CONSTRAINT texts_out_state CHECK (state IN (
        'queued', 'sending', 'sent', 'delivered', 'undelivered', 'unreported', 'given_up')),
    tries smallint NOT NULL,
    centre_id text COLLATE "C",
    report text,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    sent_at timestamptz,
    CONSTRAINT texts_out_pkey PRIMARY KEY (id)
);
CREATE INDEX texts_out_due ON texts_out (provider, due_at)
    WHERE state IN ('queued', 'sending', 'sent');
CREATE UNIQUE INDEX texts_out_centre ON texts_out (provider, centre_id)
    WHERE centre_id IS NOT NULL;
"""

QUOTES = """
CREATE TABLE sms_quotes (
    biller_id smallint NOT NULL,
    id uuid NOT NULL,
    provider text COLLATE "C" NOT NULL,
    sender bytea NOT NULL,
    mandate_id uuid NOT NULL,
    customer_code text COLLATE "C" NOT NULL,
    bill_id text COLLATE "C" NOT NULL,
    amount_dong bigint NOT NULL CONSTRAINT sms_quotes_amount CHECK (amount_dong > 0),
    otp_hash bytea NOT NULL,
    tries_left smallint NOT NULL CONSTRAINT sms_quotes_tries CHECK (tries_left >= 0),
    state text NOT NULL CONSTRAINT sms_quotes_state CHECK (state IN (
        'quoted', 'confirmed', 'given_up', 'used_up', 'expired', 'replaced')),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    confirmed_on date,
    confirmed_at timestamptz,
    payment_id uuid,
    told_at timestamptz,
    CONSTRAINT sms_quotes_pkey PRIMARY KEY (biller_id, id),
    CONSTRAINT sms_quotes_confirmed CHECK ((state = 'confirmed') = (payment_id IS NOT NULL))
);
CREATE UNIQUE INDEX sms_quotes_pending ON sms_quotes (provider, sender) WHERE state = 'quoted';
CREATE INDEX sms_quotes_day ON sms_quotes (provider, sender, confirmed_on)
    WHERE payment_id IS NOT NULL;
CREATE INDEX sms_quotes_untold ON sms_quotes (provider, confirmed_at)
    WHERE payment_id IS NOT NULL AND told_at IS NULL;
"""

GRANTS = """
GRANT SELECT, INSERT, UPDATE ON texts_in, texts_out, sms_quotes TO gateway_service;
"""

NARROW = """
DROP TABLE sms_quotes, texts_out, texts_in;
"""


def upgrade() -> None:
    """Add the tables of SMS banking."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (TEXTS, QUOTES, GRANTS):
        run_script(part)


def downgrade() -> None:
    """Take them away; payments that were confirmed by message stay."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    run_script(NARROW)
