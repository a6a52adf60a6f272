"""Coming in: signing in and out, a forgotten password, and the link in an invitation. Looking at a link uses nothing up."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from partner_portal.infra import catalogue, rates
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import Invalid, NotFound
from partner_portal.web import auth, errors, forms, identity, pages
from partner_portal.web.forms import NO_ERRORS, NOTHING_TYPED, Errors, Form

from ..service import forgotten, invitations, sign_in
from ..service.accounts import Account
from ..service.forgotten import PasswordLinkNotOpen
from ..service.invitations import Invitation, InvitationNotOpen, Standing, WrongPassword
from ..service.sign_in import SignInFailed

SIGN_IN = "/portal/sign-in"
LONGEST_EMAIL, LONGEST_PASSWORD = 320, 1000
_TOO_OFTEN = 429
_INVALID = 422


@get("/sign-in")
async def ask(request: Request[Any, Any, Any], perhaps_actor: auth.PerhapsActing) -> Response[Any]:
    """The form; whoever is signed in goes on to where it wanted to be."""
    wanted = request.query_params.get("next", "")
    if perhaps_actor is not None and perhaps_actor.kind in (ActorKind.MEMBER, ActorKind.CONTACT):
        return pages.to(_first_page(perhaps_actor, wanted))
    return await _sign_in(request, wanted)


@post("/sign-in")
async def enter(request: Request[Any, Any, Any]) -> Response[Any]:
    """The browser is signed in, or asked which of several accounts it means."""
    form = await forms.read(request)
    wanted, email, password = form.one("next"), form.one("email"), await _secret(request, "password")
    if wait := await rates.attempt(email, _address(request)):
        return await _too_often(await _sign_in(request, wanted, form, _wait(request, "email", wait), status=_TOO_OFTEN), wait)
    try:
        found = await sign_in.prove(email[:LONGEST_EMAIL], password)
    except SignInFailed:
        wrong = Errors({"password": _said(request, "E-mail and password do not belong together.")})
        return await _sign_in(request, wanted, form, wrong, status=_INVALID)
    await rates.succeeded(email, _address(request))
    if len(found) > 1:
        return await _choose(request, found, await sign_in.proof(email), wanted)
    return await _come_in(request, found, None, wanted)


@post("/sign-in/account")
async def choose(request: Request[Any, Any, Any]) -> Response[Any]:
    """The browser is signed in to the account that was chosen."""
    form = await forms.read(request)
    try:
        return await _come_in(request, await sign_in.proven(form.one("proof")), _id(form.one("account")), form.one("next"))
    except SignInFailed:
        return pages.to(SIGN_IN, said=sentence("That took too long; sign in once more."), good=False)


async def _come_in(request: Request[Any, Any, Any], found: list[Account], account: UUID | None, wanted: str) -> Response[Any]:
    actor = await sign_in.come_in(found, account)
    answer = pages.to(_first_page(actor, wanted))
    await auth.sign_in(request, answer, who=actor.trail, tenant=actor.tenant)
    return answer


def _first_page(actor: Actor, wanted: str) -> str:
    """Where somebody goes after signing in: a contact's pages and a member's are apart."""
    if actor.kind is ActorKind.CONTACT:
        return pages.own_path(wanted, "/portal/own") if wanted.startswith(("/portal/own", "/portal/account")) else "/portal/own"
    return "/portal" if wanted.startswith("/portal/own") else pages.own_path(wanted)


@post("/sign-out")
async def leave(request: Request[Any, Any, Any]) -> Response[Any]:
    """The session is over."""
    answer = pages.to(SIGN_IN, said=sentence("You are signed out."))
    await auth.sign_out(request, answer)
    return answer


@get("/password")
async def forgot(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The form that asks for a link."""
    return await pages.page(request, "tenants/password_forgotten.html", typed=NOTHING_TYPED, errors=NO_ERRORS, sent=False)


