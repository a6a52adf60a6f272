"""What follows a step of a case: mails to everybody concerned, and the confirmation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from billing.policy.ledger import Layer
from partner_portal.infra import db, files, mail, outbox, pdf, settings, tokens
from partner_portal.infra.mail import Attachment, Envelope
from partner_portal.kernel.events import Event

from ..events import (
    BuyoutCountered,
    BuyoutProposed,
    BuyoutRequested,
    CaseEvent,
    CodeNeeded,
    CustomerAsked,
    CustomerReminded,
    NotMeReported,
    RequestLetterWanted,
    SecondAgreementNeeded,
    TerminationEnded,
    TerminationExpired,
    TerminationRefused,
    TerminationScheduled,
    TerminationWithdrawn,
    WithdrawalAsked,
    WithdrawalDenied,
)
from ..policy.waiting import last_day
from ..service import asking, buyouts, cases, decisions, earlier, letters, links, proof
from ..service.letters import Adjustment, Dossier, Person
from ..service.links import Purpose
from ..service.sending import NobodyToAsk
from ..tables import DecisionLink, Termination
from ..workflow import Action, State

_EVERYBODY = ("customer", "partner", "provider")


async def ask_customer(event: CustomerAsked) -> None:
    """The customer's main contact gets the link by which it says yes or no."""
    case = await Termination.find(event.termination_id)
    if State(case.state) not in {State.WAITING_FOR_CUSTOMER, State.ACCEPTED} or case.waits_until is None:
        return
    told = await letters.dossier(case)
    link = await _link(told, Purpose.CONSENT, case.waits_until)
    if told.by_notice:
        await _send(event, told, "notice_verify", "customer", earlier=earlier.offered(told), **_asking(told, link))
    else:
        await _send(event, told, "approval_requested", "customer", **_asking(told, link))


async def propose_buyout(event: BuyoutProposed) -> None:
    """Whoever pays gets the sum, how it is made up, and until when it can be accepted."""
    case = await Termination.find(event.termination_id)
    if State(case.state) is not State.PROPOSED or case.waits_until is None:
        return
    told = await letters.dossier(case)
    if told.customer_pays:
        await _propose(event, told, "customer", await _link(told, Purpose.BUYOUT, case.waits_until))
    else:
        await _propose(event, told, "partner", _case_address(case))


async def _link(told: Dossier, purpose: Purpose, expires_at: datetime) -> str:
    # Checked before the case could come here; should the contact be gone since, staff finds this job among the dead letters.
    if told.contact is None:
        raise NobodyToAsk(customer=told.customer_name)
    link = await links.make(told.case, purpose, recipient=told.contact.email, recipient_name=told.contact.name, expires_at=expires_at)
    return link.address


async def _propose(event: CaseEvent, told: Dossier, reader: str, address: str) -> None:
    bill = letters.sheet(told, _person(told, reader).language, only=cases.EXTRA_COSTS)
    words: dict[str, Any] = {
        "sheet": bill,
        "amount": bill.total,
        "final": letters.amount_for(told, reader),
        "has_buyout": letters.has_buyout(told),
    }
    words["adjustment"] = await letters.adjustment(told)
    await _send(event, told, "buyout_proposed", reader, link=address, valid_until=last_day(told.case.waits_until), **words)


async def remind(event: CustomerReminded) -> None:
    """Whoever has not answered is asked once more: a customer by the same link."""
    case = await Termination.find(event.termination_id)
    if State(case.state) not in {State.WAITING_FOR_CUSTOMER, State.PROPOSED, State.ACCEPTED}:
        return
    told = await letters.dossier(case)
    if State(case.state) is State.PROPOSED and not told.customer_pays:
        await _propose(event, told, "partner", _case_address(case))
        return
    link = await decisions.newest_open(case.id)
    if link is None:
        return
    address = links.address(link.id)
    if link.purpose == Purpose.CONSENT:
        await _send(event, told, "approval_reminder", "customer", **_asking(told, address))
    else:
        await _propose(event, told, "customer", address)


