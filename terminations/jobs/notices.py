"""What follows a notice from the public: confirmed at once, placed, verified, and looked at by a person in time."""

from __future__ import annotations

from typing import Any

from partner_portal.infra import clock, db, files, mail, outbox, pdf, settings, templates
from partner_portal.infra.brand import Brand
from partner_portal.infra.mail import Attachment, Envelope
from partner_portal.kernel.events import Event
from tenants.service import brands

from ..events import (
    NoticeAnswered,
    NoticeArrived,
    NoticeFiled,
    NoticeNeedsPerson,
    NoticeOverdue,
    NoticeReceived,
    NoticeSettled,
    NoticeUnplaced,
    TerminationExpired,
    TerminationRefused,
    TerminationScheduled,
    TerminationWithdrawn,
)
from ..policy.notices import NoticeState
from ..service import letters, notices, placing
from ..service.letters import Person
from ..tables import ReceivedNotice, Termination


async def confirm(event: NoticeReceived) -> None:
    """Whoever gave notice has all of it in a letter, with day and time; one mail for one notice, in which stands nothing that was typed."""
    notice = await ReceivedNotice.get(event.notice_id)
    brand = await brands.of_tenant(notice.tenant)
    content = await pdf.render("terminations/notice", language=notice.language, **_letter(notice, await brands.for_letter(notice.tenant)))
    document = await files.store("notice", f"{notice.number}.pdf", content, "application/pdf")
    await db.execute("UPDATE received_notice SET receipt = $2 WHERE id = $1", notice.id, document.id)
    if notice.is_confirmed:
        await _to_sender(notice, brand, "notice_received", Envelope(about=notice.id, attach=[Attachment(document.id, document.filename)]))


def _letter(notice: ReceivedNotice, brand: Brand) -> dict[str, Any]:
    return {
        "brand": brand,
        "provider": settings.current().provider_name,
        "recipient": [notice.name],
        "issued_at": notice.received_at,
        "number": notice.number,
        "notice": notice,
        "version": templates.version("terminations/pdf/notice.html", notice.language),
    }


async def place(event: NoticeReceived) -> None:
    """The notice stands as a case, or waits for a person."""
    await placing.place(event.notice_id)


async def place_arrived(event: NoticeArrived) -> None:
    """The same for one that was given at another partner's page; it was confirmed there."""
    await placing.place(event.notice_id)


@outbox.through_staff_door
async def look_elsewhere(event: NoticeUnplaced) -> None:
    """What matches nothing of this partner's may be a customer's of another."""
    await placing.look_elsewhere(event.tenant_id, event.notice_id)


async def tell_of_open(event: NoticeNeedsPerson) -> None:
    """The partner learns that a notice waits for a person, why, and until when."""
    notice = await ReceivedNotice.get(event.notice_id)
    if NoticeState(notice.state) is NoticeState.OPEN:
        await _to_partner(notice, f"open:{event.why}:{event.look_by}", standing="open")


async def tell_of_filed(event: NoticeFiled) -> None:
    """The partner learns that a case stands for a notice, and that its customer is asked to verify it."""
    notice, case = await ReceivedNotice.get(event.notice_id), await Termination.get(event.termination_id)
    await _to_partner(notice, f"filed:{case.id}", standing="filed", case_number=case.number)


async def tell_of_overdue(event: NoticeOverdue) -> None:
    """Nobody looked in time: the partner is told once more, and so is the provider, whose service it is."""
    notice = await ReceivedNotice.get(event.notice_id)
    if NoticeState(notice.state) is not NoticeState.OPEN:
        return
    await _to_partner(notice, f"overdue:{event.look_by}", standing="overdue")
    await _to_provider(notice, f"overdue:{event.look_by}", standing="overdue")


