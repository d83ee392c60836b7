"""Payments through providers: attempts, evidence, exchanges, notifications, exceptions.

Revision ID: 0002
Revises: 0001

Only expands: a service of revision 0001 goes on working on this schema.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WIDEN = """
ALTER TABLE bills ADD COLUMN claim text;
-- In the one check on status: each further check of a hot table is parsed for each statement.
ALTER TABLE bills DROP CONSTRAINT bills_status_check;
ALTER TABLE bills ADD CONSTRAINT bills_status_check CHECK (
    status IN ('open', 'paid', 'cancelled') AND (status = 'paid') = (paid_dong = amount_dong)
    AND (status <> 'paid' OR claimed_by IS NOT NULL)
    AND (claim IS NULL OR (claim IN ('soft', 'hard') AND status = 'open'
                           AND claimed_by IS NOT NULL))) NOT VALID;
ALTER TABLE payments ADD COLUMN provider text COLLATE "C";
ALTER TABLE payments ADD COLUMN expires_at timestamptz;
ALTER TABLE payments ADD COLUMN settled_at timestamptz;
ALTER TABLE payments ADD COLUMN cancel_asked_at timestamptz;
ALTER TABLE payments ADD COLUMN failure text;
ALTER TABLE payments ADD COLUMN refund text;
ALTER TABLE payments DROP CONSTRAINT payments_status_check;
ALTER TABLE payments ADD CONSTRAINT payments_status_check CHECK (status IN (
    'succeeded', 'awaiting_payer', 'processing', 'in_doubt', 'cancelling', 'failed', 'cancelled',
    'expired', 'conflicted')) NOT VALID;
ALTER TABLE payment_bills ALTER COLUMN sequence DROP NOT NULL;
ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_kind_check;
ALTER TABLE ledger_accounts ADD CONSTRAINT ledger_accounts_kind_check
    CHECK (kind IN ('receivable', 'payable', 'suspense'));
-- Partitions were made with a check of their own, which the drop of the parent's leaves there.
ALTER TABLE transfers DROP CONSTRAINT transfers_kind_check;
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits
        WHERE inhparent = 'transfers'::regclass
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS transfers_kind_check', part);
    END LOOP;
END $$;
ALTER TABLE transfers ADD CONSTRAINT transfers_kind_check
    CHECK (kind IN ('payment', 'reversal', 'late_payment')) NOT VALID;
"""

# Each endpoint's due deliveries stand together, so that a share of each is read and no more.
DELIVERIES = """
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (endpoint_id, due_at, id) WHERE state = 'due';
"""

# Only an owner may ANALYZE; the service asks for it after a great many rows.
STATISTICS = """
CREATE FUNCTION renew_statistics() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
BEGIN
    ANALYZE public.customers, public.bills, public.payments, public.payment_bills,
        public.transfers;
END $$;
REVOKE ALL ON FUNCTION renew_statistics() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION renew_statistics() TO gateway_service;
"""

PROVIDERS = """
CREATE TABLE providers (
    code text COLLATE "C" PRIMARY KEY,
    receivable_account integer NOT NULL REFERENCES ledger_accounts,
    next_query_at timestamptz NOT NULL DEFAULT '-infinity',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT providers_code_check CHECK (code ~ '^[a-z][a-z0-9_]{0,31}$')
);
CREATE TABLE provider_switches (
    provider text COLLATE "C" NOT NULL REFERENCES providers,
    operation text NOT NULL,
    is_tripped boolean NOT NULL,
    reason text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (provider, operation)
);
CREATE TRIGGER providers_bump AFTER INSERT OR DELETE ON providers
    FOR EACH STATEMENT EXECUTE FUNCTION bump_directory();
CREATE TRIGGER provider_switches_bump AFTER INSERT OR UPDATE OR DELETE ON provider_switches
    FOR EACH STATEMENT EXECUTE FUNCTION bump_directory();
