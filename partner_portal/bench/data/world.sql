-- A world of :tenants partners and :customers customers, to be measured on. Of six customers of a partner one has five services, the others one
-- each. Rows of all partners lie mixed, as they do where partners work at the same time. Ids follow from numbers (world.py knows how).
-- Written by a superuser past the triggers: nothing is audited or checked row by row, for what is written is right by construction.

CREATE FUNCTION pg_temp.id(kind int, nth bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT (lpad(to_hex(kind), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(nth), 12, '0'))::uuid $$;

INSERT INTO billing_product (id, code, name_nl, name_en, kind)
VALUES (pg_temp.id(6, 0), 'internet', 'Internet', 'Internet', 'ECS'), (pg_temp.id(6, 1), 'hosting', 'Hosting', 'Hosting', 'OTHER');

INSERT INTO billing_buyout_rule (id, name, method, scale, percentage, bands, handling_cents, avoided_percentage)
VALUES (pg_temp.id(7, 0), '75 %', 'FULL_STARTED', 'percentage', 75, '[]', 2500, 0);

INSERT INTO tenant (id, code, name, kind, bills, email, language, brand_colour, address, country)
SELECT pg_temp.id(1, n), 'P' || n, 'Partner ' || n, 'partner', 'direct', 'service@p' || n || '.example.com', 'nl', '#1f4e79', '', 'NL'
  FROM generate_series(0, :tenants - 1) n;

INSERT INTO member (id, tenant, email, accepted_as, name, role, language)
SELECT pg_temp.id(2, n), pg_temp.id(1, n), 'owner@p' || n || '.example.com', 'owner@p' || n || '.example.com', 'Owner ' || n, 'owner', 'nl'
  FROM generate_series(0, :tenants - 1) n;

INSERT INTO customer (id, tenant, number, name, segment, language, country)
SELECT pg_temp.id(3, n), pg_temp.id(1, n % :tenants), 'C-' || n, 'Customer ' || left(md5(n::text), 12), 'OTHER_BIZ', 'nl', 'NL'
  FROM generate_series(0, :customers - 1) n;

INSERT INTO contact (id, tenant, customer, name, email, is_main)
SELECT pg_temp.id(4, n), pg_temp.id(1, n % :tenants), pg_temp.id(3, n), 'Contact ' || n, 'contact' || n || '@customer.example.com', true
  FROM generate_series(0, :customers - 1) n;

-- The first service of a customer runs on; the second is bound with a buyout; the others besides with a discount and equipment to settle.
INSERT INTO billing_service (
    id, tenant, customer, product, number, label, quantity, fee_cents, starts_on, signed_on, minimum_months, renewal, renewal_months,
    paid_until, buyout_rule, discount_cents, discount_months, equipment_cents, equipment_months)
SELECT pg_temp.id(5, n * 8 + k), pg_temp.id(1, n % :tenants), pg_temp.id(3, n), pg_temp.id(6, least(k, 1)), 'S-' || n || '-' || k, 'Service ' || k,
       1 + n % 3, 4995 + 100 * k, begun, begun, CASE k WHEN 0 THEN 0 ELSE 24 END, CASE k WHEN 0 THEN 'INDEF' ELSE 'FIXED' END,
       CASE k WHEN 0 THEN 0 ELSE 12 END, (date_trunc('month', CURRENT_DATE) + interval '1 month')::date, CASE WHEN k > 0 THEN pg_temp.id(7, 0) END,
       CASE WHEN k > 1 THEN 12000 ELSE 0 END, CASE WHEN k > 1 THEN 24 ELSE 0 END,
       CASE WHEN k > 1 THEN 18000 ELSE 0 END, CASE WHEN k > 1 THEN 36 ELSE 0 END
  FROM generate_series(0, :customers - 1) n
 CROSS JOIN LATERAL generate_series(0, CASE n / :tenants % 6 WHEN 0 THEN 4 ELSE 0 END) k
 CROSS JOIN LATERAL (SELECT CURRENT_DATE - 200 - (n % 100)::int AS begun) b;
