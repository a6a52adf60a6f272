"""A partner's webhooks: endpoints with their log, made, changed, tried, given new secrets, switched on and off; for its owners."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, QueryParameter

from partner_portal.infra import clock, db, settings
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.outgoing import Why
from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import FieldError, Invalid
from partner_portal.web import auth, forms, lists, pages
from partner_portal.web.forms import NO_ERRORS, Errors, Form, Typed

from ..service.webhooks import deliveries, endpoints, kinds, signing
from ..service.webhooks.endpoints import Description, EndpointChange, NewEndpoint, Types, Url
from ..workflow import DeliveryState
from .words import plain

WEBHOOKS = "/portal/settings/webhooks"
WHY = {
    Why.NOT_AN_ADDRESS: sentence("the address is none"),
    Why.NOT_HTTPS: sentence("not sent: only https is"),
    Why.CREDENTIALS: sentence("not sent: the address holds a password"),
    Why.PORT: sentence("not sent: the port is not allowed"),
    Why.PRIVATE: sentence("not sent: the address leads into a private network"),
    Why.UNKNOWN_HOST: sentence("nobody knows this host"),
    Why.NO_CONNECTION: sentence("no connection"),
    Why.CERTIFICATE: sentence("the certificate is not trusted"),
    Why.TOO_SLOW: sentence("no answer in time"),
    Why.BROKEN: sentence("the answer was not HTTP"),
}
"""What went wrong where there is no status, in words."""

_PAGE = 50


class EndpointForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An endpoint as the form has it: told of everything, or of what is marked."""

    url: Url
    description: Description = ""
    which: Literal["all", "some"] = "all"
    types: Types = frozenset()

    @property
    def chosen(self) -> Types | None:
        """The kinds of events, or None for all."""
        return None if self.which == "all" else self.types


