"""The requests that are measured, spread over the customers and services of one partner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .load import Order

if TYPE_CHECKING:
    from .ground import Loader, Member, World

SERVICE_KINDS = 3
_DIFFERENT = 10
PREVIEW = "/api/v1/terminations/preview"


def customer_list(_world: World, member: Member, _tenant: int) -> list[str]:
    """Fifty customers."""
    return [member.get("/api/v1/customers")]


def services(world: World, member: Member, tenant: int) -> list[str]:
    """The five services of a customer."""
    return [member.get(f"/api/v1/customers/{world.size.customer(tenant, nth)}/services") for nth in range(_DIFFERENT)]


def preview(world: World, member: Member, tenant: int) -> list[str]:
    """What ending a service costs, without the calendar."""
    return [member.post(PREVIEW, {"service_ids": [service], "calendar": "none"}) for service in _services(world, tenant)]


def preview_with_calendar(world: World, member: Member, tenant: int) -> list[str]:
    """The same with the 24-month calendar."""
    return [member.post(PREVIEW, {"service_ids": [service]}) for service in _services(world, tenant)]


def quote(world: World, member: Member, tenant: int) -> list[str]:
    """The same, kept as a quote."""
    return [member.post("/api/v1/quotes", {"service_ids": [service]}) for service in _services(world, tenant)]


def _services(world: World, tenant: int) -> list[str]:
    return [str(world.size.service(tenant, nth, kind)) for nth in range(_DIFFERENT) for kind in range(SERVICE_KINDS)]


def per_second(loader: Loader, port: int, requests: list[str], seconds: float) -> float:
    """How many of these requests are answered in a second."""
    result = loader.send(Order(port=port, requests=requests, seconds=seconds))
    return result.answers / result.seconds
