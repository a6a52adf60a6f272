"""Every router of this domain's pages, as the application mounts them."""

from __future__ import annotations

from litestar import Router
from litestar.handlers import HTTPRouteHandler

from . import account, brand, contacts, keys, members, password_again, sign_in, webhooks

routers: list[Router | HTTPRouteHandler] = [
    sign_in.router,
    password_again.router,
    account.preferences,
    account.router,
    members.router,
    contacts.router,
    contacts.own_router,
    brand.router,
    brand.logo,
    keys.router,
    webhooks.router,
]
