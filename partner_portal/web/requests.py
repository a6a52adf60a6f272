"""How requests are read: JSON bodies strictly and with every fault named, and no query parameter that nobody knows."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from litestar import Request
from litestar.enums import RequestEncodingType
from litestar.handlers import BaseRouteHandler
from litestar.params import BodyKwarg
from litestar.routes import HTTPRoute

from partner_portal.infra import db
from partner_portal.kernel.actor import ActorKind
from partner_portal.kernel.errors import Invalid, NotAllowed

from . import auth, decoding, faults
from .problems import MalformedJson, UnsupportedMediaType

LARGEST_CSV = 8 * 1024 * 1024
"""Bytes of an import."""

_JSON = "application/json"
_known_names: WeakKeyDictionary[BaseRouteHandler, frozenset[str]] = WeakKeyDictionary()


class PortalRequest(Request[Any, Any, Any]):
    """Litestar's request, whose JSON arrives as the Struct that the handler's `data` is declared to be.

    Litestar itself would read "5" as a number, take the last of two equal names, and report the first wrong field only.
    """

    async def json(self) -> Any:
        """The body as the handler's `data`; UnsupportedMediaType, MalformedJson, or Invalid with every wrong field."""
        kind, options = self.content_type
        if kind != _JSON or options.get("charset", "utf-8").lower() != "utf-8":
            raise UnsupportedMediaType(expected=_JSON)
        wanted = self.route_handler.parsed_fn_signature.parameters.get("data")
        return decoding.decode(wanted.annotation if wanted else Any, await self.body())

    async def body(self) -> bytes:
        """The body; where the handler needs JSON and nothing was sent, MalformedJson, not a guess."""
        sent = await super().body()
        if not sent and self._needs_json():
            raise MalformedJson
        return sent

    def _needs_json(self) -> bool:
        wanted = self.route_handler.parsed_fn_signature.parameters.get("data")
        if wanted is None or wanted.has_default or wanted.is_optional:
            return False
        declared = wanted.kwarg_definition
        return not isinstance(declared, BodyKwarg) or declared.media_type == RequestEncodingType.JSON


async def csv_text(request: Request[Any, Any, Any]) -> str:
    """The CSV that was sent; UnsupportedMediaType for anything but text/csv in UTF-8."""
    kind, options = request.content_type
    if kind != "text/csv" or options.get("charset", "utf-8").lower() != "utf-8":
        raise UnsupportedMediaType(expected="text/csv")
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError as error:
        raise UnsupportedMediaType(expected="text/csv; charset=utf-8", position=error.start) from error
    if "\0" in text:
        raise UnsupportedMediaType(expected="text/csv")
    return text


ONLY_READS = "only_reads"
"""Set `opt={ONLY_READS: True}` on a handler that is asked often and changes nothing: the end of its transaction waits for the next one."""


async def from_members(request: Request[Any, Any, Any]) -> None:
    """For API routers, as `before_request`: only for members and their software, and no query parameter that nobody knows.

    Not a guard: Litestar copies the whole handler for each guard of each request, which costs as much as a round trip to the database.
    """
    if auth.acting(request.scope).kind is ActorKind.CONTACT:
        raise NotAllowed
    if ONLY_READS in request.route_handler.opt:
        db.current().only_reads()
    await known_parameters_only(request)


async def from_contacts(request: Request[Any, Any, Any]) -> None:
    """For API routers, as `before_request`: only for contacts of a customer, and no query parameter that nobody knows."""
    if auth.acting(request.scope).kind is not ActorKind.CONTACT:
        raise NotAllowed
    await known_parameters_only(request)


async def known_parameters_only(request: Request[Any, Any, Any]) -> None:
    """For API routers, as `before_request`: a query parameter that the handler does not know is a mistake of the sender, and is said, not ignored."""
    if not request.scope["query_string"]:
        return
    handler = request.route_handler
    known = _known_names.get(handler)
    if known is None:
        known = _known_names[handler] = _parameters(request, handler)
    unknown = [faults.unknown("", name, known) for name in dict.fromkeys(request.query_params) if name not in known]
    if unknown:
        raise Invalid(*unknown)


def _parameters(request: Request[Any, Any, Any], handler: BaseRouteHandler) -> frozenset[str]:
    models = (
        model
        for route in request.app.routes
        if isinstance(route, HTTPRoute)
        for one, model in route.route_handler_map.values()
        if one is handler
    )
    return frozenset(parameter.field_alias for model in models for parameter in model.expected_query_params)
