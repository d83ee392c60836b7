"""Mandates and debit runs.

Revision ID: 0007
Revises: 0006

Only expands: a service of the revision before goes on working on this schema.
"""

from alembic import op

from gateway.store.schema import run_script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MANDATES = """
CREATE TABLE mandates (
    biller_id smallint NOT NULL,
    id uuid NOT NULL,
    partner_id integer NOT NULL,
    customer_code text COLLATE "C" NOT NULL,
    provider text COLLATE "C" NOT NULL,
    reference text COLLATE "C" NOT NULL,
    bank text COLLATE "C" NOT NULL,
    account_masked text NOT NULL,
    sealed bytea NOT NULL,
    max_debit_dong bigint NOT NULL,
    max_month_dong bigint,
    day_of_month smallint,
    retry_days smallint NOT NULL,
    starts_on date NOT NULL,
    ends_on date,
    state text NOT NULL,
    suspended_by text,
    reason text NOT NULL DEFAULT '',
    provider_id text,
    agency text,
    consent_given_by text NOT NULL,
    consent_given_at timestamptz NOT NULL,
    consent_channel text NOT NULL,
    consent_text_version text NOT NULL,
    consent_text text NOT NULL,
    consent_sha256 bytea NOT NULL,
    consent_evidence text NOT NULL,
    failed_months smallint NOT NULL DEFAULT 0,
    failed_month date,
    lapses_on date NOT NULL,
    registered_at timestamptz,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, id),
    CONSTRAINT mandates_reference_key UNIQUE (provider, reference),
    CONSTRAINT mandates_limits_check CHECK (
        max_debit_dong > 0 AND (max_month_dong IS NULL OR max_month_dong >= max_debit_dong)
        AND (day_of_month IS NULL OR day_of_month BETWEEN 1 AND 28)
        AND retry_days BETWEEN 0 AND 10 AND (ends_on IS NULL OR ends_on >= starts_on)),
    CONSTRAINT mandates_state_check CHECK (
        state IN ('pending_customer', 'pending_bank', 'active', 'suspended', 'cancelled',
                  'rejected', 'expired')
        AND (state = 'suspended') = (suspended_by IS NOT NULL))
) WITH (fillfactor = 85);
-- One live permission a customer: two banks must not both debit the same household.
CREATE UNIQUE INDEX mandates_live ON mandates (biller_id, customer_code)
    WHERE state NOT IN ('cancelled', 'rejected', 'expired');
CREATE INDEX mandates_active ON mandates (biller_id, provider, id) WHERE state = 'active';
CREATE INDEX mandates_unregistered ON mandates (provider, id)
    WHERE registered_at IS NULL AND state LIKE 'pending%';
CREATE TABLE mandate_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    biller_id smallint NOT NULL,
    mandate_id uuid NOT NULL,
    change text NOT NULL,
    state_before text NOT NULL,
    state_after text NOT NULL,
    origin text NOT NULL,
    reason text NOT NULL,
    source_key text COLLATE "C",
    at timestamptz NOT NULL,
    CONSTRAINT mandate_events_source_key UNIQUE (biller_id, mandate_id, source_key)
);
CREATE TRIGGER mandate_events_insert_only BEFORE UPDATE OR DELETE ON mandate_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER mandate_events_keep BEFORE TRUNCATE ON mandate_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

DEBITS = """
CREATE TABLE debit_runs (
    biller_id smallint NOT NULL,
    id uuid NOT NULL,
    provider text COLLATE "C" NOT NULL,
    day date NOT NULL,
    prepared_at timestamptz NOT NULL,
    completed_at timestamptz,
    PRIMARY KEY (biller_id, id),
    CONSTRAINT debit_runs_day_key UNIQUE (biller_id, provider, day)
);
CREATE TABLE debits (
    biller_id smallint NOT NULL,
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    mandate_id uuid NOT NULL,
    provider text COLLATE "C" NOT NULL,
    customer_code text COLLATE "C" NOT NULL,
    bill_id text COLLATE "C" NOT NULL,
    month date NOT NULL,
    amount_dong bigint NOT NULL,
    state text NOT NULL DEFAULT 'planned',
    reason text NOT NULL DEFAULT '',
    due_on date NOT NULL,
    tries smallint NOT NULL DEFAULT 0,
    payment_id uuid,
    attempt_id uuid,
    file_id uuid,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, id),
    -- One debit a bill and month, whichever run plans it: planning again plans nothing twice.
    CONSTRAINT debits_bill_key UNIQUE (biller_id, bill_id, month),
    CONSTRAINT debits_amount_check CHECK (amount_dong > 0),
    CONSTRAINT debits_state_check CHECK (
        state IN ('planned', 'drawn', 'settled', 'failed', 'skipped', 'returned')
        AND (state NOT IN ('drawn', 'settled', 'returned') OR payment_id IS NOT NULL))
) WITH (fillfactor = 75);
CREATE INDEX debits_due ON debits (biller_id, provider, due_on, id) WHERE state = 'planned';
CREATE INDEX debits_drawn ON debits (biller_id, provider, id) WHERE state = 'drawn';
CREATE INDEX debits_run ON debits (biller_id, run_id, id);
CREATE INDEX debits_mandate ON debits (biller_id, mandate_id, month);
CREATE UNIQUE INDEX debits_payment ON debits (biller_id, payment_id) WHERE payment_id IS NOT NULL;
CREATE TABLE debit_files (
    id uuid PRIMARY KEY,
    biller_id smallint NOT NULL,
    provider text COLLATE "C" NOT NULL,
    day date NOT NULL,
    number smallint NOT NULL,
    name text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    sha256 bytea NOT NULL,
    written_at timestamptz NOT NULL,
    CONSTRAINT debit_files_number_key UNIQUE (provider, day, number)
);
CREATE TRIGGER debit_files_insert_only BEFORE UPDATE OR DELETE ON debit_files
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER debit_files_keep BEFORE TRUNCATE ON debit_files
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

GRANTS = """
GRANT SELECT, INSERT ON mandates, mandate_events, debit_runs, debits, debit_files
    TO gateway_service;
GRANT UPDATE ON mandates, debit_runs, debits TO gateway_service;
"""

NARROW = """
DROP TABLE debit_files, debits, debit_runs, mandate_events, mandates;
"""


def upgrade() -> None:
    """Add mandates, runs and debits."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (MANDATES, DEBITS, GRANTS):
        run_script(part)


def downgrade() -> None:
    """Take them away; payments that were debited stay."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    run_script(NARROW)