"""

ATTEMPTS = """
CREATE TABLE attempts (
    biller_id smallint NOT NULL,
    id uuid NOT NULL,
    payment_id uuid NOT NULL,
    number smallint NOT NULL,
    provider text COLLATE "C" NOT NULL,
    reference text COLLATE "C" NOT NULL,
    option text,
    text text NOT NULL,
    amount_dong bigint NOT NULL,
    return_url text NOT NULL,
    notify_url text NOT NULL,
    payer_ip text NOT NULL,
    locale text NOT NULL,
    visibility_s integer NOT NULL,
    state text NOT NULL,
    rank smallint NOT NULL DEFAULT 0,
    code text NOT NULL DEFAULT '',
    provider_id text,
    memory text NOT NULL DEFAULT '{}',
    redirect_url text,
    deeplink text,
    qr_content text,
    negatives smallint NOT NULL DEFAULT 0,
    negative_since timestamptz,
    due_at timestamptz,
    asked integer NOT NULL DEFAULT 0,
    lease_no integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    doubt_since timestamptz,
    settled_at timestamptz,
    PRIMARY KEY (biller_id, id),
    CONSTRAINT attempts_reference_key UNIQUE (provider, reference),
    CONSTRAINT attempts_number_key UNIQUE (biller_id, payment_id, number),
    CONSTRAINT attempts_amount_check CHECK (amount_dong > 0),
    CONSTRAINT attempts_state_check CHECK (state IN ('sent', 'waiting', 'pending', 'unknown',
        'succeeded', 'failed', 'not_sent', 'absent', 'expired', 'conflicted'))
) WITH (fillfactor = 80);
-- One live attempt a payment: no second try while the first may still take the money. A disputed
-- one is not in it, for an older attempt may come to be disputed while a newer one is live.
CREATE UNIQUE INDEX attempts_live ON attempts (biller_id, payment_id)
    WHERE state IN ('sent', 'waiting', 'pending', 'unknown');
CREATE INDEX attempts_due ON attempts (provider, due_at) WHERE due_at IS NOT NULL;
CREATE TABLE evidence (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    biller_id smallint NOT NULL,
    attempt_id uuid NOT NULL,
    rank smallint NOT NULL,
    source text NOT NULL,
    outcome text NOT NULL,
    code text NOT NULL,
    amount_dong bigint,
    facts text NOT NULL,
    disagrees text,
    rule text NOT NULL,
    state_before text NOT NULL,
    state_after text NOT NULL,
    exchange_id uuid,
    notification_id uuid,
    at timestamptz NOT NULL,
    CONSTRAINT evidence_rank_check CHECK (rank BETWEEN 0 AND 4)
);
CREATE INDEX evidence_attempt ON evidence (biller_id, attempt_id, id);
CREATE TABLE exchanges (
    id uuid PRIMARY KEY,
    biller_id smallint NOT NULL,
    attempt_id uuid NOT NULL,
    operation text NOT NULL,
    method text NOT NULL,
    url text NOT NULL,
    request text NOT NULL,
    request_sha256 bytea NOT NULL,
    fate text NOT NULL,
    reason text NOT NULL,
    status smallint,
    reply text,
    reply_sha256 bytea,
    started_at timestamptz NOT NULL,
    took_ms integer NOT NULL
);
CREATE INDEX exchanges_attempt ON exchanges (biller_id, attempt_id, id);
CREATE TABLE notifications (
    id uuid PRIMARY KEY,
    biller_id smallint NOT NULL,
    attempt_id uuid NOT NULL,
    provider text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    method text NOT NULL,
    query text NOT NULL,
    body bytea NOT NULL,
    verdict text NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT notifications_key UNIQUE (provider, key)
);
CREATE INDEX notifications_attempt ON notifications (biller_id, attempt_id, id);
CREATE TABLE quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    method text NOT NULL,
    query text NOT NULL,
    body bytea NOT NULL,
    sha256 bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT quarantine_size_check CHECK (length(query) <= 4096 AND length(body) <= 4096)
);
CREATE INDEX quarantine_provider ON quarantine (provider, id);
CREATE TABLE exceptions (
    id uuid PRIMARY KEY,
    biller_id smallint NOT NULL,
    payment_id uuid NOT NULL,
    attempt_id uuid NOT NULL,
    kind text NOT NULL,
    amount_dong bigint NOT NULL,
    owner text NOT NULL,
    next_action text NOT NULL,
    due_on date NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    closed_by text,
    resolution text,
    CONSTRAINT exceptions_attempt_key UNIQUE (biller_id, attempt_id, kind)
);
CREATE INDEX exceptions_open ON exceptions (due_on, id) WHERE closed_at IS NULL;
CREATE TRIGGER evidence_insert_only BEFORE UPDATE OR DELETE ON evidence
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER evidence_keep BEFORE TRUNCATE ON evidence
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER exchanges_insert_only BEFORE UPDATE OR DELETE ON exchanges
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER exchanges_keep BEFORE TRUNCATE ON exchanges
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

