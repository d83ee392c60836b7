"""The main job: billers, customers, bills, partners, payments, ledger, events, deliveries.

Revision ID: 0001
Revises:

Ids: bills and customers carry the biller's own numbers; payments and events carry UUIDv7 made by
the service, so that RANGE partitions on the id itself follow time and keys stay unique over all
partitions. `biller_id` comes first in the keys of everything that belongs to a biller.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

DIRECTORY = """
CREATE TABLE ledger_accounts (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL,
    kind text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ledger_accounts_code_key UNIQUE (code),
    CONSTRAINT ledger_accounts_kind_check CHECK (kind IN ('receivable', 'payable'))
);
CREATE TABLE billers (
    id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL,
    payable_account integer NOT NULL REFERENCES ledger_accounts,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT billers_code_key UNIQUE (code),
    CONSTRAINT billers_code_check CHECK (code ~ '^[a-z0-9][a-z0-9-]{1,39}$')
);
CREATE TABLE biller_versions (
    biller_id smallint NOT NULL REFERENCES billers,
    version integer NOT NULL,
    name text NOT NULL,
    metadata jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (biller_id, version)
);
CREATE TABLE partners (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL,
    name text NOT NULL,
    biller_id smallint REFERENCES billers,
    receivable_account integer NOT NULL REFERENCES ledger_accounts,
    suspended_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT partners_code_key UNIQUE (code),
    CONSTRAINT partners_code_check CHECK (code ~ '^[a-z0-9][a-z0-9-]{1,39}$')
);
CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    partner_id integer NOT NULL REFERENCES partners,
    prefix text NOT NULL,
    digest bytea NOT NULL,
    scopes text[] NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT api_keys_digest_key UNIQUE (digest)
);
CREATE TABLE directory_version (
    id boolean PRIMARY KEY DEFAULT true,
    version bigint NOT NULL DEFAULT 1,
    CONSTRAINT directory_version_id_check CHECK (id)
);
INSERT INTO directory_version DEFAULT VALUES;
CREATE FUNCTION bump_directory() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE public.directory_version SET version = version + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER billers_bump AFTER INSERT OR UPDATE OR DELETE ON billers
    FOR EACH STATEMENT EXECUTE FUNCTION bump_directory();
CREATE TRIGGER biller_versions_bump AFTER INSERT OR UPDATE OR DELETE ON biller_versions
    FOR EACH STATEMENT EXECUTE FUNCTION bump_directory();
CREATE TRIGGER partners_bump AFTER INSERT OR UPDATE OR DELETE ON partners
    FOR EACH STATEMENT EXECUTE FUNCTION bump_directory();