async def send_code(event: CodeNeeded) -> None:
    """The contact gets the code in a mail of its own, without any link."""
    told = await letters.dossier(await Termination.get(event.termination_id))
    link: DecisionLink | None = await DecisionLink.objects().where(DecisionLink.id == event.link_id).first()
    if link is None or link.code_expires_at is None:
        return
    person = Person(link.recipient_name, link.recipient, _person(told, "customer").language)
    words: dict[str, Any] = {
        "code": tokens.placeholder("code", link.id, event.nth),
        "valid_until": link.code_expires_at,
        "reader": "customer",
    }
    await _send_to(event, told, "approval_code", person, envelope=Envelope(about=event.termination_id), **words)


async def alert_finance(event: BuyoutRequested) -> None:
    """Finance learns that a buyout waits, with the computed sum."""
    told = await letters.dossier(await Termination.get(event.termination_id))
    needs_two = buyouts.needs_two(told.case, told.case.computed_cents)
    bill = letters.sheet(told, letters.provider().language, only=cases.EXTRA_COSTS)
    words: dict[str, Any] = {"payer": letters.payer_name(told), "needs_two": needs_two, "by_customer": told.by_customer or told.by_notice}
    await _send(event, told, "buyout_requested", "provider", sheet=bill, **words, **_work(told.case))


async def tell_asked(event: BuyoutRequested) -> None:
    """A customer that itself asks to leave early has it in writing, and its partner hears of it."""
    told = await letters.dossier(await Termination.get(event.termination_id))
    if told.by_customer:
        for reader in ("customer", "partner"):
            await _send(event, told, "early_end_asked", reader, customer_pays=told.customer_pays)


async def ask_second(event: SecondAgreementNeeded) -> None:
    """Finance learns that a second person must agree."""
    told = await letters.dossier(await Termination.get(event.termination_id))
    first = await db.fetch_one(
        "SELECT amount_cents, decided_by_label, reason FROM termination_buyout_decision"
        " WHERE termination = $1 AND NOT is_final ORDER BY decided_at DESC LIMIT 1",
        event.termination_id,
    )
    if first is None:
        return
    computed = letters.buyout_sum(told, told.case.computed_cents)
    await _send(
        event,
        told,
        "four_eyes_needed",
        "provider",
        amount=letters.buyout_sum(told, first["amount_cents"]),
        limit=letters.buyout_sum(told, settings.current().four_eyes_limit_cents),
        first_decider=first["decided_by_label"],
        adjustment=Adjustment(computed, first["reason"]) if first["amount_cents"] != told.case.computed_cents else None,
        **_work(told.case),
    )


async def tell_counter(event: BuyoutCountered) -> None:
    """Finance learns of the counter-proposal."""
    told = await letters.dossier(await Termination.get(event.termination_id))
    step = await _step(event)
    offered, proposed = (letters.buyout_sum(told, step["facts"][name]) for name in ("amount_cents", "proposed_cents"))
    await _send(
        event,
        told,
        "buyout_countered",
        "provider",
        offered=offered,
        proposed=proposed,
        note=step["note"] or None,
        decided_by=step["actor_label"],
        **_work(told.case),
    )


async def tell_refused(event: TerminationRefused) -> None:
    """Those who did not refuse learn who did, and why."""
    case = await Termination.get(event.termination_id)
    told, step = await letters.dossier(case), await _step(event)
    free_end = max(service.first_possible_end for service in told.previews[Layer.CUSTOMER].services)
    if step["action"] == Action.DECLINE_BUYOUT:
        was_proposed = any(earlier["action"] == Action.PROPOSE for earlier in await cases.history(case.id))
        for reader in ("partner", "customer") if told.by_customer or (told.customer_pays and was_proposed) else ("partner",):
            reason = step["note"] if reader == "partner" or told.customer_pays else ""
            await _send(event, told, "buyout_refused_by_finance", reader, reason=reason, first_free_end=free_end)
        return
    if told.by_customer and not told.customer_pays:  # why not is between its partner and the provider; that it asked in vain is not
        await _send(event, told, "buyout_refused_by_finance", "customer", reason="", first_free_end=free_end)
    words: dict[str, Any] = {"decided_by": step["actor_label"], "decided_at": step["at"]}
    for reader in ("partner", "provider"):
        if step["action"] == Action.REFUSE_BUYOUT:
            amount = letters.buyout_sum(told, case.agreed_cents or 0)
            await _send(event, told, "buyout_refused_by_payer", reader, amount=amount, note=step["note"] or None, **words)
        elif reader == "partner" or case.is_buyout:
            await _send(event, told, "case_refused", reader, reason=step["note"] or None, **words)


