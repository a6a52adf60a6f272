"""Every route of the portal, found in the application itself, so that a new one is walked without anybody remembering it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import Litestar
from litestar.routes import HTTPRoute


class Way(msgspec.Struct, frozen=True):
    """One method of one route, with what its path asks for."""

    method: str
    path: str
    parameters: dict[str, type]
    handler: Any

    @property
    def name(self) -> str:
        """How a test names it."""
        return f"{self.method} {self.path}"

    @property
    def body(self) -> Any:
        """The type of its body, or None."""
        wanted = self.handler.parsed_fn_signature.parameters.get("data")
        return wanted.annotation if wanted else None

    def filled(self, ids: dict[str, object]) -> str:
        """Its path with these values; a parameter that nobody knows fails the test that asks."""
        path = self.path
        for name, kind in self.parameters.items():
            if name not in ids:
                raise UnknownParameter(
                    f"{self.name}: the walk does not know what {name} ({kind.__name__}) is: give it an id of another tenant"
                )
            path = path.replace(f"{{{name}:{_KINDS[kind]}}}", str(ids[name]))
        assert "{" not in path, f"{path}: a kind of parameter that the walk does not know"
        return path


class UnknownParameter(AssertionError):
    """A route has a parameter for which the walk has no id."""


_KINDS = {UUID: "uuid", str: "str"}
NOT_OURS = ("/admin", "/schema", "/static", "/brand", "/problems", "/metrics", "/healthz", "/readyz")
"""The admin is staff's and has its own test; the others hold nothing of anybody."""


def all_routes() -> list[HTTPRoute]:
    """Every HTTP route."""
    from partner_portal.app import app  # noqa: PLC0415  # reads the settings

    inner = app.app
    assert isinstance(inner, Litestar)
    return [route for route in inner.routes if isinstance(route, HTTPRoute)]


def ways() -> list[Way]:
    """Every method of every route that could show or change something of a partner."""
    found = []
    for route in all_routes():
        if route.path.startswith(NOT_OURS):
            continue
        parameters = {parameter.name: parameter.type for parameter in route.path_components if not isinstance(parameter, str)}
        path = "/" + "/".join(part if isinstance(part, str) else f"{{{part.full}}}" for part in route.path_components)
        found += [
            Way(method, path, parameters, handler) for method, (handler, _model) in route.route_handler_map.items() if method != "OPTIONS"
        ]
    return sorted(found, key=lambda way: way.name)
