"""The generated admin as staff see it: menus by role, words in their language, and signing in as everywhere else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send
from piccolo_admin import endpoints
from piccolo_admin.endpoints import AdminRouter, FormConfigResponseModel, GroupedFormsResponseModel, GroupedTableNamesResponseModel
from piccolo_admin.translations.data import ENGLISH
from piccolo_admin.translations.models import Translation
from piccolo_api.rate_limiting.middleware import InMemoryLimitProvider
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.staticfiles import StaticFiles

from partner_portal.infra import catalogue, settings
from partner_portal.infra.catalogue import sentence
from partner_portal.web import identity

from . import access, forms, forms_billing, labels, listing, listing_billing, saying
from .form import DESK, FINANCE, Form
from .listed import Listed
from .screens import Screen
from .tables import StaffSession

TABLES = (*listing.TABLES, *listing_billing.TABLES)
FORMS = (*forms.FORMS, *forms_billing.FORMS)
WAITING = "/admin/waiting"
WORK_LIST = "/admin/work-list"
NOTICES = "/admin/notices"
REMINDERS = "/admin/reminders"
LATE = "/admin/late"
INVOICES = "/admin/invoices"
PRO_FORMA = "/admin/pro-forma"
CREDITS = "/admin/credit-notes"
ACCOUNTING = "/admin/accounting"
ORDERS = "/admin/orders"
INDEXATION = "/admin/indexation"

_BLOCKED_SECONDS = 300
_MOST_SIGN_INS = 100  # of one address; attempts at one account are counted apart, see access.Account
_STATIC = Path(__file__).with_name("static")


class StaffAdmin(AdminRouter):
    """Piccolo's admin with menus that depend on who looks, and words that depend on their language."""

    def __init__(self, tables: Sequence[Listed], forms: Sequence[Form], **given: Any) -> None:
        self.listed = {listed.name: listed for listed in tables}
        self.offered = {form.config().slug: form for form in forms}
        Screen.served = {name: listed.rights for name, listed in self.listed.items()}
        endpoints.PiccoloCRUD = Screen  # type: ignore[attr-defined,assignment]  # the router makes each table's endpoints of this name, and offers no other way in
        super().__init__(*(listed.config() for listed in tables), forms=[form.config() for form in forms], **given)
        self.template = _dressed(self.template)
        self.mount("/static", StaticFiles(directory=_STATIC))
        self.add_api_route("/labels/", self.get_labels, methods=["GET"], include_in_schema=False)
        self.add_api_route("/rights/", self.get_rights, methods=["GET"], include_in_schema=False)

    def _seen(self, request: Request) -> list[Listed]:
        actor = access.acting(request)
        return [listed for listed in self.listed.values() if actor.has_any(*listed.rights.see)]

    def _usable(self, request: Request) -> dict[str, Form]:
        actor = access.acting(request)
        return {slug: form for slug, form in self.offered.items() if actor.has_any(*form.roles)}

    def get_table_list(self, request: Request) -> list[str]:  # type: ignore[override]  # FastAPI gives what is asked for
        """The tables that the actor may see."""
        return [listed.name for listed in self._seen(request)]

    def get_table_list_grouped(self, request: Request) -> GroupedTableNamesResponseModel:  # type: ignore[override]
        """The same by group, the groups in the order of the work."""
        grouped: dict[str, list[str]] = {}
        for listed in self._seen(request):
            grouped.setdefault(access.say(request, labels.GROUPS[listed.group]), []).append(listed.name)
        return GroupedTableNamesResponseModel(grouped=grouped)

    def get_forms(self, request: Request) -> list[FormConfigResponseModel]:  # type: ignore[override]
        """The forms that the actor may use."""
        return [self._told(request, slug, form) for slug, form in self._usable(request).items()]

    def get_grouped_forms(self, request: Request) -> GroupedFormsResponseModel:  # type: ignore[override]
        """The same by group."""
        grouped: dict[str, list[FormConfigResponseModel]] = {}
        for slug, form in self._usable(request).items():
            grouped.setdefault(access.say(request, form.group), []).append(self._told(request, slug, form))
        return GroupedFormsResponseModel(grouped=grouped)

    def get_single_form(self, request: Request, form_slug: str) -> FormConfigResponseModel:  # type: ignore[override]
        """One form."""
        super().get_single_form(form_slug)  # answers 404 for a form that is not there
        return self._told(request, form_slug, self.offered[form_slug])

    def get_single_form_schema(self, request: Request, form_slug: str) -> dict[str, Any]:  # type: ignore[override]
        """The fields of one form, named in the actor's language."""
        schema: dict[str, Any] = super().get_single_form_schema(form_slug)
        for field in schema["properties"].values():
            field["title"] = access.say(request, field["title"])
        return schema

    def _told(self, request: Request, slug: str, form: Form) -> FormConfigResponseModel:
        return FormConfigResponseModel(name=access.say(request, form.name), slug=slug, description=access.say(request, form.told))

    def get_sidebar_links(self, request: Request) -> dict[str, str]:  # type: ignore[override]
        """The pages of ours beside the generated ones."""
        actor = access.acting(request)
        pages = (
            (sentence("What waits for you"), WAITING, FINANCE),
            (sentence("Work list of finance"), WORK_LIST, FINANCE),
            (sentence("Notices to look at"), NOTICES, DESK),
            (sentence("Reminders"), REMINDERS, FINANCE),
            (sentence("Plans, costs and write-offs"), LATE, FINANCE),
            (sentence("Invoices as they were sent"), INVOICES, FINANCE | DESK),
            (sentence("What a customer would be billed"), PRO_FORMA, FINANCE),
            (sentence("Bank statements and direct debit"), "/admin/statements", FINANCE),
            (sentence("Mandates"), "/admin/mandates", FINANCE),
            (sentence("How partners are billed"), "/admin/partner-billing", FINANCE),
            (sentence("Payments and what they settled"), "/admin/payments", FINANCE),
            (sentence("Refunds and payouts"), "/admin/refunds", FINANCE),
            (sentence("Credit notes for two people"), CREDITS, FINANCE),
            (sentence("Place and follow orders"), ORDERS, DESK),
            (sentence("Indexation"), INDEXATION, FINANCE),
            (sentence("Accounting link"), ACCOUNTING, FINANCE),
        )
        return {access.say(request, name): address for name, address, roles in pages if actor.has_any(*roles)}

    def get_labels(self, request: Request) -> JSONResponse:
        """What the script puts in the place of names and words that the generated screens have in English only."""
        language = access.spoken(request)
        tables = {name: catalogue.text(labels.TABLES[name], language) for name in self.listed}
        return JSONResponse({"language": language, "tables": tables, "phrases": labels.phrases(language)})

    def get_rights(self, request: Request) -> JSONResponse:
        """What the actor may do with each table: the script hides the rest, the validators refuse it."""
        actor = access.acting(request)
        return JSONResponse({listed.name: listed.rights.granted(actor) | {"fields": listed.fields} for listed in self._seen(request)})


