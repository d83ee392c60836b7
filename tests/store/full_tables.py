"""Tables of months, to plan statements on."""

FILL = """
SET session_replication_role = replica;
INSERT INTO customers (biller_id, code, name, address, area_code, segment)
SELECT 1, 'PB14' || lpad(n::text, 9, '0'), 'Án', 'Phường 5', '32008', 'household'
FROM generate_series(1, 20000) n;
INSERT INTO bills (biller_id, id, customer_code, period, net_dong, vat_dong, amount_dong,
    issued_on, due_on, paid_dong, status, claimed_by)
SELECT 1, 'HD-' || n, 'PB14' || lpad((n % 20000 + 1)::text, 9, '0'),
    date '2026-01-01' + make_interval(months => n / 20000), 150000, 0, 150000, '2026-11-02',
    '2026-11-09', CASE WHEN n % 3 > 0 THEN 150000 ELSE 0 END,
    CASE WHEN n % 3 > 0 THEN 'paid' ELSE 'open' END, gen_random_uuid()
FROM generate_series(1, 40000) n;
INSERT INTO payments (biller_id, id, partner_id, partner_reference, method, channel,
    customer_code, amount_dong, bill_count, claimed_count, status, business_date, created_at)
SELECT 1, (lpad(to_hex(n), 12, '0') || '70008000000000000000')::uuid, n % 8 + 1, 'REF-' || n,
    'collected', 'qr', 'PB14' || lpad((n % 20000 + 1)::text, 9, '0'), 150000, 1, 1, 'succeeded',
    date '2026-11-24', now()
FROM generate_series(1, 20000) n;
INSERT INTO payment_bills (biller_id, payment_id, bill_id, period, amount_dong, sequence)
SELECT 1, id, 'HD-' || row_number() OVER (), '2026-10-01', 150000, 1 FROM payments;
INSERT INTO idempotency_keys (partner_id, operation, key, month, fingerprint, field_digests,
    status_code, body, created_at)
SELECT n % 8 + 1, 'create_payment', 'key-' || n, date_trunc('month', now()), '', '', 201, '', now()
FROM generate_series(1, 20000) n;
INSERT INTO events (biller_id, id, type, subject, body, created_at)
SELECT 1, (left(uuid7_floor(now())::text, 13) || right(gen_random_uuid()::text, 23))::uuid,
    'payment.succeeded', gen_random_uuid(), '', now()
FROM generate_series(1, 20000);
INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at, state)
SELECT 1, id, id, now(), CASE WHEN row_number() OVER () % 20 = 0 THEN 'due' ELSE 'delivered' END
FROM events;
INSERT INTO attempts (biller_id, id, payment_id, number, provider, reference, text, amount_dong,
    return_url, notify_url, payer_ip, locale, visibility_s, state, due_at, created_at, expires_at)
SELECT 1, gen_random_uuid(), id, 1, 'scripted', 'att_' || row_number() OVER (), '', 150000, '', '',
    '', 'vi', 60, CASE WHEN row_number() OVER () % 50 = 0 THEN 'unknown' ELSE 'succeeded' END,
    CASE WHEN row_number() OVER () % 50 = 0 THEN now() END, now(), now()
FROM payments;
INSERT INTO evidence (biller_id, attempt_id, rank, source, outcome, code, facts, rule, state_before,
    state_after, at)
SELECT 1, id, 3, 'query', 'succeeded', '', '', '', 'waiting', 'succeeded', now() FROM attempts;
INSERT INTO exchanges (id, biller_id, attempt_id, operation, method, url, request, request_sha256,
    fate, reason, started_at, took_ms)
SELECT gen_random_uuid(), 1, id, 'query', 'POST', '', '', '', '', '', now(), 1 FROM attempts;
INSERT INTO notifications (id, biller_id, attempt_id, provider, key, method, query, body, verdict,
    received_at)
SELECT gen_random_uuid(), 1, id, 'scripted', reference, 'POST', '', '', '', now() FROM attempts;
INSERT INTO quarantine (provider, reason, method, query, body, sha256)
SELECT 'p' || n % 20, '', 'POST', '', '', '' FROM generate_series(1, 20000) n;
INSERT INTO exceptions (id, biller_id, payment_id, attempt_id, kind, amount_dong, owner,
    next_action, due_on, opened_at, closed_at)
SELECT gen_random_uuid(), 1, payment_id, id, 'late_money', 1, '', '', now(), now(),
    CASE WHEN number = 1 AND random() < 0.99 THEN now() END FROM attempts;
INSERT INTO mandates (biller_id, id, partner_id, customer_code, provider, reference, bank,
    account_masked, sealed, max_debit_dong, retry_days, starts_on, state, consent_given_by,
    consent_given_at, consent_channel, consent_text_version, consent_text, consent_sha256,
    consent_evidence, lapses_on, created_at, registered_at, ask_at)
SELECT 1, gen_random_uuid(), 1, 'PB14' || lpad(n::text, 9, '0'), 'scripted', 'mdt_' || n, '970405',
    '', '', 2000000, 3, '2026-01-01', CASE WHEN n % 20 = 0 THEN 'active'
        WHEN n % 20 = 1 THEN 'pending_bank' ELSE 'cancelled' END,
    '', now(), 'otp', '1', '', '', '', '2028-01-01', now(), now(),
    CASE WHEN n % 20 = 1 THEN now() END
FROM generate_series(1, 20000) n;
INSERT INTO debit_runs (biller_id, id, provider, day, prepared_at)
SELECT 1, gen_random_uuid(), 'scripted', date '2026-11-01' + n, now() FROM generate_series(0, 19) n;
INSERT INTO debits (biller_id, id, run_id, mandate_id, provider, customer_code, bill_id, month,
    amount_dong, state, due_on, tries, payment_id, attempt_id, created_at)
SELECT 1, gen_random_uuid(), (SELECT id FROM debit_runs ORDER BY day LIMIT 1 OFFSET n % 20),
    m.id, 'scripted', m.customer_code, 'HD-' || n, '2026-11-01', 150000,
    CASE WHEN n % 50 = 0 THEN 'planned' WHEN n % 50 = 1 THEN 'drawn' ELSE 'settled' END,
    date '2026-11-01' + n % 20, 1,
    (lpad(to_hex(n), 12, '0') || '70008000000000000000')::uuid, gen_random_uuid(), now()
FROM (SELECT *, row_number() OVER ()::int AS n FROM mandates) m;
ANALYZE;
"""
