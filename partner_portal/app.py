"""The portal as one ASGI application: every domain's routes behind the web shell."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from litestar import Litestar, Request, Response, Router, get

import admin.access
import admin.pages
import admin.site
import billing.api.routes
import billing.pages.routes
import knowledge_base.api
import tenants.api.contacts
import tenants.api.customers
import tenants.api.keys
import tenants.api.members
import tenants.api.session
import tenants.api.webhooks
import tenants.pages.routes
import terminations.api.routes
import terminations.pages.routes
from partner_portal import wiring, words
from partner_portal.furniture import Furniture
from partner_portal.infra import sessions, settings
from partner_portal.kernel.actor import Actor
from partner_portal.overview.pages import routes as overview_pages
from partner_portal.web import frame, openapi, pages, shell
from tenants.service import accounts, sign_in

TAGS = {
    "session": "Signing in and out.",
    "customers": "Customers, their contacts and addresses; API keys.",
    "members": "A partner's own people, for its owners.",
    "own organisation": "What a customer's contact sees and does for its own organisation.",
    "webhooks": "Where a partner's software is told what happens, and what was sent there.",
    "services": "What customers have, with the terms of each contract.",
    "orders": "What is on offer, what was ordered, and numbers on their way.",
    "invoices": "Invoices, credit notes and notes of damage, as they were issued and where they stand.",
    "open items": "What is still to be paid, by age and by debtor, and statements of account.",
    "payments": "Links with which customers pay.",
    "terminations": "Previews, quotes, cases and their steps.",
    "deadlines": "By which day notice must be given.",
    "knowledge base": "Questions and answers.",
    "confirmation": "The customer's page behind the link in a mail.",
}


class People:
    """Who is who, for the web shell."""

    async def person(self, session: sessions.Session) -> Actor | None:
        """The member or contact behind a session."""
        account = await accounts.now(session.who)
        return account.actor if account else None

    async def key(self, token: str) -> Actor | None:
        """The software behind an API key."""
        return await sign_in.with_key(token)

    async def staff(self, cookie: str) -> Actor | None:
        """The member of staff behind the admin's cookie."""
        return await admin.access.staff(cookie)


@get("/", include_in_schema=False)
async def landing(request: Request[Any, Any, Any]) -> Response[bytes]:
    """What this is, and where to go."""
    return await pages.page(request, "web/landing.html", brand=frame.house(), api_link="/schema/openapi.json", staff_link="/admin/")


@asynccontextmanager
async def _running(_app: Litestar) -> AsyncIterator[None]:
    async with wiring.running(settings.current()):
        # What was loaded lives as long as the process: the collector need not walk over it again and again while requests wait.
        gc.collect()
        gc.freeze()
        yield


words.explain()
frame.furnish(Furniture())

_api = Router(
    "/api/v1",
    route_handlers=[
        tenants.api.session.router,
        tenants.api.customers.router,
        tenants.api.contacts.router,
        tenants.api.contacts.own_router,
        tenants.api.members.router,
        tenants.api.keys.router,
        tenants.api.webhooks.router,
        *billing.api.routes.routers,
        *terminations.api.routes.routers,
        knowledge_base.api.router,
    ],
)

app = shell.application(
    [
        landing,
        _api,
        *tenants.pages.routes.routers,
        *billing.pages.routes.routers,
        *terminations.pages.routes.routers,
        *overview_pages.routers,
        *admin.pages.routers,
        admin.site.mount(),
    ],
    authenticator=People(),
    openapi=openapi.config(title="Partner portal", version=version("partner-portal"), tags=TAGS),
    lifespan=[_running],
)
