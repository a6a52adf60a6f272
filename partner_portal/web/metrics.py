"""What Prometheus counts: requests by route, never by address or person; and what waits, as the database has it when asked.

The numbers are kept in plain lists and told when asked: prometheus-client's own counters take a lock for each of five numbers of every request.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import accumulate

import structlog
from litestar import Response, get
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from partner_portal.infra import db

_log = structlog.get_logger("web")
_BOUNDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_answers: defaultdict[tuple[str, str, int], int] = defaultdict(int)
_seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
_within: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * (len(_BOUNDS) + 1))


def plain(method: str) -> str:
    """The method, or "other" for one that somebody made up."""
    return method if method in _METHODS else "other"


def count(method: str, route: str, status: int, seconds: float) -> None:
    """One more request of this route; `route` is the template, so that the number of series stays bounded."""
    _answers[method, route, status] += 1
    _seconds[method, route] += seconds
    _within[method, route][bisect_left(_BOUNDS, seconds)] += 1


class _Requests(Collector):
    def collect(self) -> Iterator[CounterMetricFamily | HistogramMetricFamily]:
        answers = CounterMetricFamily("portal_requests", "Requests answered.", labels=("method", "route", "status"))
        for (method, route, status), number in _answers.items():
            answers.add_metric((method, route, str(status)), number)
        yield answers
        times = HistogramMetricFamily("portal_request_seconds", "Time to answer.", labels=("method", "route"))
        for labels, numbers in _within.items():
            buckets = zip((*map(str, _BOUNDS), "+Inf"), accumulate(numbers), strict=True)
            times.add_metric(labels, list(buckets), _seconds[labels])
        yield times


REGISTRY.register(_Requests())


Ask = Callable[[], Awaitable[Mapping[str, int]]]
_watched: dict[str, tuple[str, Ask]] = {}


def watch(name: str, meaning: str, ask: Ask) -> None:
    """`name` tells from now on what `ask` counts, by state; asked through the staff door whenever somebody looks, so it must be quick."""
    _watched[name] = (meaning, ask)


@get("/metrics", include_in_schema=False)
async def metrics() -> Response[bytes]:
    """Everything counted in this process, and what the database counts; the latter is left out where the database does not answer."""
    return Response(generate_latest(REGISTRY) + generate_latest(await _asked()), media_type=CONTENT_TYPE_LATEST)


async def _asked() -> CollectorRegistry:
    told = CollectorRegistry()
    try:
        async with db.apart(db.Principal(db.Door.STAFF, actor="system:metrics")):
            counted = {name: await ask() for name, (_meaning, ask) in _watched.items()}
    except Exception as error:  # noqa: BLE001  # whatever is wrong with the database, the requests are still told
        _log.warning("web.not_counted", error=type(error).__name__)
        return told
    for name, states in counted.items():
        gauge = Gauge(name, _watched[name][0], labelnames=("state",), registry=told)
        for state, number in states.items():
            gauge.labels(state).set(number)
    return told
