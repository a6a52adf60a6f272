"""The named actions of staff, each a form that calls the service function which everything else calls."""

from __future__ import annotations

import secrets
from uuid import UUID

import msgspec
from pydantic import BaseModel, Field
from starlette.requests import Request

from billing.service import services
from billing.service.services import TermsChangeWanted
from partner_portal.infra import db, outbox
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.errors import FieldError, Invalid, NotFound
from partner_portal.web import decoding
from tenants.policy import Segment
from tenants.service import customers, members
from tenants.service.customers import NewCustomer
from tenants.service.members import NewMember
from terminations.service import buyouts, scheduling
from terminations.service.buyouts import Decision

from . import access, masters
from .form import ADMINISTRATORS, DESK, FINANCE, Form, cents
from .saying import NotDead

CASE = sentence("Number of the termination")
REASON = sentence("Reason (the partner and the customer read it)")
AMOUNT = sentence("Amount in euros, as the payer's prices are given (business: excluding VAT, consumer: including VAT)")


class Approval(BaseModel):
    """Approve a buyout."""

    case: str = Field(title=CASE)


class Adjustment(BaseModel):
    """Propose another sum."""

    case: str = Field(title=CASE)
    amount: str = Field(title=AMOUNT)
    reason: str = Field(title=REASON)


class Refusal(BaseModel):
    """Refuse a buyout, or deny a late withdrawal."""

    case: str = Field(title=CASE)
    reason: str = Field(title=REASON)


class Permission(BaseModel):
    """Allow a late withdrawal."""

    case: str = Field(title=CASE)
    reason: str = Field("", title=sentence("Note (optional)"))


class RunAgain(BaseModel):
    """Run background work again."""

    task: str = Field("", title=sentence("Id of the task; empty: everything that was given up"))


class TermsChange(BaseModel):
    """Change one term of a service in force."""

    service: str = Field(title=sentence("Number of the service"))
    field: str = Field(title=sentence("Term, by its technical name: fee_cents, minimum_months, notice_n, buyout_rule, paid_until, ..."))
    value: str = Field("", title=sentence("New value: amounts in euros (49,95), days as 2027-03-31, empty for none"))
    reason: str = Field(title=sentence("Reason"))


class CustomerWanted(BaseModel):
    """A new customer with its main contact and billing address."""

    partner: str = Field(title=sentence("Code of the partner"))
    name: str = Field(title=sentence("Name"))
    segment: str = Field("UNKNOWN", title=sentence("Segment: CONSUMER, PROTECTED_BIZ, OTHER_BIZ, GOV or UNKNOWN"))
    contact_name: str = Field(title=sentence("Main contact: name"))
    contact_email: str = Field(title=sentence("Main contact: e-mail"))
    contact_phone: str = Field("", title=sentence("Main contact: phone, as +31201234567"))
    street: str = Field(title=sentence("Street and number"))
    postcode: str = Field(title=sentence("Postcode"))
    city: str = Field(title=sentence("City"))
    language: str = Field("nl", title=sentence("Language: nl or en"))
    chamber_number: str = Field("", title=sentence("Chamber of commerce number"))
    vat_id: str = Field("", title=sentence("VAT number"))


class MemberWanted(BaseModel):
    """A new user of a partner."""

    partner: str = Field(title=sentence("Code of the partner"))
    name: str = Field(title=sentence("Name"))
    email: str = Field(title=sentence("E-mail"))
    role: str = Field("clerk", title=sentence("Role: owner, clerk or read-only"))
    language: str = Field("nl", title=sentence("Language: nl or en"))
    password: str = Field("", title=sentence("Password, at least 12 characters; empty: an invitation is mailed"))


class AccountWanted(BaseModel):
    """A new account for staff."""

    username: str = Field(title=sentence("User name"))
    name: str = Field(title=sentence("Name"))
    email: str = Field(title=sentence("E-mail"))
    role: str = Field("finance", title=sentence("Role: finance, service desk, editor or administrator"))
    password: str = Field("", title=sentence("Password, at least 12 characters; empty: one is made and shown once"))


async def approve(request: Request, data: Approval) -> str:
    """The computed or counter-proposed sum is agreed to."""
    return await _decide(request, data.case, Decision.APPROVE)


async def adjust(request: Request, data: Adjustment) -> str:
    """Another sum is proposed."""
    return await _decide(request, data.case, Decision.ADJUST, cents(data.amount), data.reason)


