"""Pauses: days of a service that are not billed, agreed beforehand."""

from __future__ import annotations

from piccolo.columns import Boolean, Date, ForeignKey, OnDelete, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check
from piccolo.table import Table

from tenants.tables import OwnedByTenant

from .agreed import Service


class Pause(OwnedByTenant, Table, tablename="billing_pause"):
    """From `pauses_from` until the day before `resumes_on` the service costs nothing; only taken back before it begins, never changed."""

    service = ForeignKey(Service, null=False, on_delete=OnDelete.restrict)
    pauses_from = Date()
    resumes_on = Date(help_text="De eerste dag die weer wordt gefactureerd")
    extends_term = Boolean(help_text="De minimale looptijd schuift op met de gepauzeerde dagen")
    reason = Text()
    decided_by = Varchar(120)
    decided_by_label = Varchar(200)
    decided_at = Timestamptz(default=TimestamptzNow())
    taken_back_at = Timestamptz(null=True, default=None)
    taken_back_by = Varchar(120, null=True, default=None)

    billing_pause_days = Check("resumes_on > pauses_from")
