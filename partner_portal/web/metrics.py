"""What Prometheus counts: requests by route, never by address or person."""

from __future__ import annotations

from litestar import Response, get
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Histogram, generate_latest

_REQUESTS = Counter("portal_requests", "Requests answered.", ("method", "route", "status"))
_SECONDS = Histogram(
    "portal_request_seconds", "Time to answer.", ("method", "route"), buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_counters: dict[tuple[str, str, int], Counter] = {}
_timers: dict[tuple[str, str], Histogram] = {}


def plain(method: str) -> str:
    """The method, or "other" for one that somebody made up."""
    return method if method in _METHODS else "other"


def count(method: str, route: str, status: int, seconds: float) -> None:
    """One more request of this route; `route` is the template, so that the number of series stays bounded."""
    counter = _counters.get((method, route, status))
    if counter is None:
        counter = _counters[method, route, status] = _REQUESTS.labels(method, route, str(status))
    counter.inc()
    timer = _timers.get((method, route))
    if timer is None:
        timer = _timers[method, route] = _SECONDS.labels(method, route)
    timer.observe(seconds)


@get("/metrics", include_in_schema=False, sync_to_thread=False)
def metrics() -> Response[bytes]:
    """Everything counted in this process."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