@get("/")
async def show(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The partner's endpoints."""
    return await pages.page(
        request, "tenants/webhooks/list.html", endpoints=await endpoints.listed(), kinds=kinds.offered(), most=endpoints.MOST_ENDPOINTS
    )


@get("/new")
async def blank(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The form that makes an endpoint."""
    return await _form(request, None, Typed.of({"which": "all"}))


@post("/new")
async def add(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """The endpoint exists; its secret is shown this once."""
    form = await forms.read(request)
    try:
        new = _parsed(form)
        async with db.savepoint():
            made = await endpoints.add(actor, NewEndpoint(new.url, new.description, new.chosen))
    except Invalid as problem:
        return await _form(request, None, form.typed, forms.errors(plain(problem, EndpointForm), actor.language), 422)
    return await _secret(request, made.id, made.secret)


@get("/{endpoint_id:uuid}")
async def one(
    request: Request[Any, Any, Any],
    endpoint_id: FromPath[UUID],
    status: Annotated[DeliveryState | None, QueryParameter(name="state")] = None,
    after: lists.After = None,
) -> Response[bytes]:
    """One endpoint with what was sent there lately."""
    endpoint = await endpoints.one(endpoint_id)
    window = deliveries.LISTING.window(after=after, limit=_PAGE, endpoint=endpoint_id, state=status or "")
    page = window.page(await deliveries.page(endpoint_id, window, state=status))
    here = f"{WEBHOOKS}/{endpoint_id}" + (f"?state={status.value}" if status else "")
    pager = {"previous": here if after else "", "next": lists.next_address(request, page.next) if page.next else ""}
    since = max(endpoint["failing_since"] or endpoint["off_since"] or clock.now(), clock.now() - _log_kept())
    return await pages.page(
        request,
        "tenants/webhooks/one.html",
        endpoint=endpoint,
        kinds=kinds.offered(),
        rows=page.rows,
        pager=pager,
        state=status,
        since=since.astimezone(clock.AMSTERDAM),
        why=WHY,
        days=settings.current().webhook_log_days,
    )


def _log_kept() -> timedelta:
    return timedelta(days=settings.current().webhook_log_days)


@get("/{endpoint_id:uuid}/data")
async def on_record(request: Request[Any, Any, Any], endpoint_id: FromPath[UUID]) -> Response[bytes]:
    """The form with what is on record."""
    row = await endpoints.one(endpoint_id)
    chosen = row["types"].split()
    given = {"url": [row["url"]], "description": [row["description"]], "which": ["some" if chosen else "all"], "types": chosen}
    return await _form(request, row, Typed(given))


@post("/{endpoint_id:uuid}/data")
async def change(request: Request[Any, Any, Any], actor: auth.Acting, endpoint_id: FromPath[UUID]) -> Response[Any]:
    """The endpoint is as typed."""
    endpoint, form = await endpoints.find(endpoint_id), await forms.read(request)
    try:
        wanted = _parsed(form)
        async with db.savepoint():
            await endpoints.change(actor, endpoint, EndpointChange(url=wanted.url, description=wanted.description, types=wanted.chosen))
    except Invalid as problem:
        wrong = forms.errors(plain(problem, EndpointForm), actor.language)
        return await _form(request, await endpoints.one(endpoint_id), form.typed, wrong, 422)
    return pages.to(f"{WEBHOOKS}/{endpoint_id}", said=sentence("The endpoint is saved."))


def _parsed(form: Form) -> EndpointForm:
    """What was typed; Invalid names all that is wrong at once, also what the service would say one by one."""
    parsed = forms.parse(form, EndpointForm)
    wrong: list[FieldError] = []
    try:
        endpoints.address(parsed.url)
    except Invalid as problem:
        wrong += problem.fields
    if parsed.chosen is not None and not parsed.types:
        wrong.append(FieldError("/types", "no-kind"))
    if wrong:
        raise Invalid(*wrong)
    return parsed


async def _form(
    request: Request[Any, Any, Any], endpoint: Any, typed: Typed, wrong: Errors = NO_ERRORS, status: int = 200
) -> Response[bytes]:
    return await pages.page(
        request, "tenants/webhooks/form.html", status=status, endpoint=endpoint, typed=typed, errors=wrong, subjects=kinds.by_subject()
    )


@post("/{endpoint_id:uuid}/switch")
async def switch(request: Request[Any, Any, Any], actor: auth.Acting, endpoint_id: FromPath[UUID]) -> Response[Any]:
    """The endpoint is on, or off."""
    endpoint = await endpoints.find(endpoint_id)
    is_on = (await forms.read(request)).one("on") == "yes"
    await endpoints.change(actor, endpoint, EndpointChange(on=is_on))
    said = (
        sentence("The endpoint is on: what happens from now on is sent there.")
        if is_on
        else sentence("The endpoint is off: nothing is sent there.")
    )
    return pages.to(f"{WEBHOOKS}/{endpoint_id}", said=said)


@get("/{endpoint_id:uuid}/secret")
async def ask_secret(request: Request[Any, Any, Any], endpoint_id: FromPath[UUID]) -> Response[bytes]:
    """How the secret is to be replaced."""
    return await _secret_question(request, endpoint_id)


@post("/{endpoint_id:uuid}/secret")
async def replace_secret(request: Request[Any, Any, Any], actor: auth.Acting, endpoint_id: FromPath[UUID]) -> Response[Any]:
    """The endpoint has a new secret, shown this once."""
    endpoint, form = await endpoints.find(endpoint_id), await forms.read(request)
    when = form.one("when")
    if when not in ("overlap", "at_once"):
        return await _secret_question(request, endpoint_id, forms.errors(Invalid(FieldError("/when", "missing")), actor.language), 422)
    if form.one("version") != str(endpoint.version):
        wrong = forms.errors(Invalid(FieldError("/when", "changed-meanwhile")), actor.language)
        return await _secret_question(request, endpoint_id, wrong, 409)
    try:
        secret = await endpoints.rotate(actor, endpoint, at_once=when == "at_once")
    except endpoints.TooManySecrets:
        return await _secret_question(
            request, endpoint_id, forms.errors(Invalid(FieldError("/when", "enough-secrets")), actor.language), 409
        )
    return await _secret(request, endpoint_id, secret)


async def _secret_question(
    request: Request[Any, Any, Any], endpoint_id: UUID, wrong: Errors = NO_ERRORS, status: int = 200
) -> Response[bytes]:
    typed = Typed.of({"when": "overlap"})
    endpoint = await endpoints.one(endpoint_id)
    return await pages.page(request, "tenants/webhooks/secret.html", status=status, endpoint=endpoint, typed=typed, errors=wrong)


async def _secret(request: Request[Any, Any, Any], endpoint_id: UUID, secret: str) -> Response[bytes]:
    answer = await pages.page(request, "tenants/webhooks/made.html", endpoint=await endpoints.one(endpoint_id), secret=secret)
    answer.set_header("cache-control", "no-store")  # shown once: by no way back, and on no disk
    return answer


@post("/{endpoint_id:uuid}/test")
async def send_test(actor: auth.Acting, endpoint_id: FromPath[UUID]) -> Response[Any]:
    """A test event is on its way; its page tells what comes of it."""
    made = await deliveries.send_test(actor, await endpoints.find(endpoint_id))
    return pages.to(f"{WEBHOOKS}/{endpoint_id}/deliveries/{made}")


@get("/{endpoint_id:uuid}/removal")
async def ask_removal(request: Request[Any, Any, Any], endpoint_id: FromPath[UUID]) -> Response[bytes]:
    """The question whether the endpoint is to go."""
    return await pages.page(request, "tenants/webhooks/remove.html", endpoint=await endpoints.one(endpoint_id))


@post("/{endpoint_id:uuid}/removal")
async def remove(actor: auth.Acting, endpoint_id: FromPath[UUID]) -> Response[Any]:
    """The endpoint is gone."""
    await endpoints.remove(actor, await endpoints.find(endpoint_id))
    return pages.to(WEBHOOKS, said=sentence("The endpoint is removed: nothing is sent there any more."))


@post("/{endpoint_id:uuid}/resend")
async def resend_failed(request: Request[Any, Any, Any], actor: auth.Acting, endpoint_id: FromPath[UUID]) -> Response[Any]:
    """What failed since a moment is on its way again."""
    endpoint, here = await endpoints.find(endpoint_id), f"{WEBHOOKS}/{endpoint_id}"
    try:
        since = datetime.fromisoformat((await forms.read(request)).one("since")).replace(tzinfo=clock.AMSTERDAM)
    except ValueError:
        return pages.to(here, said=sentence("Say from which day and time on failed webhooks are to be sent again."), good=False)
    try:
        count = await deliveries.resend_failed(actor, endpoint, since)
    except deliveries.EndpointIsOff:
        return pages.to(here, said=_OFF, good=False)
    if count == deliveries.MOST_AGAIN:
        return pages.to(
            here, said=sentence("%(count)s are on their way again, the most at a time. Press again for the others."), count=count
        )
    return pages.to(here, said=sentence("On their way again: %(count)s."), count=count)


_OFF = sentence("The endpoint is off. Switch it on first, then send again what it missed.")


@get("/{endpoint_id:uuid}/deliveries/{delivery_id:uuid}")
async def delivery(request: Request[Any, Any, Any], endpoint_id: FromPath[UUID], delivery_id: FromPath[UUID]) -> Response[bytes]:
    """One delivery with its words and every attempt; or, for htmx, only how it stands."""
    row, attempts = await deliveries.one(endpoint_id, delivery_id)
    return await pages.page(
        request,
        "tenants/webhooks/delivery.html",
        block="standing",
        endpoint=await endpoints.one(endpoint_id),
        kinds=kinds.offered(),
        row=row,
        attempts=attempts,
        message_id=signing.message_id(row["message"]),
        body=_indented(row["body"]),
        why=WHY,
        is_fresh=row["state"] == DeliveryState.WAITING and row["due_at"] <= clock.now() + timedelta(seconds=10),
    )


def _indented(body: str) -> str:
    return msgspec.json.format(body.encode(), indent=2).decode()


@post("/{endpoint_id:uuid}/deliveries/{delivery_id:uuid}/resend")
async def resend(actor: auth.Acting, endpoint_id: FromPath[UUID], delivery_id: FromPath[UUID]) -> Response[Any]:
    """The delivery is on its way again."""
    here = f"{WEBHOOKS}/{endpoint_id}/deliveries/{delivery_id}"
    try:
        await deliveries.resend(actor, await endpoints.find(endpoint_id), delivery_id)
    except deliveries.EndpointIsOff:
        return pages.to(here, said=_OFF, good=False)
    return pages.to(here)


router = Router(
    WEBHOOKS,
    route_handlers=[
        show,
        blank,
        add,
        one,
        on_record,
        change,
        switch,
        ask_secret,
        replace_secret,
        send_test,
        ask_removal,
        remove,
        resend_failed,
        delivery,
        resend,
    ],
    before_request=pages.for_members,
    guards=[auth.requires(Role.OWNER)],
    include_in_schema=False,
)
