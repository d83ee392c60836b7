"""Field cash: collectors, devices, hand-over lists, receipts; and the schedule by which cash fades.

Revision ID: 0013
Revises: 0012

Only expands: a service of revision 0012 goes on working on this schema.
"""

from alembic import op

from gateway.store.schema import run_script

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

DROP_KINDS = """
ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_kind_check;
ALTER TABLE suspense_lines DROP CONSTRAINT suspense_lines_reason_check;
ALTER TABLE refund_instructions DROP CONSTRAINT refund_instructions_goes_to_check;
ALTER TABLE refund_instructions DROP CONSTRAINT refund_instructions_state_check;
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
"""

WIDEN = (
    DROP_KINDS
    + """
ALTER TABLE ledger_accounts ADD CONSTRAINT ledger_accounts_kind_check
    CHECK (kind IN ('receivable', 'payable', 'suspense', 'cash', 'bank'));
ALTER TABLE suspense_lines ADD CONSTRAINT suspense_lines_reason_check CHECK (reason IN (
    'unknown', 'short', 'over', 'second_transfer', 'late', 'being_paid', 'cash_back',
    'cash_unplaced'));
ALTER TABLE refund_instructions ADD CONSTRAINT refund_instructions_goes_to_check
    CHECK (goes_to IN ('provider', 'source_account', 'collector', 'unknown'));
ALTER TABLE refund_instructions ADD CONSTRAINT refund_instructions_state_check
    CHECK (state IN ('due', 'done', 'withdrawn'));
ALTER TABLE transfers ADD CONSTRAINT transfers_kind_check CHECK (kind IN (
    'payment', 'reversal', 'late_payment', 'credit', 'recognised', 'deposit', 'cash_return'))
    NOT VALID;
-- What an exception is about that has no attempt and no money in suspense; open once.
ALTER TABLE exceptions ADD COLUMN subject text COLLATE "C";
CREATE UNIQUE INDEX exceptions_subject ON exceptions (subject)
    WHERE subject IS NOT NULL AND closed_at IS NULL;
"""
)