async def tell_not_me(event: NotMeReported) -> None:
    """The partner learns that somebody else must be asked."""
    case = await Termination.get(event.termination_id)
    told, step = await letters.dossier(case), await _step(event)
    sent_to = await db.fetch_one("SELECT recipient FROM termination_decision_link WHERE 'customer:' || id = $1", step["actor"])
    for reader in ("partner", "provider"):
        words: dict[str, Any] = {
            "sent_to": letters.masked(sent_to["recipient"] if sent_to else ""),
            "reported_at": step["at"],
        }
        await _send(event, told, "not_me_reported", reader, **words)


async def tell_expired(event: TerminationExpired) -> None:
    """Everybody who was asked learns that nothing ends."""
    told = await letters.dossier(await Termination.get(event.termination_id))
    *_, last, expiry = history = await cases.history(event.termination_id)
    by_finance = State(last["state"]) in {State.WAITING_FOR_FINANCE, State.COUNTERED}
    by_partner = State(last["state"]) is State.PROPOSED and not told.customer_pays
    silent = "provider" if by_finance else "partner" if by_partner else "customer"
    names = {"customer": told.customer_name, "partner": told.partner_name, "provider": settings.current().provider_name}
    was_asked = told.by_customer or (told.customer_pays and any(step["action"] == Action.PROPOSE for step in history))
    for reader in _EVERYBODY if told.case.is_buyout else _EVERYBODY[:2]:
        if reader != "customer" or silent == "customer" or was_asked:
            await _send(event, told, "case_expired", reader, silent=silent, who=names[silent], lapsed_at=expiry["at"])


async def confirm(event: TerminationScheduled) -> None:
    """Customer, partner and provider each get the same confirmation, stored before it is sent."""
    case = await Termination.find(event.termination_id)
    if State(case.state) not in {State.SCHEDULED, State.ENDED}:  # withdrawn before this could be sent
        return
    told = await letters.dossier(case)
    language = _person(told, "customer").language
    content = await pdf.render("terminations/confirmation", language=language, **await proof.words(told, language))
    document = await files.store("confirmation", f"{case.number}.pdf", content, "application/pdf")
    await db.execute("UPDATE termination SET document = $2, version = version + 1 WHERE id = $1", case.id, document.id)
    for reader in _EVERYBODY:
        person = _person(told, reader)
        words: dict[str, Any] = {
            "attach": [Attachment(document.id, document.filename)],
            "amount": letters.amount_for(told, reader),
            "content": letters.asked_content(told, person.language),
            "after": letters.afterwards(told),
            "withdraw_until": letters.withdraw_until(told),
        }
        await _send(event, told, "scheduled", reader, **words)
        if reader == "customer" and told.main_contact and told.main_contact != told.contact:
            await _send(event, told, "scheduled", reader, copy_to=told.main_contact, **words)


async def write_request(event: RequestLetterWanted) -> None:
    """What a link asks is on file as a letter, made once for each text."""
    link: DecisionLink = await DecisionLink.get(event.link_id)
    told = await letters.dossier(await Termination.get(link.termination))
    version = asking.version(await asking.record(told, link, event.language))
    name = asking.filename(told, version)
    if await files.named(asking.LETTER, name) is None:
        words = await asking.letter_words(told, link, event.language, text_version=version)
        await files.store(
            asking.LETTER, name, await pdf.render("terminations/request", language=event.language, **words), "application/pdf"
        )


async def ask_withdrawal(event: WithdrawalAsked) -> None:
    """Finance learns that a late withdrawal waits for its consent."""
    told, step = await letters.dossier(await Termination.get(event.termination_id)), await _step(event)
    await _send(event, told, "withdrawal_asked", "provider", asked_by=step["actor_label"], reason=step["note"] or None, **_work(told.case))


async def tell_withdrawn(event: TerminationWithdrawn) -> None:
    """Everybody learns that the services go on; the customer always."""
    told, step = await letters.dossier(await Termination.get(event.termination_id)), await _step(event)
    over = {row["number"] for row in told.rows if row["ended_at"] is not None}
    for reader in _EVERYBODY:
        lines = letters.line_words(told, _person(told, reader).language)
        words: dict[str, Any] = {
            "lines": [line for line in lines if line.reference not in over],
            "ended": [line.service for line in lines if line.reference in over],
        }
        await _send(event, told, "withdrawn", reader, decided_by=step["actor_label"], decided_at=step["at"], **words)


