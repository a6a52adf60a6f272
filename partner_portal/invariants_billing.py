"""What must never be in what is owed and paid: queries that return nothing as long as the books are in order; `invariants` asks them with its own."""

from __future__ import annotations

# The days that a line of a service still bills: those it billed, without those that were given back of it.
_HELD = """
    SELECT l.service, l.layer, datemultirange(daterange(l.period_from, l.period_until)) - coalesce((
               SELECT range_agg(daterange(c.period_from, c.period_until)) FROM billing_line c
                WHERE c.tenant = l.tenant AND c.credits = l.id AND c.period_from IS NOT NULL), '{}'::datemultirange) AS days
      FROM billing_line l WHERE l.kind = 'recurring'"""

# Each query gets $1, the instant before which what follows by itself must have happened, and names the offending rows.
# ruff: noqa: S608  # nothing but a query of our own is put into them
RULES: dict[str, str] = {
    "a document is the sum of its lines": """
        SELECT i.number AS what FROM billing_invoice i LEFT JOIN LATERAL (
               SELECT sum(l.net_cents) AS net FROM billing_line l WHERE l.tenant = i.tenant AND l.invoice = i.id) lines ON true LEFT JOIN LATERAL (
               SELECT sum(v.base_cents) AS base, sum(v.vat_cents) AS vat FROM billing_vat v WHERE v.tenant = i.tenant AND v.invoice = i.id) taxes ON true
         WHERE (i.net_cents, i.net_cents, i.vat_cents, i.gross_cents) IS DISTINCT FROM (lines.net, taxes.base, taxes.vat, lines.net + taxes.vat)
           AND $1::timestamptz IS NOT NULL""",
    "VAT is its rate on the sum of the lines": """
        WITH sums AS (SELECT l.tenant, l.invoice, l.vat_category, l.vat_rate, l.vat_country, sum(l.net_cents) AS net, sum(l.amount_cents) AS amount
                        FROM billing_line l GROUP BY 1, 2, 3, 4, 5),
             due AS (SELECT s.*, i.number, CASE WHEN i.prices_include_vat THEN s.amount - round(s.amount * 100 / (100 + s.vat_rate))
                                                ELSE round(s.net * s.vat_rate / 100) END AS vat
                       FROM sums s JOIN billing_invoice i ON i.tenant = s.tenant AND i.id = s.invoice)
        SELECT coalesce(due.number, v.invoice::text) AS what FROM due FULL JOIN billing_vat v ON v.tenant = due.tenant AND v.invoice = due.invoice
           AND (v.category, v.rate, v.country) = (due.vat_category, due.vat_rate, due.vat_country)
         WHERE (v.base_cents, v.vat_cents) IS DISTINCT FROM (due.net, due.vat) AND $1::timestamptz IS NOT NULL""",
    "no document is credited for more than it billed": """
        SELECT i.number AS what FROM billing_invoice i JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id LEFT JOIN (
               SELECT tenant, refers_to, sum(gross_cents) AS cents FROM billing_invoice WHERE refers_to IS NOT NULL GROUP BY 1, 2) c
               ON c.tenant = i.tenant AND c.refers_to = i.id
         WHERE (coalesce(c.cents, 0) <> s.credited_cents OR s.credited_cents > greatest(i.gross_cents, 0)) AND $1::timestamptz IS NOT NULL""",
    "no line is credited for more than it charged": """
        SELECT i.number || ' line ' || l.position AS what FROM (
               SELECT c.tenant, c.credits, sum(CASE WHEN d.kind = 'credit note' THEN c.amount_cents ELSE -c.amount_cents END) AS cents
                 FROM billing_line c JOIN billing_invoice d ON d.tenant = c.tenant AND d.id = c.invoice WHERE c.credits IS NOT NULL GROUP BY 1, 2) given
          JOIN billing_line l ON l.tenant = given.tenant AND l.id = given.credits JOIN billing_invoice i ON i.id = l.invoice
         WHERE NOT given.cents BETWEEN least(l.amount_cents, 0) AND greatest(l.amount_cents, 0) AND $1::timestamptz IS NOT NULL""",
    "no payment settles more than it is": """
        SELECT p.source || ' ' || p.source_key AS what FROM billing_payment p JOIN (
               SELECT tenant, payment, sum(amount_cents) AS cents FROM billing_allocation WHERE payment IS NOT NULL GROUP BY 1, 2) a
               ON a.tenant = p.tenant AND a.payment = p.id
         WHERE NOT a.cents BETWEEN least(p.amount_cents, 0) AND greatest(p.amount_cents, 0) AND $1::timestamptz IS NOT NULL""",
    "what is on account is what came in and was not used": """
        SELECT p.source || ' ' || p.source_key AS what FROM (
               SELECT payment, sum(cents) AS cents FROM (
                      SELECT coalesce(reverses, id) AS payment, amount_cents AS cents FROM billing_payment UNION ALL
                      SELECT payment, -amount_cents FROM billing_allocation WHERE payment IS NOT NULL) each GROUP BY payment) m
          JOIN billing_payment p ON p.id = m.payment LEFT JOIN billing_on_account o ON o.tenant = p.tenant AND o.payment = p.id
         WHERE (m.cents <> coalesce(o.left_cents, 0) OR o.left_cents = 0) AND $1::timestamptz IS NOT NULL""",
    "what was moved from a customer's account is on another's": """
        SELECT m.source || ' ' || m.source_key AS what FROM billing_payment m LEFT JOIN billing_payment o ON o.source = m.source AND o.source_key = CASE
               WHEN m.amount_cents < 0 THEN replace(m.source_key, ':out', ':in') ELSE replace(m.source_key, ':in', ':out') END
         WHERE (m.method = 'moved' OR starts_with(m.source_key, 'moved:')) AND $1::timestamptz IS NOT NULL
           AND (o.id IS NULL OR o.customer IS NOT DISTINCT FROM m.customer
                OR (o.tenant, o.issuer, o.received_on, o.amount_cents) IS DISTINCT FROM (m.tenant, m.issuer, m.received_on, -m.amount_cents))""",
    "what is open is what was not settled": """
        SELECT i.number AS what FROM billing_invoice i LEFT JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id LEFT JOIN (
               SELECT tenant, invoice, sum(amount_cents) AS cents FROM billing_allocation GROUP BY 1, 2) settled
               ON settled.tenant = i.tenant AND settled.invoice = i.id LEFT JOIN (
               SELECT tenant, credit, sum(amount_cents) AS cents FROM billing_allocation WHERE credit IS NOT NULL GROUP BY 1, 2) used
               ON used.tenant = i.tenant AND used.credit = i.id
         WHERE s.open_cents IS DISTINCT FROM i.gross_cents - coalesce(settled.cents, 0)
               - CASE WHEN i.kind = 'credit note' THEN 1 ELSE -1 END * coalesce(used.cents, 0) AND $1::timestamptz IS NOT NULL""",
    "no number is left out": """
        SELECT coalesce(n.number, s.series || s.year) AS what FROM billing_series s FULL JOIN (
               SELECT issuer, series, year, max(sequence) AS last, count(*) AS many, max(number) AS number FROM billing_invoice GROUP BY 1, 2, 3) n
               ON n.issuer = s.tenant AND n.series = s.series AND n.year = s.year
         WHERE (s.last, s.last) IS DISTINCT FROM (n.last, n.many) AND $1::timestamptz IS NOT NULL""",
    "no day of a service is billed twice": f"""
        SELECT DISTINCT s.number || ' ' || o.layer AS what FROM (
               SELECT held.service, held.layer, lower(day) < max(upper(day)) OVER (PARTITION BY held.service, held.layer ORDER BY lower(day), upper(day)
                         ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS is_twice
                 FROM ({_HELD}) held CROSS JOIN LATERAL unnest(held.days) AS day) o JOIN billing_service s ON s.id = o.service
         WHERE o.is_twice AND $1::timestamptz IS NOT NULL""",
    "no day of a service is left out": """
        SELECT s.number || ' ' || b.layer AS what FROM (
               SELECT service, layer, range_agg(daterange(period_from, period_until)) AS days FROM billing_line WHERE kind = 'recurring' GROUP BY 1, 2) b
          JOIN billing_service s ON s.id = b.service LEFT JOIN LATERAL (
               SELECT range_agg(daterange(p.pauses_from, p.resumes_on)) AS days FROM billing_pause p
                WHERE p.tenant = s.tenant AND p.service = s.id AND p.taken_back_at IS NULL) paused ON true
         WHERE NOT isempty(datemultirange(range_merge(b.days)) - b.days - coalesce(paused.days, '{}'))
           AND CASE WHEN b.layer = 'customer' THEN s.fee_cents ELSE s.wholesale_cents END > 0
           AND NOT EXISTS (SELECT 1 FROM billing_terms_change t WHERE t.tenant = s.tenant AND t.service = s.id AND t.changes ? 'paid_until')
           AND $1::timestamptz IS NOT NULL""",
    "no paused day is billed": f"""
        SELECT DISTINCT s.number || ' ' || held.layer AS what FROM ({_HELD}) held
          JOIN billing_pause p ON p.service = held.service AND p.taken_back_at IS NULL
          JOIN billing_service s ON s.id = p.service WHERE held.days && daterange(p.pauses_from, p.resumes_on) AND $1::timestamptz IS NOT NULL""",
    "a service is billed on from where it was billed to": f"""
        SELECT s.number AS what FROM (SELECT held.service, max(upper(held.days)) AS until FROM ({_HELD}) held WHERE held.layer = 'customer' GROUP BY 1) b
          JOIN billing_service s ON s.id = b.service WHERE s.paid_until < b.until AND $1::timestamptz IS NOT NULL""",
    "what has ended is billed or parked": """
        WITH ended AS (SELECT * FROM billing_service WHERE ended_at < $1::timestamptz - interval '1 day'),
             today AS (SELECT ($1::timestamptz AT TIME ZONE 'Europe/Amsterdam')::date AS day),
             waits AS (SELECT s.id, s.tenant, s.customer, c.layer, s.number || ' ' || c.layer || ' ' || c.kind AS what
                         FROM ended s JOIN billing_charge c ON c.tenant = s.tenant AND c.service = s.id CROSS JOIN today
                        WHERE c.line IS NULL AND c.dropped_at IS NULL AND c.created_at < $1 - interval '1 day'
                          AND (starts_with(c.key, 'termination:') OR c.kind = 'usage' AND c.bill_from < today.day - 1)
                       UNION ALL SELECT s.id, s.tenant, s.customer, 'customer', s.number || ' not billed from ' || s.paid_until FROM ended s CROSS JOIN today
                        WHERE s.paid_until <= s.billing_ends_on AND s.billing_ends_on < today.day - 1
                       UNION ALL SELECT s.id, s.tenant, s.customer, 'customer', s.number || ' not given back until ' || s.paid_until FROM ended s
                        WHERE s.paid_until > s.billing_ends_on + 2 AND s.credit_mode NOT IN ('NONE', 'MONTHS') AND s.fee_cents >= 31
                          AND NOT EXISTS (SELECT 1 FROM billing_terms_change t WHERE t.tenant = s.tenant AND t.service = s.id AND t.changes ? 'paid_until'))
        SELECT DISTINCT w.what FROM waits w WHERE NOT EXISTS (
               SELECT 1 FROM billing_parked p WHERE p.tenant = w.tenant AND p.settled_at IS NULL AND (p.service = w.id
                  OR p.service IS NULL AND p.customer IS NOT DISTINCT FROM CASE w.layer WHEN 'customer' THEN w.customer END))""",
    "debit is credit": """
        SELECT p.source || ' ' || p.id AS what FROM billing_posting p WHERE $1::timestamptz IS NOT NULL
         GROUP BY p.source, p.id HAVING sum(p.debit_cents) <> sum(p.credit_cents)""",
    "reminders of an invoice follow each other": """
        SELECT i.number AS what FROM billing_reminder r JOIN billing_invoice i ON i.tenant = r.tenant AND i.id = r.invoice
          LEFT JOIN billing_reminder e ON e.tenant = r.tenant AND e.invoice = r.invoice AND e.level = r.level - 1
         WHERE (r.level > 1 AND (e.id IS NULL OR e.sent_on >= r.sent_on) OR r.level = 1 AND e.sent_on >= r.sent_on) AND $1::timestamptz IS NOT NULL""",
    "a debtor is reminded in one letter a day": """
        SELECT min(i.number) || ' ' || r.sent_on AS what FROM billing_reminder r JOIN billing_invoice i ON i.tenant = r.tenant AND i.id = r.invoice
         WHERE $1::timestamptz IS NOT NULL GROUP BY i.tenant, i.customer, i.issuer, r.sent_on HAVING count(DISTINCT r.letter) > 1""",
    "a stopped service is owed for": """
        SELECT s.number AS what FROM (SELECT DISTINCT ON (service) * FROM billing_suspension ORDER BY service, nth DESC) x
          JOIN billing_service s ON s.id = x.service WHERE x.nth % 2 = 1 AND x.happened_at < $1 AND s.ended_at IS NULL AND NOT EXISTS (
               SELECT 1 FROM billing_line l JOIN billing_reminder r ON r.tenant = l.tenant AND r.invoice = l.invoice AND r.level = 3
                 JOIN billing_standing o ON o.tenant = l.tenant AND o.invoice = l.invoice WHERE l.service = x.service
                  AND o.open_cents + o.written_off_cents > 0)
           AND NOT EXISTS (SELECT 1 FROM billing_allocation a WHERE a.tenant = x.tenant AND a.invoice = x.invoice AND a.made_at >= $1)""",
    "what is issued is in the issuer's books, or on its way there": """
        SELECT i.number || ' ' || c.code AS what FROM billing_accounting_connection c JOIN billing_invoice i
               ON i.issuer = c.tenant AND i.issued_on >= c.starts_on AND i.issued_at < least($1::timestamptz, c.synced_at)
          LEFT JOIN billing_accounting_link l ON l.connection = c.id AND l.what = 'document' AND l.subject = i.id
         WHERE c.state = 'active' AND (l.id IS NULL OR l.state = 'waiting' AND l.due_at < least($1, c.synced_at) - interval '1 hour')""",
    "what cannot go to the books is on the list of conflicts": """
        SELECT l.what || ' ' || l.subject AS what FROM billing_accounting_link l WHERE l.state = 'stuck' AND $1::timestamptz IS NOT NULL AND NOT EXISTS (
               SELECT 1 FROM billing_accounting_conflict k WHERE k.tenant = l.tenant AND k.link = l.id AND k.solved_at IS NULL)""",
    "accounting in use is looked at": """
        SELECT c.code || coalesce(': ' || c.last_error, '') AS what FROM billing_accounting_connection c
         WHERE c.state = 'active' AND greatest(c.synced_at, c.made_at) < $1::timestamptz - interval '1 day'""",
    "interest and costs are charged as they were reckoned": """
        SELECT d.number AS what FROM billing_late_note n JOIN billing_invoice d ON d.tenant = n.tenant AND d.id = n.document LEFT JOIN LATERAL (
               SELECT sum(c.principal_cents) AS principal, sum(c.interest_cents) AS interest FROM billing_late_claim c
                WHERE c.tenant = n.tenant AND c.note = n.id) c ON true
         WHERE (d.kind, d.gross_cents, d.vat_cents, c.principal, c.interest)
               IS DISTINCT FROM ('costs', n.costs_cents + n.interest_cents, 0, n.principal_cents, n.interest_cents)
            OR (n.costs_cents > n.said_costs_cents AND $1::timestamptz IS NOT NULL)""",
    "every document of interest and costs says after which letter": """
        SELECT d.number AS what FROM billing_invoice d WHERE d.kind = 'costs' AND $1::timestamptz IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM billing_late_note n WHERE n.tenant = d.tenant AND n.document = d.id)""",
    "what is written off was settled so": """
        SELECT i.number AS what FROM billing_standing s JOIN billing_invoice i ON i.tenant = s.tenant AND i.id = s.invoice LEFT JOIN (
               SELECT tenant, invoice, sum(amount_cents) AS cents FROM billing_write_off GROUP BY 1, 2) w ON w.tenant = s.tenant AND w.invoice = s.invoice
          LEFT JOIN (SELECT tenant, invoice, sum(amount_cents) AS cents FROM billing_allocation WHERE write_off IS NOT NULL GROUP BY 1, 2) a
               ON a.tenant = s.tenant AND a.invoice = s.invoice
         WHERE (s.written_off_cents <> coalesce(w.cents, 0) OR s.written_off_cents <> coalesce(a.cents, 0)) AND $1::timestamptz IS NOT NULL""",
    "instalments add up to their plan": """
        SELECT p.id::text AS what FROM billing_payment_plan p LEFT JOIN (
               SELECT tenant, plan, sum(amount_cents) AS cents FROM billing_instalment GROUP BY 1, 2) n
               ON n.tenant = p.tenant AND n.plan = p.id WHERE n.cents IS DISTINCT FROM p.owed_cents AND $1::timestamptz IS NOT NULL""",
    "a plan that has ended holds nothing": """
        SELECT p.id::text AS what FROM billing_payment_plan p JOIN billing_hold h ON h.tenant = p.tenant AND h.plan = p.id
         WHERE p.ended_on IS NOT NULL AND h.lifted_at IS NULL AND $1::timestamptz IS NOT NULL""",
}