FIELD = """
CREATE TABLE cash_collectors (
    id uuid PRIMARY KEY,
    biller_id smallint NOT NULL REFERENCES billers,
    partner_id integer NOT NULL REFERENCES partners,
    code text COLLATE "C" NOT NULL,
    name text NOT NULL,
    account integer NOT NULL REFERENCES ledger_accounts,
    per_day_dong bigint NOT NULL,
    per_list_dong bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT cash_collectors_code_key UNIQUE (code),
    CONSTRAINT cash_collectors_caps_check CHECK (per_list_dong > 0 AND per_day_dong > 0)
);
CREATE TRIGGER cash_collectors_bump AFTER INSERT ON cash_collectors
    FOR EACH STATEMENT EXECUTE FUNCTION bump_directory();
CREATE TABLE cash_devices (
    id uuid PRIMARY KEY,
    collector_id uuid NOT NULL REFERENCES cash_collectors,
    key_id text COLLATE "C" NOT NULL,
    sealed bytea NOT NULL,
    last_seq bigint NOT NULL DEFAULT 0,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT cash_devices_key_id_key UNIQUE (key_id)
);
CREATE TABLE hand_over_lists (
    id uuid PRIMARY KEY,
    biller_id smallint NOT NULL,
    collector_id uuid NOT NULL REFERENCES cash_collectors,
    area_code text NOT NULL,
    book_code text COLLATE "C" NOT NULL,
    valid_until timestamptz NOT NULL,
    handed_on date NOT NULL,
    bill_count integer NOT NULL,
    amount_dong bigint NOT NULL,
    created_at timestamptz NOT NULL,
    closed_at timestamptz,
    cash_total_dong bigint,
    receipts_dong bigint,
    deposited_ref text COLLATE "C"
);
CREATE INDEX hand_over_lists_collector ON hand_over_lists (collector_id, id);
CREATE TABLE hand_over_bills (
    list_id uuid NOT NULL REFERENCES hand_over_lists,
    bill_id text COLLATE "C" NOT NULL,
    biller_id smallint NOT NULL,
    customer_code text COLLATE "C" NOT NULL,
    period date NOT NULL,
    amount_dong bigint NOT NULL,
    PRIMARY KEY (list_id, bill_id)
);
CREATE INDEX hand_over_bills_bill ON hand_over_bills (biller_id, bill_id);
CREATE TABLE cash_receipts (
    id uuid PRIMARY KEY,
    biller_id smallint NOT NULL,
    list_id uuid NOT NULL REFERENCES hand_over_lists,
    collector_id uuid NOT NULL REFERENCES cash_collectors,
    device_id uuid NOT NULL REFERENCES cash_devices,
    seq bigint NOT NULL,
    receipt_no text COLLATE "C" NOT NULL,
    bill_id text COLLATE "C" NOT NULL,
    amount_dong bigint NOT NULL,
    collected_at timestamptz NOT NULL,
    taken_on date NOT NULL,
    gps text COLLATE "C",
    canonical text NOT NULL,
    digest bytea NOT NULL,
    upload_key text COLLATE "C" NOT NULL,
    result text NOT NULL,
    payment_id uuid,
    suspense_id uuid,
    received_at timestamptz NOT NULL,
    CONSTRAINT cash_receipts_digest_key UNIQUE (device_id, digest),
    CONSTRAINT cash_receipts_amount_check CHECK (amount_dong > 0),
    -- Cash pays a bill or stands in suspense; only what was never proved a receipt does neither.
    CONSTRAINT cash_receipts_money_check CHECK (CASE result
        WHEN 'ACCEPTED' THEN payment_id IS NOT NULL AND suspense_id IS NULL
        WHEN 'SIGNATURE_WRONG' THEN payment_id IS NULL AND suspense_id IS NULL
        ELSE suspense_id IS NOT NULL AND payment_id IS NULL END)
);
CREATE INDEX cash_receipts_seq ON cash_receipts (device_id, seq);
CREATE INDEX cash_receipts_no ON cash_receipts (device_id, receipt_no);
CREATE INDEX cash_receipts_list ON cash_receipts (list_id, id);
CREATE INDEX cash_receipts_collector ON cash_receipts (collector_id, taken_on);
CREATE TABLE cash_gaps (
    id uuid PRIMARY KEY,
    device_id uuid NOT NULL REFERENCES cash_devices,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    upload_key text COLLATE "C" NOT NULL,
    seen_at timestamptz NOT NULL,
    closed_at timestamptz,
    CONSTRAINT cash_gaps_range_check CHECK (first_seq > 0 AND last_seq >= first_seq)
);
CREATE INDEX cash_gaps_device ON cash_gaps (device_id, first_seq);
CREATE TABLE cash_deposits (
    id uuid PRIMARY KEY,
    biller_id smallint NOT NULL,
    collector_id uuid NOT NULL REFERENCES cash_collectors,
    reference text COLLATE "C" NOT NULL,
    list_id uuid REFERENCES hand_over_lists,
    amount_dong bigint NOT NULL,
    deposited_at timestamptz NOT NULL,
    CONSTRAINT cash_deposits_reference_key UNIQUE (collector_id, reference),
    CONSTRAINT cash_deposits_amount_check CHECK (amount_dong > 0)
);
CREATE TABLE cash_returns (
    suspense_id uuid PRIMARY KEY REFERENCES suspense_lines,
    collector_id uuid NOT NULL REFERENCES cash_collectors,
    amount_dong bigint NOT NULL,
    returned_by text NOT NULL,
    returned_at timestamptz NOT NULL,
    CONSTRAINT cash_returns_amount_check CHECK (amount_dong > 0)
);
CREATE INDEX cash_returns_collector ON cash_returns (collector_id);
"""

