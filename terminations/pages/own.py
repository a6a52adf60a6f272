"""A customer's own pages, signed in: what it has, when it can end, and how its terminations stand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from billing.policy import terms as contract
from billing.policy.ledger import Layer
from billing.policy.terms import Terms
from billing.service import pauses, suspensions
from partner_portal.infra import clock
from partner_portal.kernel.actor import Actor, ContactRight
from partner_portal.kernel.errors import Refused
from partner_portal.web import auth, errors, pages, problems
from tenants.policy import Segment

from ..policy.waiting import last_day
from ..service import explain, naming, own_ends
from ..service.facts import Parties

Page = Response[Any]
HOME = "/portal/own"
SIGNS = [auth.requires(ContactRight.SIGNS)]


@get("/")
async def home(request: Request[Any, Any, Any], actor: auth.Acting) -> Page:
    """The organisation's services with their ends, and its terminations, those that need an answer first."""
    found = await own_ends.services(actor)
    rows = await own_ends.cases_of(found.parties.customer_id)
    last_days = [(one, own_ends.withdraw_until(found, one)) for one in found.services if one.held is None]
    return await pages.page(
        request,
        "terminations/own/home.html",
        found=found,
        withdrawable=[(one, day) for one, day in last_days if day is not None],
        cases=rows,
        asked=[row for row in rows if own_ends.needs_answer(row["state"], row["payer"])],
        states=naming.STATES,
        last_day=last_day,
        **await reader(actor, found.parties),
    )


async def reader(actor: Actor, parties: Parties) -> dict[str, Any]:
    """What this contact may do and see: whether it may sign and who else may, and whether prices are its organisation's with the provider."""
    may_sign = actor.has_any(ContactRight.SIGNS)
    return {
        "may_sign": may_sign,
        "signing": [] if may_sign else await own_ends.who_signs(parties.customer_id),
        "customer_pays": parties.payer_layer is Layer.CUSTOMER,
    }


@get("/services/{service_id:uuid}")
async def service(request: Request[Any, Any, Any], actor: auth.Acting, service_id: FromPath[UUID]) -> Page:
    """One service: what was agreed, when it can end, and, while it lasts, the way to withdraw from the contract."""
    found, one = await own_ends.service(actor, service_id)
    row = one.row
    return await pages.page(
        request,
        "terminations/own/service.html",
        found=found,
        one=one,
        minimum_end=contract.minimum_end(
            Terms(start=row["starts_on"], minimum_months=row["minimum_months"], explicit_end=row["explicit_end"])
        ),
        rules=[explain.applied(rule, actor.language) for rule in one.service.applied],
        withdraw_until=own_ends.withdraw_until(found, one),
        is_consumer=found.parties.segment is Segment.CONSUMER,
        pauses=[row for row in await pauses.of_service(service_id) if row["resumes_on"] > clock.today()],
        suspended=(await suspensions.of_services([service_id])).get(service_id),
        **await reader(actor, found.parties),
    )


def said_of(problem: Refused, language: str) -> str:
    """Why something could not be, in the reader's words."""
    words = problems.words(type(problem))
    return errors.say(words.detail, language, problem.facts) or errors.say(words.title, language, {})


router = Router(HOME, route_handlers=[home, service], before_request=pages.for_contacts, include_in_schema=False)