async def tell_denied(event: WithdrawalDenied) -> None:
    """The partner learns that the end stands after all."""
    told, step = await letters.dossier(await Termination.get(event.termination_id)), await _step(event)
    await _send(event, told, "withdrawal_denied", "partner", reason=step["note"] or None)


async def tell_ended(event: TerminationEnded) -> None:
    """Everybody learns that the services have ended."""
    told = await letters.dossier(await Termination.get(event.termination_id))
    for reader in _EVERYBODY:
        await _send(event, told, "ended", reader, after=letters.afterwards(told))


def _asking(told: Dossier, link: str) -> dict[str, Any]:
    return {
        "amount": letters.amount_for(told, "customer"),
        "has_buyout": letters.has_buyout(told),
        "link": link,
        "valid_until": last_day(told.case.waits_until),
    }


async def _send(
    event: CaseEvent, told: Dossier, name: str, to: str, *, attach: Sequence[Attachment] = (), copy_to: Person | None = None, **words: Any
) -> None:
    """The mail `name` goes to the reader `to`, in the face of whom it comes from, answered at a desk that knows the case."""
    person = copy_to or _person(told, to)
    if person.email:
        answers = told.partner.email if to == "provider" else ""
        envelope = Envelope(attach=attach, about=event.termination_id, reply_to=answers)
        usual = {"reader": to, "link": await _address_for(to, told)}
        await _send_to(event, told, name, person, envelope=envelope, is_copy=copy_to is not None, **(usual | words))


async def _send_to(
    event: CaseEvent, told: Dossier, name: str, person: Person, *, envelope: Envelope, is_copy: bool = False, **words: Any
) -> None:
    reader = words["reader"]
    # Codes are counted for each link, everything else by the steps of the case.
    of = event.link_id if isinstance(event, CodeNeeded) else event.termination_id
    await mail.queue(
        f"{of}:{event.nth}:{name}:{reader}{':copy' if is_copy else ''}",
        f"terminations/{name}",
        to=person.email,
        language=person.language,
        # A customer is its partner's; the partner and finance are the provider's.
        brand=told.brand if reader == "customer" else letters.provider_brand(),
        envelope=envelope,
        case=letters.case_words(told),
        **({"lines": letters.line_words(told, person.language)} | words),
    )


def _person(told: Dossier, reader: str) -> Person:
    if reader == "customer":
        return told.contact or Person("", "", "nl")
    return told.partner if reader == "partner" else letters.provider()


async def _step(event: CaseEvent) -> dict[str, Any]:
    row = next(row for row in await cases.history(event.termination_id) if row["nth"] == event.nth)
    return dict(row) | {"facts": msgspec.json.decode(row["facts"])}


async def _address_for(reader: str, told: Dossier) -> str | None:
    """Where the reader finds how the case stands: a customer behind the link it answered by, or signed in as it filed. None where it finds it nowhere."""
    if reader == "customer":
        return await links.answered(told.case.id) or (_own_address(told.case) if told.by_customer else None)
    return _case_address(told.case) if reader == "partner" else None


def _own_address(case: Termination) -> str:
    return f"{settings.current().public_url}/portal/own/terminations/{case.id}"


def _case_address(case: Termination) -> str:
    return f"{settings.current().public_url}/portal/terminations/{case.id}"


def _work(case: Termination) -> dict[str, Any]:
    """Where finance decides, and until when it can."""
    until = last_day(case.waits_until) if case.waits_until is not None else case.ends_on
    return {"link": f"{settings.current().public_url}/admin/work-list", "valid_until": until}


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {
    CustomerAsked: [ask_customer],
    CustomerReminded: [remind],
    CodeNeeded: [send_code],
    RequestLetterWanted: [write_request],
    NotMeReported: [tell_not_me],
    BuyoutRequested: [alert_finance, tell_asked],
    SecondAgreementNeeded: [ask_second],
    BuyoutProposed: [propose_buyout],
    BuyoutCountered: [tell_counter],
    TerminationRefused: [tell_refused],
    TerminationExpired: [tell_expired],
    TerminationScheduled: [confirm],
    WithdrawalAsked: [ask_withdrawal],
    WithdrawalDenied: [tell_denied],
    TerminationWithdrawn: [tell_withdrawn],
    TerminationEnded: [tell_ended],
}
