"""Which gateway this portal uses, and those it once used and still hears from."""

from __future__ import annotations

from datetime import timedelta

from partner_portal.infra import settings
from partner_portal.infra.settings import GatewayName
from partner_portal.kernel.errors import Refused

from .mollie import Mollie
from .port import Gateway
from .sandbox import Sandbox


class NotPayableOnline(Refused):
    """These documents are paid by transfer: their issuer takes no payments online."""


def current() -> Gateway | None:
    """The gateway for new payments; None where invoices are paid by transfer only."""
    name = settings.current().pays_online_by
    return None if name is GatewayName.NONE else named(name.value)


def named(name: str) -> Gateway:
    """The gateway of this name; NotPayableOnline where it is not set up here."""
    chosen = settings.current()
    if name == GatewayName.SANDBOX and chosen.pays_online_by is GatewayName.SANDBOX:
        return Sandbox()
    if name == GatewayName.MOLLIE and chosen.mollie_api_key:
        return Mollie(
            api_key=chosen.mollie_api_key,
            url=chosen.mollie_api_url,
            within=timedelta(seconds=chosen.gateway_seconds),
            token=chosen.mollie_access_token,
        )
    raise NotPayableOnline(gateway=name)