FADE = """
CREATE TABLE cash_schedules (
    biller_id smallint NOT NULL REFERENCES billers,
    area_code text NOT NULL,
    announced_on date NOT NULL,
    without_phone_from date NOT NULL,
    ends_on date NOT NULL,
    caps_step_percent smallint NOT NULL,
    complaints_max integer NOT NULL,
    arrears_percent_max smallint NOT NULL,
    paused_on date,
    pause_reason text,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (biller_id, area_code),
    CONSTRAINT cash_schedules_order_check CHECK (
        announced_on <= without_phone_from AND without_phone_from <= ends_on),
    CONSTRAINT cash_schedules_percent_check CHECK (caps_step_percent BETWEEN 0 AND 100
        AND arrears_percent_max BETWEEN 0 AND 100 AND complaints_max >= 0),
    CONSTRAINT cash_schedules_pause_check CHECK ((paused_on IS NULL) = (pause_reason IS NULL))
);
CREATE TABLE cash_contacts (
    biller_id smallint NOT NULL,
    customer_code text COLLATE "C" NOT NULL,
    phone text COLLATE "C" NOT NULL,
    consent_basis text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (biller_id, customer_code),
    CONSTRAINT cash_contacts_basis_check CHECK (consent_basis IN (
        'consent', 'contract', 'legal_obligation'))
);
-- Kept apart: whoever wants no messages is left alone, whatever contacts are imported later.
CREATE TABLE cash_opt_outs (
    biller_id smallint NOT NULL,
    customer_code text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (biller_id, customer_code)
);
CREATE TABLE cash_complaints (
    id uuid PRIMARY KEY,
    biller_id smallint NOT NULL,
    area_code text NOT NULL,
    customer_code text COLLATE "C",
    words text NOT NULL,
    made_at timestamptz NOT NULL
);
CREATE INDEX cash_complaints_area ON cash_complaints (biller_id, area_code, made_at);
CREATE TABLE cash_assists (
    id uuid PRIMARY KEY,
    biller_id smallint NOT NULL,
    collector_id uuid NOT NULL REFERENCES cash_collectors,
    customer_code text COLLATE "C" NOT NULL,
    assisted_at timestamptz NOT NULL,
    payment_id uuid,
    credited_at timestamptz
);
CREATE INDEX cash_assists_open ON cash_assists (assisted_at) WHERE credited_at IS NULL;
-- A customer has one first electronic payment; one collector is credited with it.
CREATE UNIQUE INDEX cash_assists_credited ON cash_assists (biller_id, customer_code)
    WHERE credited_at IS NOT NULL;
"""

KEEP = """
CREATE TRIGGER cash_receipts_insert_only BEFORE UPDATE OR DELETE ON cash_receipts
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER cash_receipts_keep BEFORE TRUNCATE ON cash_receipts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER cash_deposits_insert_only BEFORE UPDATE OR DELETE ON cash_deposits
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER cash_deposits_keep BEFORE TRUNCATE ON cash_deposits
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER cash_returns_insert_only BEFORE UPDATE OR DELETE ON cash_returns
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER cash_returns_keep BEFORE TRUNCATE ON cash_returns
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON cash_collectors, cash_devices, hand_over_lists, hand_over_bills,
    cash_receipts, cash_gaps, cash_deposits, cash_returns, cash_schedules, cash_contacts,
    cash_opt_outs, cash_complaints, cash_assists TO gateway_service;
GRANT UPDATE ON cash_collectors, cash_devices, hand_over_lists, cash_gaps, cash_schedules,
    cash_contacts, cash_assists TO gateway_service;
"""

NARROW = (
    """
DROP TABLE cash_assists, cash_complaints, cash_opt_outs, cash_contacts, cash_schedules,
    cash_returns, cash_deposits, cash_gaps, cash_receipts, hand_over_bills, hand_over_lists,
    cash_devices, cash_collectors;
DROP INDEX exceptions_subject;
ALTER TABLE exceptions DROP COLUMN subject;
"""
    + DROP_KINDS
    + """
ALTER TABLE ledger_accounts ADD CONSTRAINT ledger_accounts_kind_check
    CHECK (kind IN ('receivable', 'payable', 'suspense'));
ALTER TABLE suspense_lines ADD CONSTRAINT suspense_lines_reason_check CHECK (reason IN (
    'unknown', 'short', 'over', 'second_transfer', 'late', 'being_paid'));
ALTER TABLE refund_instructions ADD CONSTRAINT refund_instructions_goes_to_check
    CHECK (goes_to IN ('provider', 'source_account', 'unknown'));
ALTER TABLE refund_instructions ADD CONSTRAINT refund_instructions_state_check
    CHECK (state IN ('due', 'withdrawn'));
ALTER TABLE transfers ADD CONSTRAINT transfers_kind_check
    CHECK (kind IN ('payment', 'reversal', 'late_payment', 'credit', 'recognised'));
"""
)


def upgrade() -> None:
    """Make the tables, and let the ledger and suspense know cash."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (WIDEN, FIELD, FADE, KEEP):
        run_script(part)


def downgrade() -> None:
    """Take it away; refused by the checks while cash is in the books."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    run_script(NARROW)
