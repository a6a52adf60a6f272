"""Rows that belong to no domain: events still to be delivered, mails, documents, the audit trail, answers given.

The tenant stands here as a plain uuid, under the same row-level security as everywhere.
"""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, BigInt, Bytea, Integer, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Unique
from piccolo.table import Table

from .ids import NewId


class OutboxMessage(Table, tablename="infra_outbox"):
    """One event on its way to one handler; done, waiting, or dead."""

    id = UUID(primary_key=True, default=NewId())
    tenant = UUID(null=True, default=None)
    event_id = UUID(null=False)
    topic = Varchar(120)
    handler = Varchar(160)
    door = Varchar(20)
    payload = JSONB()
    turn = Varchar(60, null=True, default=None)
    occurred_at = Timestamptz(default=TimestamptzNow())
    available_at = Timestamptz(default=TimestamptzNow())
    leased_until = Timestamptz(null=True, default=None)
    attempts = Integer(default=0)
    done_at = Timestamptz(null=True, default=None)
    dead_at = Timestamptz(null=True, default=None)
    last_error = Text(null=True, default=None)

    outbox_handler_once = Unique([event_id, handler])


class OutgoingMail(Table, tablename="infra_mail"):
    """A mail as it was rendered, about which row it is, and when it left; the key makes it unique whatever is repeated."""

    id = UUID(primary_key=True, default=NewId())
    tenant = UUID(null=True, default=None)
    key = Varchar(200)
    name = Varchar(80)
    about = UUID(null=True, default=None)
    language = Varchar(5)
    recipient = Varchar(320)
    subject = Text()
    text = Text()
    html = Text()
    message_id = Varchar(255)
    attachments = JSONB(default=[])
    template_version = Varchar(64)
    from_name = Varchar(200)
    reply_to = Varchar(320, null=True, default=None)
    unsubscribe = Varchar(500, null=True, default=None)
    queued_at = Timestamptz(default=TimestamptzNow())
    sent_at = Timestamptz(null=True, default=None)

    mail_key_once = Unique([key])


class Document(Table, tablename="infra_document"):
    """A file on record: what it is called and the hash of its bytes."""

    id = UUID(primary_key=True, default=NewId())
    tenant = UUID(null=False)
    kind = Varchar(40)
    filename = Varchar(200)
    media_type = Varchar(100)
    sha256 = Bytea()
    size = Integer()
    created_at = Timestamptz(default=TimestamptzNow())


class DocumentContent(Table, tablename="infra_document_content"):
    """The bytes themselves, once per tenant and hash."""

    id = UUID(primary_key=True, default=NewId())
    tenant = UUID(null=False)
    sha256 = Bytea()
    content = Bytea()

    document_content_once = Unique([tenant, sha256])


class AuditEntry(Table, tablename="infra_audit"):
    """Who changed which row, from what to what; written by the database itself."""

    id = UUID(primary_key=True, default=NewId())
    tenant = UUID(null=True, default=None)
    at = Timestamptz(default=TimestamptzNow())
    actor = Varchar(120)
    relation = Varchar(63)
    row = UUID(null=True, default=None)
    action = Varchar(10)
    changes = JSONB(default={})


class IdempotencyRecord(Table, tablename="infra_idempotency"):
    """The first answer to a request that may be repeated."""

    id = UUID(primary_key=True, default=NewId())
    tenant = UUID(null=True, default=None)
    actor = Varchar(120)
    key = Varchar(255)
    fingerprint = Bytea()
    status = Integer(null=True, default=None)
    headers = JSONB(default={})
    body = Bytea(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())

    idempotency_key_once = Unique([tenant, actor, key])


class Counter(Table, tablename="infra_counter"):
    """The last number given in a series, per tenant."""

    id = UUID(primary_key=True, default=NewId())
    tenant = UUID(null=False)
    series = Varchar(40)
    last = BigInt(default=0)

    counter_series_once = Unique([tenant, series])
