"""What happened to a case, as others may rely on it: named after the state it is in now (termination.scheduled, ...); and to notices."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from partner_portal.kernel.events import Event


class CaseEvent(Event, frozen=True, kw_only=True):
    """A step of a case; `nth` is the step's number, so that each event happens once."""

    termination_id: UUID
    nth: int


class CaseMoved(CaseEvent, frozen=True, kw_only=True):
    """The case came to another state by this step, whichever it was; beside the event that says what happened."""


class CustomerAsked(CaseEvent, frozen=True, kw_only=True):
    """The customer is to confirm: a new case, a buyout the partner accepted, or a link sent again."""


class CustomerReminded(CaseEvent, frozen=True, kw_only=True):
    """The customer (or whoever pays a proposed buyout) has not answered for some days."""


class NotMeReported(CaseEvent, frozen=True, kw_only=True):
    """Whoever got the link says to be the wrong person."""


class BuyoutRequested(CaseEvent, frozen=True, kw_only=True):
    """Finance is to decide on a buyout."""


class SecondAgreementNeeded(CaseEvent, frozen=True, kw_only=True):
    """One person of finance agreed; above the limit a second one must."""


class BuyoutProposed(CaseEvent, frozen=True, kw_only=True):
    """Whoever pays is to accept a sum."""


class BuyoutCountered(CaseEvent, frozen=True, kw_only=True):
    """Whoever pays answered with a sum of their own."""


class TerminationRefused(CaseEvent, frozen=True, kw_only=True):
    """The customer, the payer or finance said no."""


class TerminationExpired(CaseEvent, frozen=True, kw_only=True):
    """Nobody answered in time, or the date could no longer be kept."""


class TerminationScheduled(CaseEvent, frozen=True, kw_only=True):
    """All agreed: the services end on their last days."""


class WithdrawalAsked(CaseEvent, frozen=True, kw_only=True):
    """A withdrawal so late that finance must consent."""


class WithdrawalDenied(CaseEvent, frozen=True, kw_only=True):
    """Finance did not consent to a late withdrawal: the end stands."""


class TerminationWithdrawn(CaseEvent, frozen=True, kw_only=True):
    """The services go on."""


class TerminationEnded(CaseEvent, frozen=True, kw_only=True):
    """The last service of the case has ended."""


class ServicesEnded(Event, frozen=True, kw_only=True):
    """Some services of a case have ended while others of it still run, or go on."""

    termination_id: UUID


class RequestLetterWanted(Event, frozen=True, kw_only=True):
    """Whoever was asked wants the question as a letter, in this language."""

    link_id: UUID
    language: str


class FilingLetterWanted(Event, frozen=True, kw_only=True):
    """Whoever filed a case wants on paper what was asked, in this language."""

    termination_id: UUID
    language: str


class CodeNeeded(CaseEvent, frozen=True, kw_only=True):
    """So much money is at stake that the customer must type a code; `nth` counts the codes of the link."""

    link_id: UUID


class NoticeEvent(Event, frozen=True, kw_only=True):
    """A step of a notice that came in by a public page."""

    notice_id: UUID


class NoticeReceived(NoticeEvent, frozen=True, kw_only=True):
    """Somebody gave notice: it is to be confirmed, and its contract to be found."""


class NoticeUnplaced(NoticeEvent, frozen=True, kw_only=True):
    """Nothing of the partner's matches; it may belong to another's."""


class NoticeArrived(NoticeEvent, frozen=True, kw_only=True):
    """A notice given at another partner's page belongs here."""


class NoticeNeedsPerson(NoticeEvent, frozen=True, kw_only=True):
    """A person has to look at the notice, by a day."""

    why: str
    look_by: date


class NoticeOverdue(NoticeEvent, frozen=True, kw_only=True):
    """Nobody has looked in time."""

    look_by: date


class NoticeFiled(NoticeEvent, frozen=True, kw_only=True):
    """A case stands for the notice."""

    termination_id: UUID


class NoticeSettled(NoticeEvent, frozen=True, kw_only=True):
    """The customer itself said whether the notice is its own; the sender is to hear what came of it."""


class NoticeAnswered(NoticeEvent, frozen=True, kw_only=True):
    """The sender is to get an answer."""


class BulkConfirmed(Event, frozen=True, kw_only=True):
    """Somebody confirmed that many services are to end; `part` tells the parts of the round apart in which they are filed."""

    round_id: UUID
    part: int


class DigestDue(Event, frozen=True, kw_only=True):
    """A member is to hear which notices are due in the week that begins on `monday`."""

    member_id: UUID
    monday: date
