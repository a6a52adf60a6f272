"""Terminations in each state, by whoever brings them there; drafts, notices of strangers, and a round of many."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.actor import Actor, ActorKind, StaffRole
from partner_portal.kernel.dates import add_months
from terminations.jobs import daily
from terminations.service import buyouts, deadline_keeping
from terminations.service.buyouts import Decision

from ..pressing import pressed
from .stage import STAFF, SceneFailed, Stage

FINANCE = Actor(kind=ActorKind.STAFF, id="1", roles=frozenset({StaffRole.FINANCE.value}), label="Fien Financiën", channel="admin")

_PASSED = timedelta(days=36)
_MOST_STEPS = 12
_LINK = "SELECT id FROM termination_decision_link WHERE termination = $1 ORDER BY replaced_at IS NULL DESC, created_at DESC LIMIT 1"


async def reach(stage: Stage) -> None:
    """A case in each state, called by its state; weeks pass meanwhile."""
    for what in ("too_late", "ended"):
        await _file(stage, what)
    await _press(stage, "ended", "approve")
    clock.move(_PASSED)
    for work in daily.DAILY:
        await work()
    await _keep_deadlines(stage)
    await outbox.drain()
    for what in ("waiting", "answered", "refused", "withdrawn"):
        await _file(stage, what)
    await _press(stage, "answered", "approve")
    await _press(stage, "refused", "refuse", reason="Wij blijven toch")
    await stage.change(f"/api/v1/terminations/{stage.things['withdrawn_case']}/withdrawal", {"note": "Klant blijft"})
    await _buyouts(stage)


async def _buyouts(stage: Stage) -> None:
    wished_on = add_months(clock.today(), 3).isoformat()
    for what in ("proposal", "at_finance", "countered", "declined", "long"):
        await _file(stage, what, wished_on=wished_on, early=True)
    await _decide(stage, "proposal", Decision.APPROVE)
    await _decide(stage, "countered", Decision.APPROVE)
    await _press(stage, "countered", "counter", offer="100,00", reason="Dit is te veel")
    await _decide(stage, "declined", Decision.REFUSE, reason="Het contract loopt nog")


async def _keep_deadlines(stage: Stage) -> None:
    """When notice is due for the services of this partner; not of all partners there are."""
    tenant, found = Principal(Door.TENANT, stage.owner.tenant, "system:daily"), 1
    async with db.unit_of_work(tenant):
        await deadline_keeping.check()
    while found:
        async with db.unit_of_work(tenant):
            found = await deadline_keeping.refresh()


async def _file(stage: Stage, what: str, **asked: Any) -> None:
    kept = await stage.change("/api/v1/quotes", {"service_ids": [str(stage.services[what])], **asked})
    case = await stage.change("/api/v1/terminations", {"quote_id": kept["id"], "reason": "switches", "mandate": True})
    stage.things |= {f"{what}_case": case["id"], f"{what}_number": case["number"]}
    if not asked:
        stage.things[what] = await stage.secret(_LINK, case["id"])


async def _decide(stage: Stage, what: str, decision: Decision, **given: Any) -> None:
    async with db.unit_of_work(STAFF):
        await buyouts.decide(FINANCE, await buyouts.case_by_number(str(stage.things[f"{what}_number"])), decision, **given)
    await outbox.drain()
    if decision is not Decision.REFUSE:
        stage.things[what] = await stage.secret(_LINK, stage.things[f"{what}_case"])


async def _press(stage: Stage, what: str, decision: str, **typed: str) -> None:
    """Somebody answers on the page behind the link."""
    path = f"/confirm/{stage.things[what]}"
    _, fields = pressed((await stage.stranger.get(path)).text)
    answer = await stage.stranger.post(path, data={**fields, "decision": decision, **typed})
    if answer.is_error:
        raise SceneFailed(f"{path}: {answer.status_code} {answer.text[:500]}")
    await outbox.drain()


async def draft(stage: Stage) -> None:
    """Drafts with every question answered, one of them with a buyout and data to hand over; and one that was filed."""
    stage.things["draft"] = await _draft(stage, "in_draft")
    stage.things["draft_with_data"] = await _draft(stage, "with_data")
    stage.things["filed_draft"] = await _draft(stage, "filed_draft", and_file=True)


async def _draft(stage: Stage, what: str, *, and_file: bool = False) -> str:
    chosen = {"customer": str(stage.things["customer"]), "service": str(stage.services[what])}
    at = await stage.send("/portal/terminations/new", chosen)
    for _ in range(_MOST_STEPS):
        page = await stage.own.get(at)
        at = page.headers.get("location", at)
        if page.is_redirect:
            continue
        if at.endswith("/filed") or (at.endswith("/check") and not and_file):
            return str(at).split("/")[3]
        action, fields = pressed(page.text)
        at = await stage.send(action or at, fields)
    raise SceneFailed(f"the draft does not come to its end: {at}")


async def give_notice(stage: Stage) -> None:
    """What somebody whom nobody knows sent on the public pages, and where the partner finds it."""
    code = (await stage.row("SELECT code FROM tenant WHERE id = $1", stage.owner.tenant))["code"]
    stage.things["partner_code"] = code
    stage.things["notice"] = await _notice(stage, f"/end-contract/{code}")
    stage.things["withdrawal"] = await _notice(stage, f"/withdraw-contract/{code}")
    found = "SELECT id FROM received_notice WHERE tenant = $1 AND kind = $2 ORDER BY received_at DESC LIMIT 1"
    stage.things["received"] = (await stage.row(found, stage.owner.tenant, "ordinary"))["id"]


async def _notice(stage: Stage, path: str) -> str:
    typed = {"name": "Anna Onbekend", "customer": "weet ik niet", "contract": "mijn internet", "email": "anna@example.com"}
    _, fields = pressed((await stage.stranger.get(path)).text)
    second = await stage.stranger.post(path, data={**fields, **typed, "step": "check"})
    _, fields = pressed(second.text)
    return (await stage.send(path, {**fields, "step": "send"}, stranger=True)).rpartition("/")[2]


async def end_many(stage: Stage) -> None:
    """A round of several services that is being looked at, and one that was filed."""
    several = [str(stage.services[what]) for what in ("in_bulk", "to_end", "with_data", "waiting")]
    at = await stage.send("/portal/deadlines/bulk", {"service": several})
    stage.things["round"] = at.rpartition("/")[2]
    filed = await stage.send("/portal/deadlines/bulk", {"service": [str(stage.services[what]) for what in ("in_bulk_too", "waiting")]})
    await stage.send(f"{filed}/filing", {"reason": "price", "mandate": "yes"})
    stage.things["filed_round"] = filed.rpartition("/")[2]
