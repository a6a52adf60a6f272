"""Pauses of services, as JSON."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from partner_portal.web import auth
from partner_portal.web.openapi import documented
from partner_portal.web.requests import ONLY_READS, from_members
from tenants.policy import Scope

from ..service import pauses, services
from ..service.pauses import PauseUnderWay, PauseWanted

_WRITES = [auth.requires(Role.OWNER, Role.CLERK, Scope.CUSTOMERS)]


class PauseOut(msgspec.Struct, frozen=True, kw_only=True):
    """Days that are not billed; `resumes_on` is the first that is again. `extends_term`: the minimum term ends so many days later."""

    id: UUID
    pauses_from: date
    resumes_on: date
    extends_term: bool
    reason: str

    @classmethod
    def of(cls, row: Any) -> PauseOut:
        """The pause as the database has it."""
        return cls(**{name: row[name] for name in cls.__struct_fields__})


@get("/services/{service_id:uuid}/pauses", opt={ONLY_READS: True})
async def list_pauses(service_id: FromPath[UUID]) -> list[PauseOut]:
    """The service's pauses, those to come included, in order of their days."""
    await services.by_id([service_id])
    return [PauseOut.of(row) for row in await pauses.of_service(service_id)]


@post("/services/{service_id:uuid}/pauses", guards=_WRITES)
async def pause_service(actor: auth.Acting, service_id: FromPath[UUID], data: JSONBody[PauseWanted]) -> list[PauseOut]:
    """The service costs nothing on these days, which its offer allows; answers with all its pauses."""
    await pauses.pause(actor, service_id, data)
    return [PauseOut.of(row) for row in await pauses.of_service(service_id)]


@post("/pauses/{pause_id:uuid}/withdrawal", guards=_WRITES, status_code=204)
async def withdraw_pause(actor: auth.Acting, pause_id: FromPath[UUID]) -> None:
    """The service is billed on as if no pause had been agreed; only before the pause begins."""
    await pauses.take_back(actor, pause_id)


router = Router(
    "/",
    route_handlers=documented([list_pauses, pause_service, withdraw_pause], NotFound, Invalid, NotAllowed, PauseUnderWay),
    before_request=from_members,
    tags=["services"],
)
