-- The provider as a partner of its own; and what the database itself keeps beside customers and services when they are entered one by one: the words
-- they are found by, and when notice is due.
INSERT INTO tenant (id, code, name, kind, bills, email, language, brand_colour, address, country)
VALUES ('00000001-0000-7000-8000-ffffffffffff', 'HOUSE', 'Provider', 'house', 'direct', 'service@provider.example.com', 'nl', '#1f4e79', '', 'NL');

UPDATE billing_product SET has_data = true WHERE code = 'hosting';

-- The contracts of the partner that is looked at end all through two years, so that its lists of deadlines are full.
UPDATE billing_service SET starts_on = CURRENT_DATE - abs(hashtext(number)) % 720, signed_on = CURRENT_DATE - abs(hashtext(number)) % 720
 WHERE minimum_months > 0 AND tenant = (SELECT id FROM tenant WHERE code = 'P:looked_at');

INSERT INTO infra_search_word (tenant, kind, word, "row")
SELECT c.tenant, 'customer', w, c.id FROM customer c, unnest(ARRAY['customer', right(c.name, 12), 'c' || split_part(c.number, '-', 2)]) w;

INSERT INTO infra_search_word (tenant, kind, word, "row")
SELECT k.tenant, 'contact', w, k.id FROM contact k, unnest(ARRAY['contact', split_part(k.email, '@', 1), 'customer', 'example', 'com']) w;

INSERT INTO infra_search_word (tenant, kind, word, "row")
SELECT s.tenant, 'service', w, s.id FROM billing_service s, unnest(ARRAY['service', replace(lower(s.number), '-', '')]) w;

-- Those of the partner that is looked at are computed by the portal itself afterwards; the others only take their room.
INSERT INTO termination_deadline (
    id, tenant, service, customer, product, is_held, last_notice_on, free_end_on, committed_until, renewal_months, fee_cents, due_on, sequence, changed_at)
SELECT gen_random_uuid(), s.tenant, s.id, s.customer, s.product, false, CASE WHEN s.minimum_months > 0 THEN s.starts_on + 690 END,
       s.starts_on + 730, CASE WHEN s.minimum_months > 0 THEN s.starts_on + 730 END, s.renewal_months, s.fee_cents * s.quantity,
       CASE WHEN s.tenant = (SELECT id FROM tenant WHERE code = 'P:looked_at') THEN '-infinity' ELSE CURRENT_DATE + 1000 END, 0, now()
  FROM billing_service s;

INSERT INTO termination_deadline_check (id, tenant, checked_on) SELECT gen_random_uuid(), id, CURRENT_DATE FROM tenant;