async def answer(event: NoticeAnswered) -> None:
    """The sender gets the answer of whoever looked."""
    notice = await ReceivedNotice.get(event.notice_id)
    brand = await brands.of_tenant(notice.tenant)
    await _to_sender(
        notice, brand, "notice_answered", Envelope(about=notice.id), key=f":{notice.answered_at.isoformat()}", answer=notice.answer
    )


async def tell_outcome(event: NoticeSettled) -> None:
    """The sender hears whether the notice could be verified; who the customer is and what ends stands in the customer's own mail."""
    notice = await ReceivedNotice.get(event.notice_id)
    if notice.is_confirmed and not await _is_told_as_customer(notice):
        brand = await brands.of_tenant(notice.tenant)
        verified = NoticeState(notice.state) is NoticeState.CARRIED_OUT
        await _to_sender(notice, brand, "notice_settled", Envelope(about=notice.id), verified=verified)


async def _is_told_as_customer(notice: ReceivedNotice) -> bool:
    """Whether the sender's address is the one on file, which gets the case's own mails."""
    told = await letters.dossier(await Termination.get(notice.termination))
    return told.contact is not None and told.contact.email.casefold() == notice.email.casefold()


async def carry_out(event: TerminationScheduled) -> None:
    """The notice behind a case that all agreed to is carried out."""
    await placing.case_is_over(event.termination_id)


async def hear_refusal(event: TerminationRefused) -> None:
    """The notice behind a case that was refused is answered, or back with a person."""
    await placing.case_is_over(event.termination_id)


async def take_up_again(event: TerminationExpired) -> None:
    """The notice behind a case that nobody verified is back with a person: what was received never just lapses."""
    await placing.case_is_over(event.termination_id)


async def take_back(event: TerminationWithdrawn) -> None:
    """The notice behind a case that the partner took back before it was verified is back with a person."""
    await placing.case_is_over(event.termination_id)


async def watch() -> None:
    """What nobody looked at in time is brought to somebody's mind."""
    await placing.watch()


async def _to_sender(notice: ReceivedNotice, brand: Brand, name: str, envelope: Envelope, *, key: str = "", **words: Any) -> None:
    if notices.can_be_written_to(notice.email):
        await mail.queue(
            f"{notice.id}:{name}{key}",
            f"terminations/{name}",
            to=notice.email,
            language=notice.language,
            brand=brand,
            envelope=envelope,
            notice=notice,
            **words,
        )


async def _to_partner(notice: ReceivedNotice, key: str, **words: Any) -> None:
    row = await db.fetch_one("SELECT name, email, language FROM tenant WHERE id = $1", notice.tenant)
    if row is not None:
        address = f"{settings.current().public_url}/portal/notices/{notice.id}"
        await _to_desk(notice, Person(row["name"], row["email"], row["language"]), f"{key}:partner", link=address, **words)


async def _to_provider(notice: ReceivedNotice, key: str, **words: Any) -> None:
    await _to_desk(notice, letters.provider(), f"{key}:provider", link=f"{settings.current().public_url}/admin/notices", **words)


async def _to_desk(notice: ReceivedNotice, desk: Person, key: str, **words: Any) -> None:
    await mail.queue(
        f"{notice.id}:notice_to_look_at:{key}",
        "terminations/notice_to_look_at",
        to=desk.email,
        language=desk.language,
        brand=letters.provider_brand(),
        envelope=Envelope(about=notice.id),
        **({"notice": notice, "today": clock.today(), "case_number": ""} | words),
    )


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {
    NoticeReceived: [confirm, place],
    NoticeArrived: [place_arrived],
    NoticeUnplaced: [look_elsewhere],
    NoticeNeedsPerson: [tell_of_open],
    NoticeFiled: [tell_of_filed],
    NoticeOverdue: [tell_of_overdue],
    NoticeAnswered: [answer],
    NoticeSettled: [tell_outcome],
    TerminationScheduled: [carry_out],
    TerminationRefused: [hear_refusal],
    TerminationExpired: [take_up_again],
    TerminationWithdrawn: [take_back],
}
DAILY = [watch]