@post("/password")
async def send_link(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The same answer, whether or not there is such an account; a link is on its way if there is."""
    form = await forms.read(request)
    email = form.one("email")
    if not email or len(email) > LONGEST_EMAIL or "@" not in email:
        wrong = Errors({"email": _said(request, "Give your e-mail address.")})
        return await _forgot(request, form, wrong, _INVALID)
    if wait := await rates.attempt(f"password of {email}", _address(request)):
        return await _too_often(await _forgot(request, form, _wait(request, "email", wait), _TOO_OFTEN), wait)
    await forgotten.ask(email)
    return await pages.page(request, "tenants/password_forgotten.html", typed=form.typed, errors=NO_ERRORS, sent=True)


async def _forgot(request: Request[Any, Any, Any], form: Form, wrong: Errors, status: int) -> Response[bytes]:
    return await pages.page(request, "tenants/password_forgotten.html", status=status, typed=form.typed, errors=wrong, sent=False)


@get("/password/{token:str}")
async def new_password(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[bytes]:
    """The form that asks for a new password."""
    return await _new_password(request, token)


@post("/password/{token:str}")
async def choose_password(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
    """The password is another, every session is over, and the person signs in anew."""
    try:
        await forgotten.choose(token, await _secret(request, "password"))
    except Invalid as problem:
        return await _new_password(request, token, forms.errors(problem, _language(request)), _INVALID)
    except (NotFound, PasswordLinkNotOpen):
        return await _new_password(request, token)
    return pages.to(SIGN_IN, said=sentence("Your password is changed. Sign in with the new one."))


async def _new_password(request: Request[Any, Any, Any], token: str, wrong: Errors = NO_ERRORS, status: int = 200) -> Response[bytes]:
    try:
        await forgotten.must_be_open(token)
        is_open = True
    except (NotFound, PasswordLinkNotOpen):
        is_open, status = False, 404
    return await pages.page(
        request, "tenants/password_new.html", status=status, errors=wrong, typed=NOTHING_TYPED, is_open=is_open, token=token
    )


@get("/invitation/{token:str}")
async def invited(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[bytes]:
    """What the invitation is for, and the form that takes it."""
    return await _invited(request, token, await _invitation(token))


@post("/invitation/{token:str}")
async def take(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
    """The account is taken, and the browser signed in to it."""
    invitation = await _invitation(token)
    if invitation is None or invitation.standing is not Standing.OPEN:
        return await _invited(request, token, invitation)
    if wait := await rates.attempt(invitation.email, _address(request)):
        return await _too_often(await _invited(request, token, invitation, _wait(request, "password", wait), _TOO_OFTEN), wait)
    try:
        actor = await invitations.accept(token, await _secret(request, "password"))
    except WrongPassword:
        wrong = Errors({"password": _said(request, "This address has a password already, and this is another.")})
        return await _invited(request, token, await _invitation(token), wrong, _INVALID)
    except Invalid as problem:
        await rates.succeeded(invitation.email, _address(request))  # nothing was guessed
        return await _invited(request, token, invitation, forms.errors(problem, _language(request)), _INVALID)
    except InvitationNotOpen:
        return await _invited(request, token, await _invitation(token))
    await rates.succeeded(invitation.email, _address(request))
    answer = pages.to(_first_page(actor, ""), said=sentence("Welcome. This is your account now."))
    await auth.sign_in(request, answer, who=actor.trail, tenant=actor.tenant)
    return answer


async def _invitation(token: str) -> Invitation | None:
    try:
        return await invitations.found(token)
    except NotFound:
        return None


async def _invited(
    request: Request[Any, Any, Any], token: str, invitation: Invitation | None, wrong: Errors = NO_ERRORS, status: int = 200
) -> Response[bytes]:
    if invitation is None:
        return await pages.page(request, "tenants/invitation.html", status=404, invitation=None)
    return await pages.page(
        request,
        "tenants/invitation.html",
        status=status,
        invitation=invitation,
        brand=invitation.brand,
        errors=wrong,
        typed=NOTHING_TYPED,
        token=token,
    )


async def _sign_in(
    request: Request[Any, Any, Any], wanted: str, form: Form | None = None, wrong: Errors = NO_ERRORS, status: int = 200
) -> Response[bytes]:
    typed = form.typed if form else NOTHING_TYPED
    return await pages.page(request, "tenants/sign_in.html", status=status, typed=typed, errors=wrong, wanted=wanted)


async def _choose(request: Request[Any, Any, Any], found: list[Account], proof: str, wanted: str) -> Response[bytes]:
    return await pages.page(request, "tenants/choose_account.html", accounts=found, proof=proof, wanted=wanted)


async def _secret(request: Request[Any, Any, Any], name: str) -> str:
    """A password as it was typed: blanks at its ends belong to it."""
    return str((await request.form()).get(name, ""))[:LONGEST_PASSWORD]


async def _too_often(page: Response[bytes], wait: int) -> Response[bytes]:
    page.headers["retry-after"] = str(wait)
    return page


def _wait(request: Request[Any, Any, Any], field: str, seconds: int) -> Errors:
    said = catalogue.texts(
        "Too many attempts: try again in %(count)s second.",
        "Too many attempts: try again in %(count)s seconds.",
        _language(request),
        count=seconds,
    )
    return Errors({field: said})


def _said(request: Request[Any, Any, Any], msgid: str) -> str:
    return catalogue.text(msgid, _language(request))


def _language(request: Request[Any, Any, Any]) -> str:
    return errors.reader_of(request.scope).language


def _address(request: Request[Any, Any, Any]) -> str:
    return identity.rate_address(request.client.host if request.client else "")


def _id(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError as error:
        raise SignInFailed from error


router = Router(
    "/portal",
    route_handlers=[ask, enter, choose, forgot, send_link, new_password, choose_password, invited, take, leave],
    include_in_schema=False,
)
