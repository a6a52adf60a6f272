"""When a webhook is tried again, and when its endpoint is given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants import workflow
from tenants.workflow import LONGEST_TOLD, WAITS, Outcome

NOW = datetime(2026, 11, 22, 11, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_tries_go_on_for_over_a_day_each_wait_at_least_as_long_as_the_one_before() -> None:
    waits = [workflow.next_wait(failed, None, 500) for failed in range(1, 8)]

    assert waits == [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR]
    assert sum(WAITS, timedelta()) > DAY
    assert workflow.next_wait(8, None, 500) is None


@pytest.mark.parametrize(("luck", "wait"), [(0, 4 * SECOND), (500, 5 * SECOND), (1000, 6 * SECOND)])
def test_what_failed_together_is_not_tried_together(luck: int, wait: timedelta) -> None:
    assert workflow.next_wait(1, None, luck) == wait


@pytest.mark.parametrize(
    ("told", "wait"), [(timedelta(), 5 * SECOND), (3 * SECOND, 5 * SECOND), (2 * MINUTE, 2 * MINUTE), (3 * DAY, LONGEST_TOLD)]
)
def test_a_receiver_may_ask_for_a_longer_pause_within_bounds(told: timedelta, wait: timedelta) -> None:
    assert workflow.next_wait(1, told, 500) == wait


@pytest.mark.parametrize(
    ("status", "header", "pause"),
    [
        (429, "120", 2 * MINUTE),
        (503, " 120 ", 2 * MINUTE),
        (503, "0", timedelta()),
        (503, "Sun, 22 Nov 2026 11:05:00 GMT", 5 * MINUTE),
        (503, "Sun, 22 Nov 2026 12:05:00 +0100", 5 * MINUTE),
        (503, "Sun, 22 Nov 2026 10:00:00 GMT", timedelta()),
        (503, "Mon, 22 Nov 2027 11:00:00 GMT", LONGEST_TOLD),
        (503, "99999999999999999999999999", LONGEST_TOLD),
        (503, "", None),
        (503, "soon", None),
        (503, "-5", None),
        (503, "1.5", None),
        (503, "٣", None),
        (500, "120", None),
        (200, "120", None),
    ],
)
def test_the_header_is_read_in_seconds_or_as_a_date(status: int, header: str, pause: timedelta | None) -> None:
    assert workflow.asked_pause(status, header, NOW) == pause


@given(st.text(max_size=60))
def test_no_header_breaks_the_reading(header: str) -> None:
    pause = workflow.asked_pause(503, header, NOW)

    assert pause is None or timedelta() <= pause <= LONGEST_TOLD


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_any_2xx_is_delivered(status: int) -> None:
    assert Outcome(status=status).delivered


@pytest.mark.parametrize("status", [101, 199, 300, 301, 302, 304, 307, 400, 401, 404, 410, 429, 500, 503, None])
def test_nothing_else_is(status: int | None) -> None:
    assert not Outcome(status=status).delivered


def test_only_410_says_that_nothing_is_wanted_any_more() -> None:
    assert [status for status in range(100, 600) if Outcome(status=status).gone] == [410]


def test_an_endpoint_that_does_not_answer_is_left_alone_for_a_while_and_never_for_long() -> None:
    assert workflow.rest(Outcome(why="too-slow"), 5 * SECOND) == 5 * SECOND
    assert workflow.rest(Outcome(why="no-connection"), 10 * HOUR) == 5 * MINUTE
    assert workflow.rest(Outcome(status=503), 10 * HOUR) == 5 * MINUTE
    assert workflow.rest(Outcome(status=429, retry_after=HOUR), 2 * HOUR) == HOUR


@pytest.mark.parametrize("status", [400, 401, 404, 500, 502])
def test_an_answer_about_one_webhook_says_nothing_about_the_next(status: int) -> None:
    assert workflow.rest(Outcome(status=status), 5 * SECOND) is None


@pytest.mark.parametrize(
    ("since", "failures", "hopeless"),
    [
        (5 * DAY, 8, True),
        (5 * DAY, 7, False),
        (5 * DAY - SECOND, 8, False),
        (30 * DAY, 1, False),
        (30 * DAY, 100, True),
    ],
)
def test_an_endpoint_is_given_up_after_days_and_a_whole_round_of_failures(since: timedelta, failures: int, *, hopeless: bool) -> None:
    assert workflow.is_hopeless(failing_since=NOW - since, failures=failures, now=NOW, days=5) is hopeless
