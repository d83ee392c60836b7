"""The pilot: who pays electronically, month by month, rolled up; pilots, agencies, their members.

Revision ID: 0011
Revises: 0010

Months that something happened to are found by triggers, so no writer can forget them: every
statement that touches bills leaves one small row for each month in `adoption_touched`. Nobody
waits for anybody there: rows are only added, and the roll-up deletes those that its own snapshot
sees, in the statement that counts the month.
"""

from alembic import op

from gateway.store.schema import run_script

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Bits are months since January 2000, after two that are never set: a month looks back at two.
TABLES = """
CREATE TABLE adoption_touched (
    biller_id smallint NOT NULL,
    month date NOT NULL
);
CREATE TABLE adoption_rolled (
    biller_id smallint NOT NULL,
    month date NOT NULL,
    customers integer NOT NULL,
    bills integer NOT NULL,
    rolled_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, month)
);
CREATE TABLE adoption_monthly (
    biller_id smallint NOT NULL,
    month date NOT NULL,
    area_code text COLLATE "C" NOT NULL,
    segment text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    customers integer NOT NULL,
    new integer NOT NULL,
    retained integer NOT NULL,
    resumed integer NOT NULL,
    relapsed integer NOT NULL,
    habitual integer NOT NULL,
    bills integer NOT NULL,
    amount_dong bigint NOT NULL,
    PRIMARY KEY (biller_id, month, area_code, segment, channel)
);
CREATE TABLE agency_monthly (
    biller_id smallint NOT NULL,
    month date NOT NULL,
    agency_code text COLLATE "C" NOT NULL,
    customers integer NOT NULL,
    electronic integer NOT NULL,
    new integer NOT NULL,
    relapsed integer NOT NULL,
    habitual integer NOT NULL,
    unsettled integer NOT NULL,
    PRIMARY KEY (biller_id, month, agency_code)
);
CREATE TABLE electronic_payers (
    biller_id smallint NOT NULL,
    customer_code text COLLATE "C" NOT NULL,
    months bit(1202) NOT NULL,
    first_month date,
    first_at timestamptz,
    PRIMARY KEY (biller_id, customer_code)
) WITH (fillfactor = 70);
CREATE TABLE customer_units (
    biller_id smallint NOT NULL,
    customer_code text COLLATE "C" NOT NULL,
    since date NOT NULL,
    area_code text NOT NULL,
    PRIMARY KEY (biller_id, customer_code, since)
);
CREATE TABLE agencies (
    biller_id smallint NOT NULL REFERENCES billers,
    code text COLLATE "C" NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (biller_id, code)
);
CREATE TABLE agency_members (
    biller_id smallint NOT NULL,
    customer_code text COLLATE "C" NOT NULL,
    agency_code text COLLATE "C" NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (biller_id, customer_code),
    FOREIGN KEY (biller_id, agency_code) REFERENCES agencies
);
CREATE TABLE pilots (
    biller_id smallint NOT NULL REFERENCES billers,
    code text COLLATE "C" NOT NULL,
    name text NOT NULL,
    areas text[] NOT NULL,
    comparison_areas text[] NOT NULL,
    baseline_from date NOT NULL,
    baseline_to date NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    target_percent integer NOT NULL,
    milestones jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (biller_id, code),
    CONSTRAINT pilots_order_check CHECK (
        baseline_from <= baseline_to AND baseline_to < starts_on AND starts_on < ends_on),
    CONSTRAINT pilots_areas_check CHECK (
        cardinality(areas) > 0 AND NOT areas && comparison_areas),
    CONSTRAINT pilots_target_check CHECK (target_percent BETWEEN 101 AND 1000)
);
"""

# A month's bills stand together as they were issued; a thousandth of a B-tree's size finds them.
INDEX = """
CREATE INDEX bills_period ON bills USING brin (biller_id, period)
    WITH (pages_per_range = 32, autosummarize = on);
"""

