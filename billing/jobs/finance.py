"""Finance hears at once of what waits for a second pair of eyes, and of money that did not go back; of all else once a day."""

from __future__ import annotations

from uuid import UUID

from partner_portal.infra import mail, outbox, settings
from partner_portal.infra.brand import Brand
from partner_portal.infra.mail import Envelope
from partner_portal.kernel.events import Event

from ..events import RefundFailed, SecondPersonWanted
from ..policy.money_in import ByTwo
from ..service import finance_told
from ..service.refunds import REASONS

_PAGES = {ByTwo.CREDIT_NOTE: "/admin/credit-notes", ByTwo.REFUND: "/admin/refunds", ByTwo.WRITE_OFF: "/admin/late?show=written-off"}


@outbox.through_staff_door
async def ask_second_person(event: SecondPersonWanted) -> None:
    """Finance knows what waits for somebody else than who asked; nobody is told of what was decided meanwhile."""
    told = await finance_told.asked(event.tenant_id, ByTwo(event.what), event.about_id)
    if told.waits:
        await _tell(
            "second_person", event.about_id, _PAGES[told.what], told=told, by=event.by, limit=settings.current().four_eyes_limit_cents
        )


@outbox.through_staff_door
async def tell_of_failed_refund(event: RefundFailed) -> None:
    """Finance knows of money that did not arrive, unless somebody deals with it already."""
    told = await finance_told.failed(event.tenant_id, event.refund_id)
    if told.waits:
        await _tell("refund_failed", event.refund_id, _PAGES[ByTwo.REFUND], told=told, reasons=REASONS)


async def _tell(name: str, about: UUID, page: str, **words: object) -> None:
    current = settings.current()
    await mail.queue(
        f"{name}:{about}",
        f"billing/{name}",
        to=current.finance_email,
        language="nl",  # as all that finance gets
        brand=Brand(name=current.provider_name, email=current.finance_email),
        envelope=Envelope(about=about),
        link=f"{current.public_url}{page}",
        **words,
    )


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {SecondPersonWanted: [ask_second_person], RefundFailed: [tell_of_failed_refund]}