def _dressed(template: str) -> str:
    """The page of the admin with our script before its own, and our style after it."""
    return (
        template.replace("<title>Piccolo Admin</title>", '<title>Staff admin</title><link rel="icon" href="data:,"><script src="./static/admin.js"></script>')
        .replace("</head>", '<link rel="stylesheet" href="./static/admin.css"></head>')
    )  # fmt: skip


def router() -> StaffAdmin:
    """The admin under the settings of this process."""
    chosen = settings.current()
    saying.explain()
    return StaffAdmin(
        TABLES,
        FORMS,
        auth_table=access.Account,
        session_table=StaffSession,
        rate_limit_provider=InMemoryLimitProvider(limit=_MOST_SIGN_INS, timespan=_BLOCKED_SECONDS, block_duration=_BLOCKED_SECONDS),
        production=chosen.in_production,
        allowed_hosts=[urlsplit(chosen.public_url).hostname or ""],
        site_name=chosen.provider_name,
        translations=[_dutch(), ENGLISH],
    )


def _dutch() -> Translation:
    words = {said: catalogue.text(said, "nl") for said in ENGLISH.translations}
    return Translation(language_name="Nederlands", language_code="nl", translations=words)


def mount() -> ASGIRouteHandler:
    """The handler of everything under /admin but the pages of ours; /admin itself leads to /admin/, for its addresses are relative."""
    staff_admin = router()

    @asgi("/admin", is_mount=True, copy_scope=True)
    async def generated(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["raw_path"].partition(b"?")[0] == b"/admin":
            await RedirectResponse("/admin/", 308)(scope, receive, send)  # type: ignore[arg-type]  # Litestar and Starlette each type ASGI themselves
            return
        client = scope.get("client")
        token = access.caller.set(identity.rate_address(client[0]) if client else "")
        try:
            await staff_admin(scope, receive, send)  # type: ignore[arg-type]
        finally:
            access.caller.reset(token)

    return generated
