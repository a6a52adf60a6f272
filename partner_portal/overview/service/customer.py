"""One customer as its page shows it: who it is, what it has of everything, its cases, documents and addresses."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from partner_portal.infra import db
from partner_portal.kernel.errors import NotFound
from partner_portal.web.lists import Column, Listing, Window

# Counts stop at a thousand: nobody reads further, and each costs the same for every customer.
_HEAD = """
SELECT c.*, m.id AS contact_id, m.name AS contact_name, m.email AS contact_email, m.phone AS contact_phone,
       (SELECT count(*) FROM (SELECT FROM billing_service s WHERE s.customer = c.id AND s.ended_at IS NULL LIMIT 1000) x) AS services,
       (SELECT count(*) FROM (SELECT FROM billing_service s WHERE s.customer = c.id AND s.ended_at IS NULL AND s.ends_on IS NOT NULL LIMIT 1000) x) AS ending,
       (SELECT min(s.ends_on) FROM billing_service s WHERE s.customer = c.id AND s.ended_at IS NULL AND s.ends_on IS NOT NULL) AS next_end,
       (SELECT count(*) FROM (SELECT FROM termination t WHERE t.customer = c.id LIMIT 1000) x) AS cases,
       (SELECT count(*) FROM (SELECT FROM termination t WHERE t.customer = c.id AND t.document IS NOT NULL LIMIT 1000) x) AS documents,
       (SELECT count(*) FROM (SELECT FROM billing_invoice i WHERE i.customer = c.id LIMIT 1000) x) AS invoices,
       (SELECT count(*) FROM location l WHERE l.customer = c.id) AS locations
  FROM customer c LEFT JOIN contact m ON m.customer = c.id AND m.is_main WHERE c.id = $1
"""

CASES = Listing("cases of a customer", {"filed_at": Column("t.filed_at", "timestamptz", "filed_at")}, usual="-filed_at", id_sql="t.id")
_CASES = """
SELECT t.id, t.number, t.state, t.ends_on, t.is_buyout, t.agreed_cents, t.filed_at, t.waits_until, t.withdrawal_asked_at,
       (SELECT count(*) FROM termination_line l WHERE l.termination = t.id) AS services,
       (SELECT s.label FROM termination_line l JOIN billing_service s ON s.id = l.service WHERE l.termination = t.id ORDER BY s.number LIMIT 1) AS first_label
  FROM termination t WHERE t.customer = $1
"""

DOCUMENTS = Listing("documents of a customer", {"at": Column("d.created_at", "timestamptz", "created_at")}, usual="-at", id_sql="d.id")
_DOCUMENTS = """
SELECT d.id, d.filename, d.size, d.created_at, t.id AS termination, t.number, t.state, t.ends_on
  FROM termination t JOIN infra_document d ON d.id = t.document WHERE t.customer = $1
"""
_LOCATIONS = """
SELECT l.id, l.kind, l.street, l.postcode, l.city, l.country,
       (SELECT count(*) FROM billing_service s WHERE s.customer = l.customer AND s.location = l.id AND s.ended_at IS NULL) AS services
  FROM location l WHERE l.customer = $1 ORDER BY l.kind, l.id
"""


async def head(customer: UUID) -> asyncpg.Record:
    """The customer with its main contact, and how much it has of everything; NotFound when it is not the acting tenant's."""
    row = await db.fetch_one(_HEAD, customer)
    if row is None:
        raise NotFound(what="customer", id=str(customer))
    return row


async def cases(window: Window, customer: UUID) -> list[asyncpg.Record]:
    """The customer's cases in the window, the newest first, each with how many services it ends and what the first is called."""
    return await _page(_CASES, window, customer)


async def documents(window: Window, customer: UUID) -> list[asyncpg.Record]:
    """The confirmations of the customer's cases in the window, the newest first."""
    return await _page(_DOCUMENTS, window, customer)


async def locations(customer: UUID) -> list[asyncpg.Record]:
    """The customer's addresses, each with how many running services stand there."""
    return await db.fetch(_LOCATIONS, customer)


async def _page(select: str, window: Window, customer: UUID) -> list[asyncpg.Record]:
    unseen, values = window.where(2)
    return await db.fetch(f"{select} AND {unseen} ORDER BY {window.order}", customer, *values)  # fragments are ours, values are bound
