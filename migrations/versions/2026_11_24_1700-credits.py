"""Credits: money on accounts, the suspense account as lines, and the refunds that are due.

Revision ID: 0004
Revises: 0003

Only expands: a service of revision 0003 goes on working on this schema.
"""

from alembic import op

from gateway.store.schema import run_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KINDS = """
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
    KINDS
    + """
ALTER TABLE transfers ADD CONSTRAINT transfers_kind_check
    CHECK (kind IN ('payment', 'reversal', 'late_payment', 'credit', 'recognised')) NOT VALID;
ALTER TABLE exceptions ALTER COLUMN payment_id DROP NOT NULL;
ALTER TABLE exceptions ALTER COLUMN attempt_id DROP NOT NULL;
ALTER TABLE exceptions ADD COLUMN suspense_id uuid;
CREATE UNIQUE INDEX exceptions_suspense ON exceptions (suspense_id)
    WHERE suspense_id IS NOT NULL;
"""
)

CREDITS = """
CREATE TABLE credit_accounts (
    account text COLLATE "C" PRIMARY KEY,
    biller_id smallint NOT NULL REFERENCES billers,
    partner_id integer NOT NULL REFERENCES partners,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE credits (
    id uuid PRIMARY KEY,
    biller_id smallint NOT NULL,
    provider text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    account text COLLATE "C" NOT NULL,
    virtual_account text COLLATE "C",
    bank_reference text COLLATE "C",
    amount_dong bigint NOT NULL,
    booked_at timestamptz NOT NULL,
    booked_on date NOT NULL,
    text text NOT NULL,
    order_code text COLLATE "C",
    body bytea NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT credits_key UNIQUE (provider, key),
    CONSTRAINT credits_amount_check CHECK (amount_dong > 0)
);
-- The same transfer told by two sources, or under two ids, is one movement.
CREATE UNIQUE INDEX credits_movement ON credits (bank_reference, account, amount_dong, booked_on)
    WHERE bank_reference IS NOT NULL;
CREATE TABLE credit_uses (
    credit_id uuid NOT NULL REFERENCES credits,
    payment_id uuid NOT NULL,
    kind text NOT NULL,
    amount_dong bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (credit_id, payment_id),
    CONSTRAINT credit_uses_kind_check CHECK (kind IN ('paid', 'recognised')),
    CONSTRAINT credit_uses_amount_check CHECK (amount_dong > 0)
);
CREATE INDEX credit_uses_payment ON credit_uses (payment_id);
"""

SUSPENSE = """
CREATE TABLE suspense_lines (
    id uuid PRIMARY KEY,
    biller_id smallint NOT NULL,
    credit_id uuid REFERENCES credits,
    attempt_id uuid,
    payment_id uuid,
    partner_id integer NOT NULL,
    customer_code text COLLATE "C",
    amount_dong bigint NOT NULL,
    missing_dong bigint NOT NULL DEFAULT 0,
    reason text NOT NULL,
    owner text NOT NULL,
    next_action text NOT NULL,
    due_on date NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    closed_as text,
    closed_by text,
    resolution text,
    paid_payment_id uuid,
    CONSTRAINT suspense_lines_amount_check CHECK (amount_dong > 0 AND missing_dong >= 0),
    CONSTRAINT suspense_lines_origin_check CHECK (
        credit_id IS NOT NULL OR (attempt_id IS NOT NULL AND payment_id IS NOT NULL)),
    CONSTRAINT suspense_lines_reason_check CHECK (reason IN (
        'unknown', 'short', 'over', 'second_transfer', 'late', 'being_paid')),
    CONSTRAINT suspense_lines_closed_check CHECK (
        (closed_at IS NULL) = (closed_as IS NULL)
        AND closed_as IN ('settled', 'recognised', 'refunded'))
);
-- What a provider took late stands once for its attempt, what an account received once for each
-- part of the movement that is left.
CREATE UNIQUE INDEX suspense_lines_late ON suspense_lines (attempt_id)
    WHERE credit_id IS NULL AND closed_at IS NULL;
CREATE UNIQUE INDEX suspense_lines_credit ON suspense_lines (credit_id) WHERE closed_at IS NULL;
CREATE INDEX suspense_lines_attempt ON suspense_lines (attempt_id) WHERE attempt_id IS NOT NULL;
CREATE INDEX suspense_lines_customer ON suspense_lines (biller_id, customer_code)
    WHERE closed_at IS NULL AND reason = 'short';
CREATE INDEX suspense_lines_open ON suspense_lines (biller_id, id) WHERE closed_at IS NULL;
CREATE TABLE refund_instructions (
    id uuid PRIMARY KEY,
    biller_id smallint NOT NULL,
    suspense_id uuid NOT NULL REFERENCES suspense_lines,
    credit_id uuid,
    attempt_id uuid,
    movement uuid NOT NULL,
    amount_dong bigint NOT NULL,
    goes_to text NOT NULL,
    provider text COLLATE "C" NOT NULL,
    reference text COLLATE "C",
    state text NOT NULL,
    due_on date NOT NULL,
    created_at timestamptz NOT NULL,
    -- One for each movement of money, whatever is repeated.
    CONSTRAINT refund_instructions_movement_key UNIQUE (movement),
    CONSTRAINT refund_instructions_amount_check CHECK (amount_dong > 0),
    CONSTRAINT refund_instructions_goes_to_check CHECK (
        goes_to IN ('provider', 'source_account', 'unknown')),
    CONSTRAINT refund_instructions_state_check CHECK (state IN ('due', 'withdrawn'))
);
CREATE INDEX refund_instructions_due ON refund_instructions (biller_id, id) WHERE state = 'due';
"""

KEEP = """
CREATE TRIGGER credits_insert_only BEFORE UPDATE OR DELETE ON credits
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER credits_keep BEFORE TRUNCATE ON credits
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER credit_uses_insert_only BEFORE UPDATE OR DELETE ON credit_uses
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER credit_uses_keep BEFORE TRUNCATE ON credit_uses
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON credit_accounts, credits, credit_uses, suspense_lines,
    refund_instructions TO gateway_service;
GRANT UPDATE ON credit_accounts, suspense_lines, refund_instructions TO gateway_service;
"""

# Money that providers took late before this revision becomes lines and instructions as well.
CARRY_OVER = """
INSERT INTO suspense_lines (id, biller_id, attempt_id, payment_id, partner_id, customer_code,
    amount_dong, reason, owner, next_action, due_on, opened_at)
SELECT gen_random_uuid(), t.biller_id, a.id, p.id, p.partner_id, p.customer_code, t.amount_dong,
    'late', 'accounting', 'refund the payer at ' || a.provider || ': order ' || a.reference
    || '; the bills were paid otherwise', (t.created_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date + 1,
    t.created_at
FROM transfers t
JOIN attempts a ON a.biller_id = t.biller_id AND a.id = t.source
JOIN payments p ON p.biller_id = a.biller_id AND p.id = a.payment_id
WHERE t.kind = 'late_payment';
INSERT INTO refund_instructions (id, biller_id, suspense_id, attempt_id, movement, amount_dong,
    goes_to, provider, reference, state, due_on, created_at)
SELECT gen_random_uuid(), l.biller_id, l.id, l.attempt_id, l.attempt_id, l.amount_dong,
    'provider', a.provider,
    a.reference, 'due', l.due_on, l.opened_at
FROM suspense_lines l JOIN attempts a ON a.biller_id = l.biller_id AND a.id = l.attempt_id;
"""

NARROW = (
    """
DROP TABLE refund_instructions, suspense_lines, credit_uses, credits, credit_accounts;
DROP INDEX exceptions_suspense;
DELETE FROM exceptions WHERE attempt_id IS NULL;
ALTER TABLE exceptions DROP COLUMN suspense_id;
ALTER TABLE exceptions ALTER COLUMN payment_id SET NOT NULL;
ALTER TABLE exceptions ALTER COLUMN attempt_id SET NOT NULL;
"""
    + KINDS
    + """
ALTER TABLE transfers ADD CONSTRAINT transfers_kind_check
    CHECK (kind IN ('payment', 'reversal', 'late_payment'));
"""
)


def upgrade() -> None:
    """Add what money on accounts needs."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (WIDEN, CREDITS, SUSPENSE, KEEP, CARRY_OVER):
        run_script(part)


def downgrade() -> None:
    """Take it away; refused by the check on transfers while credits are in the books."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    run_script(NARROW)