GRANTS = """
GRANT SELECT ON providers, provider_switches, attempts, evidence, exchanges, notifications,
    quarantine, exceptions TO gateway_service;
GRANT INSERT ON providers, provider_switches, attempts, evidence, exchanges, notifications,
    quarantine, exceptions TO gateway_service;
GRANT UPDATE ON providers, provider_switches, attempts, exceptions TO gateway_service;
GRANT UPDATE (status_code, body) ON idempotency_keys TO gateway_service;
GRANT DELETE ON quarantine TO gateway_service;
"""

NARROW = """
DROP FUNCTION renew_statistics();
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (due_at, id) WHERE state = 'due';
DROP TABLE exceptions, quarantine, notifications, exchanges, evidence, attempts,
    provider_switches, providers;
REVOKE UPDATE (status_code, body) ON idempotency_keys FROM gateway_service;
DELETE FROM idempotency_keys WHERE status_code = 0;
ALTER TABLE transfers DROP CONSTRAINT transfers_kind_check;
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits
        WHERE inhparent = 'transfers'::regclass
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS transfers_kind_check', part);
    END LOOP;
END $$;
ALTER TABLE transfers ADD CONSTRAINT transfers_kind_check CHECK (kind IN ('payment', 'reversal'));
ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_kind_check;
ALTER TABLE ledger_accounts ADD CONSTRAINT ledger_accounts_kind_check
    CHECK (kind IN ('receivable', 'payable'));
ALTER TABLE payment_bills ALTER COLUMN sequence SET NOT NULL;
ALTER TABLE payments DROP CONSTRAINT payments_status_check;
ALTER TABLE payments ADD CONSTRAINT payments_status_check CHECK (status IN ('succeeded'));
ALTER TABLE payments DROP COLUMN provider, DROP COLUMN expires_at, DROP COLUMN settled_at,
    DROP COLUMN cancel_asked_at, DROP COLUMN failure, DROP COLUMN refund;
ALTER TABLE bills DROP CONSTRAINT bills_status_check, DROP COLUMN claim;
ALTER TABLE bills ADD CONSTRAINT bills_status_check CHECK (
    status IN ('open', 'paid', 'cancelled') AND (status = 'paid') = (paid_dong = amount_dong)
    AND (status <> 'paid' OR claimed_by IS NOT NULL));
"""


def _run_script(sql: str) -> None:
    """Run several statements at once; only the driver's simple protocol can."""
    driver = op.get_bind().connection.dbapi_connection
    driver.run_async(lambda connection: connection.execute(sql))


def upgrade() -> None:
    """Add what payments through providers need."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (WIDEN, DELIVERIES, STATISTICS, PROVIDERS, ATTEMPTS, GRANTS):
        _run_script(part)


def downgrade() -> None:
    """Take it away; refused by the checks while payments through providers exist."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    _run_script(NARROW)
