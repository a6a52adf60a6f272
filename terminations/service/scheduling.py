"""From agreement to effect: the end is planned, may be withdrawn, and comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from uuid import UUID

import structlog

from billing.service import services
from partner_portal.infra import clock, db, outbox, settings
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.actor import SYSTEM, Actor, StaffRole
from partner_portal.kernel.errors import NotAllowed, Refused

from ..events import (
    CustomerReminded,
    ServicesEnded,
    TerminationEnded,
    TerminationExpired,
    TerminationScheduled,
    TerminationWithdrawn,
    WithdrawalAsked,
    WithdrawalDenied,
)
from ..tables import Termination, TerminationLine
from ..workflow import Action, IllegalStep, State, after
from . import steps
from .steps import NO_NOTE, Note

log = structlog.get_logger()


class WithdrawalNotAsked(Refused):
    """Nobody asked to withdraw this case, so there is nothing to consent to."""


async def schedule(actor: Actor, case: Termination, action: Action, note: Note) -> None:
    """All have agreed: each service has its end planned, and everybody will get the confirmation."""
    after(State(case.state) if case.state else None, action)
    changes = {} if case.received_on else {"received_on": clock.today()}
    await steps.take(actor, case, action, TerminationScheduled, note=note, **changes)
    for line in await _lines(case.id):
        await services.plan_end(line.service, ends_on=line.ends_on, billing_ends_on=line.billing_ends_on)


async def withdraw(actor: Actor, case: Termination, note: Note = NO_NOTE) -> bool:
    """The locked case is withdrawn (True), or, so close to the end that finance must consent, the withdrawal is asked for (False)."""
    await _must_still_run(case, Action.WITHDRAW)
    if needs_consent(case):
        after(State(case.state), Action.ASK_WITHDRAWAL)
        if case.withdrawal_asked_at is None:
            await steps.take(actor, case, Action.ASK_WITHDRAWAL, WithdrawalAsked, note=note, withdrawal_asked_at=clock.now())
        return False
    await _withdraw(actor, case, Action.WITHDRAW, note)
    return True


def needs_consent(case: Termination) -> bool:
    """Whether withdrawing it is so late that finance must consent."""
    return State(case.state) is State.SCHEDULED and clock.today() > free_until(case)


def free_until(case: Termination) -> date:
    """The last day on which the scheduled case can be withdrawn without consent."""
    last: date = case.ends_on - timedelta(days=settings.current().withdrawal_free_days)
    return last


async def answer_withdrawal(actor: Actor, case: Termination, *, allow: bool, reason: str = "") -> None:
    """Finance has answered the late withdrawal of the locked case; WithdrawalNotAsked when there is none."""
    if not actor.has_any(StaffRole.FINANCE, StaffRole.ADMINISTRATOR):
        raise NotAllowed(needs=StaffRole.FINANCE.value)
    if case.withdrawal_asked_at is None:
        raise WithdrawalNotAsked(state=case.state)
    await _must_still_run(case, Action.ALLOW_WITHDRAWAL if allow else Action.DENY_WITHDRAWAL)
    if allow:
        await _withdraw(actor, case, Action.ALLOW_WITHDRAWAL, Note(text=reason))
    else:
        await steps.take(actor, case, Action.DENY_WITHDRAWAL, WithdrawalDenied, note=Note(text=reason), withdrawal_asked_at=None)


async def _must_still_run(case: Termination, action: Action) -> None:
    # After the last service day the case has ended, also where the daily job has yet to write that down.
    if State(case.state) is State.SCHEDULED and all(line.ends_on < clock.today() for line in await _lines(case.id)):
        raise IllegalStep(State.ENDED, action)


async def _withdraw(actor: Actor, case: Termination, action: Action, note: Note) -> None:
    was_scheduled = State(case.state) is State.SCHEDULED
    await steps.take(actor, case, action, TerminationWithdrawn, note=note, withdrawal_asked_at=None)
    if was_scheduled:
        for line in await _lines(case.id):
            # A service whose last day is over has ended, whoever takes back the rest, also where the daily job has yet to write that down.
            if line.ends_on < clock.today():
                await services.end(line.service)
                await outbox.publish(ServicesEnded(tenant_id=case.tenant, termination_id=case.id))
            else:
                await services.drop_planned_end(line.service)


async def _lines(case: UUID) -> list[TerminationLine]:
    rows: list[TerminationLine] = (
        await TerminationLine.objects().where(TerminationLine.termination == case).order_by(TerminationLine.service)
    )
    return rows


async def take_effect() -> int:
    """Every scheduled service whose last day is over has ended, and every case of which all services have; returns how many cases."""
    return await _each(
        "SELECT DISTINCT t.id, t.tenant FROM termination t JOIN termination_line l ON l.termination = t.id AND l.tenant = t.tenant"
        " WHERE l.is_open AND t.state = 'scheduled' AND l.ends_on < $1",
        clock.today(),
        _end_what_is_due,
    )


async def _end_what_is_due(case: Termination) -> None:
    if State(case.state) is not State.SCHEDULED:
        return
    lines = [line for line in await _lines(case.id) if line.is_open]
    due = [line for line in lines if line.ends_on < clock.today()]
    for line in due:
        await services.end(line.service)
        await db.execute("UPDATE termination_line SET is_open = false WHERE id = $1", line.id)
    if len(due) == len(lines):
        await steps.take(SYSTEM, case, Action.TAKE_EFFECT, TerminationEnded)
    elif due:
        await outbox.publish(ServicesEnded(tenant_id=case.tenant, termination_id=case.id))


async def expire() -> int:
    """Every case whose time to answer has passed is closed; returns how many."""
    return await _each("SELECT id, tenant FROM termination WHERE waits_until <= $1", clock.now(), expire_if_due)


async def expire_if_due(case: Termination) -> None:
    """The locked case is closed if its time has passed; whoever calls may have been late."""
    if case.waits_until is not None and case.waits_until <= clock.now():
        await steps.take(SYSTEM, case, Action.EXPIRE, TerminationExpired)


async def remind() -> int:
    """Everybody who has not answered for some days is reminded, once per question; returns how many cases."""
    return await _each("SELECT id, tenant FROM termination WHERE remind_at <= $1", clock.now(), _remind)


async def _remind(case: Termination) -> None:
    if case.remind_at is not None and case.remind_at <= clock.now():
        await steps.take(SYSTEM, case, Action.REMIND, CustomerReminded, remind_at=None)


async def _each(due: str, when: date | datetime, act: Callable[[Termination], Awaitable[None]]) -> int:
    """Each due case in a unit of work of its own, behind its tenant's wall: one that fails leaves the others done."""
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:daily")):
        rows = await db.fetch(due, when)
    done = 0
    for row in rows:
        try:
            async with db.unit_of_work(Principal(Door.TENANT, row["tenant"], "system:daily")):
                await act(await Termination.find(row["id"]))
            done += 1
        except Exception as error:  # tried again at the next round; the others must not wait for it
            log.exception("daily.case_failed", termination=str(row["id"]), error=type(error).__name__)
    return done