# A unit that was merged keeps its customers in our count: a change of a customer's code to the
# successor of the old unit, once that exists, is a new name and no move (32002 was Phường 4, and
# is Phường An Xuyên since July 2025). The first change also writes down where the customer was.
TRIGGERS = """
CREATE FUNCTION touch_bills() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO adoption_touched (biller_id, month)
        SELECT DISTINCT biller_id, period FROM new_rows;
    ELSE
        INSERT INTO adoption_touched (biller_id, month)
        SELECT biller_id, period FROM new_rows UNION SELECT biller_id, period FROM old_rows;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER bills_touch_new AFTER INSERT ON bills REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION touch_bills();
CREATE TRIGGER bills_touch_changed AFTER UPDATE ON bills
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION touch_bills();
-- A month that is counted at this moment for the first time still stands among the touched.
CREATE FUNCTION touch_months(biller smallint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO adoption_touched (biller_id, month)
    SELECT biller_id, month FROM adoption_rolled WHERE biller_id = biller
    UNION SELECT biller_id, month FROM adoption_touched WHERE biller_id = biller
$$;
CREATE FUNCTION touch_customers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO customer_units (biller_id, customer_code, since, area_code)
    SELECT o.biller_id, o.code, '2000-01-01', o.area_code
    FROM old_rows o JOIN new_rows n USING (biller_id, code)
    WHERE o.area_code <> n.area_code
    ON CONFLICT DO NOTHING;
    INSERT INTO customer_units (biller_id, customer_code, since, area_code)
    SELECT n.biller_id, n.code, date_trunc('month', now() AT TIME ZONE 'Asia/Ho_Chi_Minh'),
           n.area_code
    FROM old_rows o JOIN new_rows n USING (biller_id, code)
    CROSS JOIN LATERAL (
        SELECT u.area_code FROM customer_units u
        WHERE u.biller_id = n.biller_id AND u.customer_code = n.code
        ORDER BY u.since DESC LIMIT 1) counted
    WHERE o.area_code <> n.area_code AND n.area_code <> counted.area_code
      AND NOT EXISTS (
        SELECT FROM areas old_unit JOIN areas new_unit
          ON new_unit.code = old_unit.successor_code
         AND new_unit.valid_from = old_unit.valid_to + 1
        WHERE old_unit.code = counted.area_code AND new_unit.code = n.area_code
          AND new_unit.valid_from <= (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date)
    ON CONFLICT (biller_id, customer_code, since) DO UPDATE SET area_code = excluded.area_code;
    PERFORM touch_months(changed.biller_id) FROM (
        SELECT DISTINCT n.biller_id FROM old_rows o JOIN new_rows n USING (biller_id, code)
        WHERE (o.area_code, o.segment) IS DISTINCT FROM (n.area_code, n.segment)) changed;
    RETURN NULL;
END $$;
CREATE TRIGGER customers_touch AFTER UPDATE ON customers
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION touch_customers();
CREATE FUNCTION touch_members() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM touch_months(changed.biller_id)
    FROM (SELECT DISTINCT biller_id FROM changed_rows) changed;
    RETURN NULL;
END $$;
CREATE TRIGGER agency_members_touch_new AFTER INSERT ON agency_members
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION touch_members();
CREATE TRIGGER agency_members_touch_changed AFTER UPDATE ON agency_members
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION touch_members();
CREATE TRIGGER agency_members_touch_gone AFTER DELETE ON agency_members
    REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION touch_members();
"""

# What stands already was touched by nobody: every month that has bills is rolled up once.
BACKFILL = """
INSERT INTO adoption_touched (biller_id, month) SELECT DISTINCT biller_id, period FROM bills;
"""

GRANTS = """
GRANT SELECT, INSERT, DELETE ON adoption_touched TO gateway_service;
GRANT SELECT, INSERT, UPDATE ON adoption_rolled, electronic_payers, customer_units, agencies, pilots
    TO gateway_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON adoption_monthly, agency_monthly, agency_members
    TO gateway_service;
"""

ALL = (
    "pilots, agency_members, agencies, customer_units, electronic_payers, agency_monthly, "
    "adoption_monthly, adoption_rolled, adoption_touched"
)


def upgrade() -> None:
    """Make the tables and the triggers that find what to roll up."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (TABLES, INDEX, TRIGGERS, BACKFILL, GRANTS):
        run_script(part)


def downgrade() -> None:
    """Take them away; all but pilots and agencies can be counted again from the bills."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    run_script(
        "DROP TRIGGER bills_touch_new ON bills; DROP TRIGGER bills_touch_changed ON bills;"
        "DROP TRIGGER customers_touch ON customers; DROP INDEX bills_period;"
        f"DROP TABLE {ALL};"
        "DROP FUNCTION touch_bills(), touch_customers(), touch_members(), touch_months(smallint)"
    )
