"""What follows a decided reminder and a service that stopped: mails and letters; and the daily work that decides them."""

from __future__ import annotations

from partner_portal.infra import db, files, mail, outbox, pdf, templates
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.mail import Attachment, Envelope
from partner_portal.infra.queue import Daily
from partner_portal.kernel.events import Event
from partner_portal.kernel.money import Money
from tenants.service import brands

from ..events import DebtorReminded, InvoicePaid, ServiceReleased, ServiceSuspended
from ..policy.reminding import Level
from ..service import holds, issuing, late, late_rest, parties, plans, reminder_letters, reminders, suspensions
from ..service.reminder_letters import Letter

LETTER = "reminder"
"""The kind of document under which last reminders are on file."""


@outbox.through_staff_door
async def write(event: DebtorReminded) -> None:
    """The debtor has the reminder by mail, the last one also as a letter; nothing goes out that was paid or held meanwhile."""
    letter = await reminder_letters.made(event.tenant_id, event.letter_id)
    if letter is None or not letter.debtor.party.email:
        return
    attach = [Attachment(document, filename) for document, filename in letter.documents]
    if letter.said.level is Level.THIRD:
        attach = [await _on_paper(letter), *attach]
    await mail.queue(
        f"reminder:{event.letter_id}",
        reminder_letters.name_of(letter.said),
        to=letter.debtor.party.email,
        language=letter.debtor.language,
        brand=letter.brand,
        envelope=Envelope(attach=attach, about=event.letter_id),
        said=letter.said,
        link=letter.said.link,
    )


async def _on_paper(letter: Letter) -> Attachment:
    language = letter.debtor.language
    tenant = letter.debtor.tenant
    brand = await brands.for_letter(tenant) if letter.brand.logo else letter.brand
    version = templates.version("billing/pdf/reminder.html", language)
    content = await pdf.render("billing/reminder", language=language, **reminder_letters.letter_words(letter, brand, version))
    filename = f"{letter.said.first.number}-{letter.said.sent_on.isoformat()}.pdf"
    document = await files.store(LETTER, filename, content, "application/pdf")
    return Attachment(document.id, filename)


@outbox.through_staff_door
async def tell_of_stop(event: ServiceSuspended) -> None:
    """The customer and its partner learn which services stopped, for which invoice, and that they work again once it is paid."""
    await _tell("service_suspended", event)


@outbox.through_staff_door
async def tell_of_start(event: ServiceReleased) -> None:
    """The customer and its partner learn that the services work again."""
    await _tell("service_released", event)


async def _tell(name: str, event: ServiceSuspended | ServiceReleased) -> None:
    await issuing.must_be_of(event.tenant_id, event.invoice_id)
    told = await suspensions.told(event.service_id, event.invoice_id, event.nth)
    brand = await brands.of_tenant(event.tenant_id)
    debtor = await parties.debtor(event.tenant_id, told.customer, told.on)
    # What stopped is paid where nobody has to sign in; a partner sees it among what its customers owe.
    pays = (
        await reminder_letters.pay_at([event.invoice_id], told.customer)
        if name == "service_suspended"
        else reminder_letters.open_at(told.customer)
    )
    readers = {"customer": (debtor.party.email, debtor.language), "partner": (brand.email, told.partner_language)}
    for reader, (address, language) in readers.items():
        if address:
            await mail.queue(
                f"{name}:{event.invoice_id}:{told.on}:{event.nth}:{reader}",
                f"billing/{name}",
                to=address,
                language=language,
                brand=brand,
                envelope=Envelope(about=event.invoice_id),
                reader=reader,
                customer=debtor.party.name,
                services=told.services,
                day=told.on,
                number=told.number,
                open=Money(told.open_cents),
                link=pays if reader == "customer" else reminder_letters.open_at(None),
            )


@outbox.through_staff_door
async def release(event: InvoicePaid) -> None:
    """What had stopped for the invoice works again at once."""
    await issuing.must_be_of(event.tenant_id, event.invoice_id)
    await suspensions.release(event.invoice_id)


async def send_reminders() -> None:
    """Everything due today is decided; mails follow."""
    await reminders.run()


async def charge_late() -> None:
    """Interest and costs are charged where the last letter's term is over, and what ran on of what was paid; their documents are mailed as every other."""
    await late.run()
    await late_rest.run()


async def stop_services() -> None:
    """Services whose day has come stop, those without a cause work again."""
    await suspensions.run()


async def watch_plans() -> None:
    """Plans are kept or broken."""
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:plans")):
        await plans.watch()


async def hear_refusals() -> None:
    """What no mail server would take stops the reminders of its invoices."""
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:refusals")):
        await holds.hear_refusals([(one.about, one.at) for one in await mail.not_taken(_MAILS)])


_MAILS = (
    "billing/invoice",
    "billing/payment_note",
    "billing/reminder_1",
    "billing/reminder_2",
    "billing/fourteen_day_letter_consumer",
    "billing/final_notice_business",
)
ON_EVENT: dict[type[Event], list[outbox.Handler]] = {
    DebtorReminded: [write],
    ServiceSuspended: [tell_of_stop],
    ServiceReleased: [tell_of_start],
    InvoicePaid: [release],
}
DAILY: list[Daily] = [hear_refusals, watch_plans, send_reminders, charge_late, stop_services]