async def refuse(request: Request, data: Refusal) -> str:
    """There is no buyout."""
    return await _decide(request, data.case, Decision.REFUSE, None, data.reason)


async def _decide(request: Request, number: str, decision: Decision, amount: int | None = None, reason: str = "") -> str:
    case = await buyouts.case_by_number(number)
    settled = await buyouts.decide(access.acting(request), case, decision, amount_cents=amount, reason=reason)
    return access.say(request, DECIDED[decision] if settled else FIRST_OF_TWO, number=case.number)


DECIDED = {
    Decision.APPROVE: sentence("%(number)s is approved; the proposal is on its way to the payer."),
    Decision.ADJUST: sentence("%(number)s is adjusted; the proposal is on its way to the payer."),
    Decision.REFUSE: sentence("%(number)s is refused; the partner is told."),
}
FIRST_OF_TWO = sentence("Your agreement to %(number)s is on record. The sum is above the limit: a second person must agree.")
WITHDRAWAL = {
    True: sentence("%(number)s is withdrawn; everybody is told that the services go on."),
    False: sentence("The withdrawal of %(number)s is denied; the end stays planned."),
}


async def allow(request: Request, data: Permission) -> str:
    """A late withdrawal is allowed."""
    return await answer_withdrawal(request, data.case, data.reason, is_allowed=True)


async def deny(request: Request, data: Refusal) -> str:
    """A late withdrawal is denied."""
    return await answer_withdrawal(request, data.case, data.reason, is_allowed=False)


async def answer_withdrawal(request: Request, number: str, reason: str, *, is_allowed: bool) -> str:
    """Finance has answered the late withdrawal of the case; a denial needs a reason."""
    if not is_allowed and not reason.strip():
        raise Invalid(FieldError("/reason", "reason-needed"))
    case = await buyouts.case_by_number(number)
    await scheduling.answer_withdrawal(access.acting(request), case, allow=is_allowed, reason=reason)
    return access.say(request, WITHDRAWAL[is_allowed], number=case.number)


async def run_again(request: Request, data: RunAgain) -> str:
    """Background work that was given up is due again."""
    if data.task.strip():
        chosen = [_id(data.task)]
    else:
        chosen = [
            row["id"] for row in await db.fetch("SELECT id FROM infra_outbox WHERE dead_at IS NOT NULL AND done_at IS NULL ORDER BY id")
        ]
    count = sum([await outbox.run_again(task) for task in chosen])
    if not count:
        raise NotDead
    return access.say(request, sentence("%(count)s task(s) will run again."), count=count)


def _id(typed: str) -> UUID:
    try:
        return UUID(typed.strip())
    except ValueError as error:
        raise NotFound(what="task", id=typed) from error


async def change_terms(request: Request, data: TermsChange) -> str:
    """A service in force has a new term, and the decision with its reason stays."""
    field, typed = data.field.strip(), data.value.strip()
    if field not in services.AgreedTerms.__struct_fields__:
        raise Invalid(FieldError("/field", "unknown-field"))
    rows = await db.fetch("SELECT id FROM billing_service WHERE number = $1", data.service.strip())
    if not rows:
        raise NotFound(what="service", number=data.service)
    if len(rows) > 1:  # numbers of a partner's own making are unique within that partner only
        raise Invalid(FieldError("/service", "several"))
    value = cents(typed, "/value") if field.endswith("_cents") and typed else typed or None
    wanted = decoding.convert(TermsChangeWanted, {"values": {field: value}, "reason": data.reason.strip()})
    await services.change_terms(access.acting(request), rows[0]["id"], wanted)
    return access.say(request, sentence("The terms of %(number)s are changed."), number=data.service.strip())


async def new_customer(request: Request, data: CustomerWanted) -> str:
    """A customer with its main contact and billing address is there."""
    tenant = await _tenant(data.partner)
    new = decoding.convert(
        NewCustomer,
        {
            "name": data.name,
            "segment": Segment(data.segment) if data.segment in set(Segment) else data.segment,
            "main_contact": {"name": data.contact_name, "email": data.contact_email, "phone": data.contact_phone or None},
            "billing_address": {"street": data.street, "postcode": data.postcode, "city": data.city},
            "language": data.language,
            "chamber_number": data.chamber_number or None,
            "vat_id": data.vat_id or None,
        },
    )
    customer = await customers.one(await customers.create(msgspec.structs.replace(access.acting(request), tenant=tenant), new))
    return access.say(request, sentence("Customer %(number)s is entered."), number=customer["number"])


