"""Webhooks leave for their receivers, and owners hear when an endpoint was switched off."""

from __future__ import annotations

import time
from datetime import timedelta
from urllib.parse import urlsplit

from partner_portal.infra import clock, db, mail, outbox, outgoing, settings
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.mail import Envelope
from partner_portal.kernel.events import Event

from .. import workflow
from ..events import WebhookDue, WebhookSwitchedOff
from ..service import brands
from ..service.webhooks import deliveries, endpoints, signing
from ..service.webhooks.deliveries import Due
from ..tables import WebhookEndpoint
from ..workflow import Outcome

_EXCERPT = 1000
_AGENT = "Partner-Portal-Webhooks/1"


async def send(event: WebhookDue) -> None:
    """The attempt was made and what came of it is on record, unless it is settled already."""
    due = await deliveries.due(event.delivery_id, event.nth)
    if due is not None:
        await deliveries.record(due, await _ask(due))


async def _ask(due: Due) -> Outcome:
    current = settings.current()
    # By the machine's own clock, whatever the demo's says: receivers compare it with theirs, to tell old messages from new ones.
    signed = signing.headers(due.message, due.body, int(time.time()), due.secrets)
    began = time.monotonic()
    try:
        answer = await outgoing.post(
            outgoing.target(due.url),
            due.body.encode(),
            {"content-type": "application/json", "user-agent": _AGENT, **signed},
            within=min(current.webhook_seconds, current.job_lease_seconds / 2),
        )
    except (outgoing.NotReached, outgoing.UnfitAddress) as problem:
        return Outcome(why=problem.why.value, ms=_ms(began))
    return Outcome(
        status=answer.status,
        ms=_ms(began),
        excerpt=_readable(answer.body),
        retry_after=workflow.asked_pause(answer.status, answer.retry_after, clock.now()),
    )


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _readable(body: bytes) -> str:
    """The beginning of an answer in letters that a page and the database can hold."""
    text = body.decode(errors="replace")
    return "".join(letter if letter.isprintable() or letter in "\n\t" else " " for letter in text)[:_EXCERPT].strip()


async def tell_owners(event: WebhookSwitchedOff) -> None:
    """Every owner knows that the endpoint gets nothing any more, why, and where to switch it on again."""
    endpoint = await WebhookEndpoint.get(event.endpoint_id)
    # Switched on again, or taken away, before this could be sent.
    if endpoint.removed_at is not None or endpoint.off_since != event.off_since:
        return
    brand = await brands.of_tenant(event.tenant_id)
    for owner in await endpoints.owners():
        await mail.queue(
            f"webhook-off:{endpoint.id}:{event.off_since.isoformat()}:{owner['id']}",
            "tenants/webhook_switched_off",
            to=owner["email"],
            language=owner["language"],
            brand=brand,
            envelope=Envelope(about=endpoint.id),
            host=urlsplit(endpoint.url).hostname,  # the path may hold a secret of the receiver's
            description=endpoint.description,
            because=endpoint.off_because,
            failing_since=endpoint.failing_since,
            link=f"{settings.current().public_url}/portal/settings/webhooks/{endpoint.id}",
        )


async def forget_old() -> None:
    """What was sent long ago is forgotten with what came back."""
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:daily")):
        await deliveries.purge(clock.now() - timedelta(days=settings.current().webhook_log_days))


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {WebhookDue: [send], WebhookSwitchedOff: [tell_owners]}
DAILY = [forget_old]