CREATE TRIGGER api_keys_bump AFTER INSERT OR UPDATE OR DELETE ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION bump_directory();
"""

BILLS = """
CREATE TABLE areas (
    code text NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    name text NOT NULL,
    kind text NOT NULL,
    parent_code text,
    successor_code text,
    PRIMARY KEY (code, valid_from),
    CONSTRAINT areas_kind_check CHECK (kind IN ('province', 'city', 'ward', 'commune'))
);
CREATE TABLE customers (
    biller_id smallint NOT NULL REFERENCES billers,
    code text COLLATE "C" NOT NULL,
    name text NOT NULL,
    address text NOT NULL,
    area_code text NOT NULL,
    segment text NOT NULL,
    agency text,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (biller_id, code),
    CONSTRAINT customers_nfc_check CHECK (name IS NFC NORMALIZED AND address IS NFC NORMALIZED),
    CONSTRAINT customers_segment_check
        CHECK (segment IN ('household', 'public_employee', 'business'))
);
-- No foreign key to customers: a million lines are imported at once and joined to them instead.
CREATE TABLE bills (
    biller_id smallint NOT NULL,
    id text COLLATE "C" NOT NULL,
    customer_code text COLLATE "C" NOT NULL,
    period date NOT NULL,
    kwh integer,
    net_dong bigint NOT NULL,
    vat_dong bigint NOT NULL,
    amount_dong bigint NOT NULL,
    paid_dong bigint NOT NULL DEFAULT 0,
    issued_on date NOT NULL,
    due_on date NOT NULL,
    status text NOT NULL DEFAULT 'open',
    claimed_by uuid,
    event_sequence integer NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (biller_id, id),
    -- Without a bound in the pattern: {0,39} costs 4 µs a row, on each payment too.
    CONSTRAINT bills_id_check CHECK (id ~ '^[A-Za-z0-9][A-Za-z0-9._-]*$' AND length(id) <= 40),
    CONSTRAINT bills_period_check CHECK (extract(day FROM period) = 1),
    CONSTRAINT bills_amount_check CHECK (
        amount_dong > 0 AND net_dong >= 0 AND vat_dong >= 0 AND amount_dong = net_dong + vat_dong
        AND paid_dong >= 0 AND paid_dong <= amount_dong),
    CONSTRAINT bills_status_check CHECK (
        status IN ('open', 'paid', 'cancelled') AND (status = 'paid') = (paid_dong = amount_dong)
        AND (status <> 'paid' OR claimed_by IS NOT NULL))
) WITH (fillfactor = 85);
CREATE INDEX bills_open ON bills (biller_id, customer_code) WHERE status = 'open';
CREATE INDEX bills_customer ON bills (biller_id, customer_code, period);
"""

PAYMENTS = """
CREATE TABLE payments (
    biller_id smallint NOT NULL,
    id uuid NOT NULL,
    partner_id integer NOT NULL,
    partner_reference text COLLATE "C" NOT NULL,
    method text NOT NULL,
    channel text NOT NULL,
    customer_code text COLLATE "C" NOT NULL,
    amount_dong bigint NOT NULL,
    bill_count smallint NOT NULL,
    claimed_count smallint NOT NULL,
    status text NOT NULL,
    business_date date NOT NULL,
    created_at timestamptz NOT NULL,
    reversed_at timestamptz,
    reversal_reason text,
    PRIMARY KEY (biller_id, id),
    CONSTRAINT payments_partner_reference_key UNIQUE (partner_id, partner_reference),
    CONSTRAINT payments_amount_check CHECK (amount_dong > 0 AND bill_count > 0),
    -- All or nothing: a race that leaves one bill of several unclaimed aborts the whole statement.
    CONSTRAINT payments_whole_check CHECK (claimed_count = bill_count),
    CONSTRAINT payments_status_check CHECK (status IN ('succeeded'))
) WITH (fillfactor = 95);
-- On an expression, so that only the list rides it: while the table is empty the planner cannot
-- tell an index on partner_id from the unique key, and would keep the worse one.
CREATE INDEX payments_partner ON payments ((partner_id::bigint), id);
CREATE INDEX payments_customer ON payments (biller_id, customer_code, id);
CREATE TABLE payment_bills (
    biller_id smallint NOT NULL,
    payment_id uuid NOT NULL,
    bill_id text COLLATE "C" NOT NULL,
    period date NOT NULL,
    amount_dong bigint NOT NULL,
    sequence integer NOT NULL,
    reversal_sequence integer,
    PRIMARY KEY (biller_id, payment_id, bill_id),
    CONSTRAINT payment_bills_amount_check CHECK (amount_dong > 0)
) WITH (fillfactor = 95);
CREATE TABLE idempotency_keys (
    partner_id integer NOT NULL,
    operation text NOT NULL,
    key text COLLATE "C" NOT NULL,
    month date NOT NULL,
    fingerprint bytea NOT NULL,
    field_digests bytea NOT NULL,
    status_code smallint NOT NULL,
    body text NOT NULL,
    resource_id uuid,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (partner_id, operation, key, month)
) PARTITION BY RANGE (month);
CREATE SEQUENCE transfers_id_seq;
CREATE TABLE transfers (
    biller_id smallint NOT NULL,
    source uuid NOT NULL,
    kind text NOT NULL,
    id bigint NOT NULL DEFAULT nextval('transfers_id_seq'),
    debit_account integer NOT NULL,
    credit_account integer NOT NULL,
    amount_dong bigint NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, source, kind),
    CONSTRAINT transfers_amount_check CHECK (amount_dong > 0),
    CONSTRAINT transfers_accounts_check CHECK (debit_account <> credit_account),
    CONSTRAINT transfers_kind_check CHECK (kind IN ('payment', 'reversal'))
) PARTITION BY RANGE (source);
ALTER SEQUENCE transfers_id_seq OWNED BY transfers.id;
"""

EVENTS = """
CREATE TABLE events (
    biller_id smallint NOT NULL,
    id uuid NOT NULL,
    type text NOT NULL,
    subject uuid NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, id)
) PARTITION BY RANGE (id);
CREATE TABLE webhook_endpoints (
    id uuid PRIMARY KEY,
    biller_id smallint NOT NULL REFERENCES billers,
    url text NOT NULL,
    event_types text[] NOT NULL,
    disabled_at timestamptz,
    disabled_reason text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhook_endpoints_biller ON webhook_endpoints (biller_id);
CREATE TABLE webhook_secrets (
    id uuid PRIMARY KEY,
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoints,
    sealed bytea NOT NULL,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhook_secrets_endpoint ON webhook_secrets (endpoint_id);
CREATE TABLE deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    biller_id smallint NOT NULL,
    event_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'due',
    due_at timestamptz NOT NULL,
    attempts smallint NOT NULL DEFAULT 0,
    lease_no integer NOT NULL DEFAULT 0,
    last_status smallint,
    last_failure text,
    finished_at timestamptz,
    CONSTRAINT deliveries_state_check CHECK (state IN ('due', 'held', 'delivered', 'dead'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX deliveries_due ON deliveries (due_at, id) WHERE state = 'due';
CREATE INDEX deliveries_dead ON deliveries (endpoint_id, id) WHERE state = 'dead';
CREATE TRIGGER webhook_endpoints_bump AFTER INSERT OR UPDATE OR DELETE ON webhook_endpoints
    FOR EACH STATEMENT EXECUTE FUNCTION bump_directory();
CREATE TRIGGER webhook_secrets_bump AFTER INSERT OR UPDATE OR DELETE ON webhook_secrets
    FOR EACH STATEMENT EXECUTE FUNCTION bump_directory();
CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    hash bytea NOT NULL
);
CREATE FUNCTION chain_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
DECLARE
    previous bytea;
BEGIN
    -- One writer at a time, so that each row's hash covers the row before it. The id is drawn anew
    -- under the lock: the default was drawn before it, perhaps in another order.
    PERFORM pg_advisory_xact_lock(7142019);
    NEW.id := nextval('audit_log_id_seq');
    SELECT hash INTO previous FROM audit_log ORDER BY id DESC LIMIT 1;
    NEW.hash := sha256(coalesce(previous, ''::bytea) || convert_to(
        concat_ws(E'\\x1f', NEW.at AT TIME ZONE 'UTC', NEW.actor, NEW.action, NEW.subject,
                  NEW.detail), 'UTF8'));
    RETURN NEW;
END $$;
CREATE TRIGGER audit_log_chain BEFORE INSERT ON audit_log
    FOR EACH ROW EXECUTE FUNCTION chain_audit();
"""

INSERT_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER transfers_insert_only BEFORE UPDATE OR DELETE ON transfers
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfers_keep BEFORE TRUNCATE ON transfers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_insert_only BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_keep BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_insert_only BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_keep BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

PARTITIONS = """
CREATE FUNCTION uuid7_floor(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0')
            || '00000000000000000000')::uuid
$$;
CREATE FUNCTION make_partition(parent text, suffix text, lower_bound text, upper_bound text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    child text := parent || '_p' || suffix;
BEGIN
    IF to_regclass('public.' || child) IS NOT NULL THEN
        RETURN;
    END IF;
    -- ATTACH takes a lighter lock on the parent than CREATE … PARTITION OF: payments go on.
    EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS '
                   'INCLUDING CONSTRAINTS)', child, parent);
    EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                   parent, child, lower_bound, upper_bound);
    IF parent IN ('transfers', 'events') THEN
        -- Statement triggers are not inherited: without this the owner could truncate a partition.
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON public.%I FOR EACH STATEMENT '
                       'EXECUTE FUNCTION refuse_change()', child || '_keep', child);
    END IF;
END $$;
CREATE FUNCTION make_partitions(from_day date, months_ahead integer, days_ahead integer)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
SET timezone = 'UTC' SET lock_timeout = '3s' AS $$
DECLARE
    month date;
    day date;
BEGIN
    PERFORM pg_advisory_xact_lock(7142020);
    FOR month IN SELECT generate_series(date_trunc('month', from_day),
            date_trunc('month', from_day) + make_interval(months => months_ahead), '1 month')::date
    LOOP
        PERFORM public.make_partition('idempotency_keys', to_char(month, 'YYYY_MM'),
            month::text, (month + interval '1 month')::date::text);
        PERFORM public.make_partition('transfers', to_char(month, 'YYYY_MM'),
            public.uuid7_floor(month::timestamptz)::text,
            public.uuid7_floor((month + interval '1 month')::timestamptz)::text);
    END LOOP;
    FOR day IN SELECT generate_series(from_day::timestamp,
            from_day + make_interval(days => days_ahead), '1 day')::date
    LOOP
        PERFORM public.make_partition('events', to_char(day, 'YYYY_MM_DD'),
            public.uuid7_floor(day::timestamptz)::text,
            public.uuid7_floor((day + 1)::timestamptz)::text);
    END LOOP;
END $$;
CREATE FUNCTION drop_old_keys(before date) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public SET lock_timeout = '3s' AS $$
DECLARE
    child text;
    dropped integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(7142020);
    FOR child IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.idempotency_keys'::regclass
          AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= before
    LOOP
        EXECUTE format('DROP TABLE public.%I', child);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
SELECT make_partitions((now() AT TIME ZONE 'UTC')::date - 1, 2, 9);
"""

GRANTS = """
DO $$
BEGIN
    CREATE ROLE gateway_service NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- roles belong to the cluster: another database made it
END $$;
GRANT gateway_service TO CURRENT_USER;
GRANT USAGE ON SCHEMA public TO gateway_service;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO gateway_service;
GRANT INSERT ON ledger_accounts, billers, biller_versions, partners, api_keys, areas, customers,
    bills, payments, payment_bills, idempotency_keys, transfers, events, webhook_endpoints,
    webhook_secrets, deliveries, audit_log TO gateway_service;
GRANT UPDATE ON partners, api_keys, areas, customers, bills, payments, payment_bills,
    webhook_endpoints, webhook_secrets, deliveries TO gateway_service;
GRANT DELETE ON deliveries TO gateway_service;
GRANT USAGE ON SEQUENCE transfers_id_seq TO gateway_service;
REVOKE ALL ON FUNCTION make_partitions(date, integer, integer), drop_old_keys(date),
    make_partition(text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_partitions(date, integer, integer), drop_old_keys(date)
    TO gateway_service;
"""

TABLES = (
    "audit_log, deliveries, webhook_secrets, webhook_endpoints, events, transfers, "
    "idempotency_keys, payment_bills, payments, bills, customers, areas, directory_version, "
    "api_keys, partners, biller_versions, billers, ledger_accounts"
)
FUNCTIONS = (
    "bump_directory(), chain_audit(), refuse_change(), drop_old_keys(date), "
    "make_partitions(date, integer, integer), make_partition(text, text, text, text), "
    "uuid7_floor(timestamptz)"
)


def _run_script(sql: str) -> None:
    """Run several statements at once; only the driver's simple protocol can."""
    driver = op.get_bind().connection.dbapi_connection
    driver.run_async(lambda connection: connection.execute(sql))


def upgrade() -> None:
    """Make the first schema."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (DIRECTORY, BILLS, PAYMENTS, EVENTS, INSERT_ONLY, PARTITIONS, GRANTS):
        _run_script(part)


def downgrade() -> None:
    """Drop everything but the role, which other databases of the cluster may use."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(f"DROP TABLE {TABLES} CASCADE")
    op.execute(f"DROP FUNCTION {FUNCTIONS}")
