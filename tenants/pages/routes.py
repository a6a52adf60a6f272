"""Every router of this domain's pages, as the application mounts them."""

from __future__ import annotations

from . import account, contacts, members, sign_in

routers = [
    sign_in.router,
    account.router,
    members.router,
    contacts.router,
    contacts.own_router,
]