async def new_member(request: Request, data: MemberWanted) -> str:
    """A user of a partner is invited by mail, or can sign in at once with the password that was typed."""
    tenant = await _tenant(data.partner)
    new = decoding.convert(NewMember, {"name": data.name, "email": data.email, "role": data.role, "language": data.language})
    if not data.password:
        await members.invite(msgspec.structs.replace(access.acting(request), tenant=tenant), new)
        return access.say(request, sentence("An invitation is on its way to %(email)s."), email=new.email)
    await members.enter(tenant=tenant, email=new.email, name=new.name, role=new.role, language=new.language, password=data.password)
    return access.say(request, sentence("%(who)s can sign in."), who=new.email)


async def new_account(request: Request, data: AccountWanted) -> str:
    """Somebody of the staff has an account with one role."""
    email = decoding.convert(masters.Mailbox, {"email": data.email}).email
    role = decoding.convert(masters.RoleNamed, {"role": data.role}).role
    password = data.password or secrets.token_urlsafe(12)
    await access.enter(username=data.username.strip(), email=email, name=data.name, roles=frozenset({role}), password=password)
    return _entered(request, data.username, data.password, password)


def _entered(request: Request, who: str, typed: str, password: str) -> str:
    if typed:
        return access.say(request, sentence("%(who)s can sign in."), who=who)
    return access.say(request, sentence("%(who)s can sign in with this password, shown once: %(password)s"), who=who, password=password)


async def _tenant(code: str) -> UUID:
    row = await db.fetch_one("SELECT id FROM tenant WHERE code = $1", code.strip().upper())
    if row is None:
        raise NotFound(what="partner", number=code)
    tenant: UUID = row["id"]
    await masters.acting_for(tenant)
    return tenant


BUYOUT, SERVICES, PEOPLE = sentence("Buyouts"), sentence("Customers and services"), sentence("Administration")

FORMS = (
    Form(name=sentence("Approve buyout"), group=BUYOUT, fields=Approval, roles=FINANCE, act=approve,
         told=sentence("The computed sum, or the counter-proposal, is proposed to whoever pays.")),
    Form(name=sentence("Adjust buyout"), group=BUYOUT, fields=Adjustment, roles=FINANCE, act=adjust,
         told=sentence("Another sum is proposed to whoever pays, with your reason.")),
    Form(name=sentence("Refuse buyout"), group=BUYOUT, fields=Refusal, roles=FINANCE, act=refuse,
         told=sentence("The case is closed and nothing ends; the partner reads your reason.")),
    Form(name=sentence("Allow late withdrawal"), group=BUYOUT, fields=Permission, roles=FINANCE, act=allow,
         told=sentence("The termination is withdrawn although its end is near; the services go on.")),
    Form(name=sentence("Deny late withdrawal"), group=BUYOUT, fields=Refusal, roles=FINANCE, act=deny,
         told=sentence("The end stays planned as it is.")),
    Form(name=sentence("Change terms"), group=SERVICES, fields=TermsChange, roles=FINANCE | DESK, act=change_terms,
         told=sentence("One term of a service in force gets a new value; the decision with its reason stays on record.")),
    Form(name=sentence("New customer"), group=SERVICES, fields=CustomerWanted, roles=DESK, act=new_customer,
         told=sentence("With main contact and billing address; further contacts and addresses are added in their tables.")),
    Form(name=sentence("New user of a partner"), group=SERVICES, fields=MemberWanted, roles=DESK, act=new_member,
         told=sentence("Without a password an invitation is mailed, a new one to whoever has not come; pass a password on by another way than e-mail.")),
    Form(name=sentence("Run again"), group=PEOPLE, fields=RunAgain, roles=ADMINISTRATORS | FINANCE | DESK, act=run_again,
         told=sentence("Background work that failed too often is tried again, with all its attempts.")),
    Form(name=sentence("New staff account"), group=PEOPLE, fields=AccountWanted, roles=ADMINISTRATORS, act=new_account,
         told=sentence("Somebody of the staff can sign in here with one role; more roles are given in their table.")),
)  # fmt: skip
