-- :invoices invoices of the world's customers, the newest today, spread over two years: one line and one rate each, three of a hundred unpaid; what was
-- paid was paid by a payment each. Written by a superuser past the triggers, as the rest of the world: what they keep is written as well.

INSERT INTO tenant (id, code, name, kind, bills, email, language, brand_colour, address, country)
VALUES (pg_temp.id(1, 4294967295), 'HUIS', 'House', 'house', 'direct', 'house@example.com', 'nl', '#1f4e79', '', 'NL');

INSERT INTO billing_issuer (tenant, name, street, postcode, city, email, vat_id, chamber_number, iban)
VALUES (pg_temp.id(1, 4294967295), 'House B.V.', 'Kade 1', '3011 AB', 'Rotterdam', 'house@example.com', 'NL999999990B29', '12345678', 'NL05TEST0417164300');

INSERT INTO location (id, tenant, customer, kind, street, postcode, city)
SELECT gen_random_uuid(), tenant, id, 'billing', 'Dorpsstraat 1', '1234 AB', 'Utrecht' FROM customer;

INSERT INTO billing_invoice (id, tenant, customer, issuer, layer, kind, series, year, sequence, number, reference, issued_on, due_on, period_from, period_until,
    language, prices_include_vat, net_cents, vat_cents, gross_cents, issuer_details, debtor_details, issued_at)
SELECT pg_temp.id(8, n), pg_temp.id(1, c % :tenants), pg_temp.id(3, c), pg_temp.id(1, 4294967295), 'customer', 'invoice', 'F', 2026, n + 1,
       'HUIS-F2026-' || lpad((n + 1)::text, 7, '0'), 'RF' || lpad((n + 1)::text, 12, '0'), d, d + 30, d, (d + interval '1 month')::date, 'nl', false,
       cents, cents * 21 / 100, cents + cents * 21 / 100,
       '{"name": "House B.V.", "street": "Kade 1", "postcode": "3011 AB", "city": "Rotterdam", "country": "NL", "vat_id": "NL999999990B29", "chamber_number": "12345678", "email": "house@example.com", "iban": "NL05TEST0417164300"}',
       jsonb_build_object('name', 'Customer ' || left(md5(c::text), 12), 'street', 'Dorpsstraat 1', 'postcode', '1234 AB', 'city', 'Utrecht', 'country', 'NL',
                          'number', 'C-' || c, 'email', 'contact' || c || '@customer.example.com'), d::timestamptz
  FROM generate_series(0, :invoices - 1) n
 CROSS JOIN LATERAL (SELECT n % :customers AS c, CURRENT_DATE - ((:invoices - 1 - n)::bigint * 730 / :invoices)::int AS d, 4995 + n % 20 * 1000 AS cents) x;

INSERT INTO billing_line (id, tenant, invoice, position, kind, layer, service, description, quantity, unit, unit_price, net_cents, amount_cents, vat_category,
    vat_rate, vat_country, period_from, period_until, turn, why)
SELECT pg_temp.id(9, n), i.tenant, i.id, 1, 'recurring', 'customer', pg_temp.id(5, n % :customers * 8), 'Service 0', 1, 'MON', i.net_cents / 100.0, i.net_cents,
       i.net_cents, 'S', 21, 'NL', i.period_from, i.period_until, 1 + n / :customers, '{}'
  FROM generate_series(0, :invoices - 1) n JOIN billing_invoice i ON i.id = pg_temp.id(8, n);

INSERT INTO billing_vat (id, tenant, invoice, category, rate, country, base_cents, vat_cents)
SELECT gen_random_uuid(), tenant, id, 'S', 21, 'NL', net_cents, vat_cents FROM billing_invoice;

INSERT INTO billing_standing (id, tenant, invoice, due_on, owed_by, open_cents, paid_on, mailed_at, overdue_told_on)
SELECT gen_random_uuid(), tenant, id, due_on, customer, CASE WHEN sequence % 33 = 0 THEN gross_cents ELSE 0 END, CASE WHEN sequence % 33 > 0 THEN least(due_on, CURRENT_DATE) END,
       issued_at, CASE WHEN due_on < CURRENT_DATE THEN due_on + 1 END
  FROM billing_invoice;

INSERT INTO billing_payment (id, tenant, customer, issuer, source, source_key, method, amount_cents, received_on, booked_by, booked_at)
SELECT pg_temp.id(10, sequence), tenant, customer, issuer, 'statement', number, 'transfer', gross_cents, least(due_on, CURRENT_DATE), 'system:bench', issued_at
  FROM billing_invoice WHERE sequence % 33 > 0;

INSERT INTO billing_allocation (id, tenant, invoice, payment, amount_cents, made_by, made_at)
SELECT gen_random_uuid(), tenant, id, pg_temp.id(10, sequence), gross_cents, 'system:bench', issued_at FROM billing_invoice WHERE sequence % 33 > 0;

-- Whoever is long overdue was reminded as far as it goes.
INSERT INTO billing_reminder (id, tenant, invoice, level, letter, sent_on, open_cents)
SELECT gen_random_uuid(), i.tenant, i.id, r.level, md5(concat(i.tenant, i.customer, i.issuer, i.due_on + r.late))::uuid, i.due_on + r.late, i.gross_cents
  FROM billing_invoice i CROSS JOIN (VALUES (1, 3), (2, 14), (3, 21)) r (level, late) WHERE i.sequence % 33 = 0 AND i.due_on + r.late < CURRENT_DATE;
