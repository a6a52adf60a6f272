"""What Prometheus counts: requests by route, never by address or person.

The numbers are kept in plain lists and told when asked: prometheus-client's own counters take a lock for each of five numbers of every request.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate

from litestar import Response, get
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

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


@get("/metrics", include_in_schema=False, sync_to_thread=False)
def metrics() -> Response[bytes]:
    """Everything counted in this process."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
