"""Where an address leads that only takes forms: people reload the page that a form came back to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar.routes import HTTPRoute

if TYPE_CHECKING:
    from litestar import Litestar

ROOT = "/portal"


def page_above(app: Litestar, path: str) -> str:
    """The nearest page that stands above `path` behind the sign-in; nothing for paths outside."""
    if not path.startswith(f"{ROOT}/"):
        return ""
    shapes = [route.path_components for route in app.routes if isinstance(route, HTTPRoute) and "GET" in route.methods]
    parts = path.strip("/").split("/")
    above = (parts[:length] for length in range(len(parts) - 1, 0, -1))
    return next(("/" + "/".join(place) for place in above if any(_fits(shape, place) for shape in shapes)), ROOT)


def _fits(shape: list[Any], place: list[str]) -> bool:
    return len(shape) == len(place) and all(
        not isinstance(wanted, str) or wanted == part for wanted, part in zip(shape, place, strict=True)
    )
