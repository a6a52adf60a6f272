"""What is said of pages is measured on them: times, statements, weights, and what a browser felt."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from partner_portal.bench.pages import Measured, as_json, surfaces
from partner_portal.bench.pressing import pressed
from partner_portal.bench.surfaces import SURFACES, Reader, Surface
from partner_portal.console.bench import bench

ROOT = Path(__file__).parents[2]
CHOSEN = ("today", "customers", "own services", "customer's answer: waiting")
SMALL = f"""
import asyncio
from partner_portal.bench import pages
from partner_portal.bench.world import Size
looked_at = [surface for surface in pages.surfaces() if surface.name in {CHOSEN!r}]
plan = pages.PagePlan(size=Size(10, 1_000), rounds=2, each=2, visits=1)
print(pages.as_json(asyncio.run(pages.run(plan, lambda said: None, looked_at))))
"""


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_pages_are_measured_for_everybody_who_reads_them() -> None:
    run = subprocess.run([sys.executable, "-c", SMALL], cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)

    assert run.returncode == 0, run.stderr
    found = {one["name"]: one for one in json.loads(run.stdout)}
    assert set(found) == set(CHOSEN)
    for page in found.values():
        assert 0 < page["p50_ms"] <= page["p95_ms"]
        assert 0 < page["floor_p50_ms"] <= page["floor_p95_ms"]
        assert 0 < page["page_bytes"] < page["first_visit_bytes"]
        assert page["lcp_ms"] > 0
        assert page["cls"] is not None
        assert page["empty_statements"] == 1, "the frame asks for the partner's face, no more"
    assert found["today"]["statements"] > found["today"]["empty_statements"]


def measured(**changes: object) -> Measured:
    good = {
        "name": "a", "path": "/portal", "reader": "owner", "p50_ms": 9.0, "p95_ms": 20.0, "floor_p50_ms": 5.0, "floor_p95_ms": 6.0,
        "statements": 12, "most_statements": 12,
        "empty_statements": 1, "page_bytes": 5_000, "first_visit_bytes": 149_999, "lcp_ms": 900.0, "cls": 0.0, "tbt_ms": 0.0,
    }  # fmt: skip
    return msgspec.convert({**good, **changes}, Measured)


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({}, []),
        ({"p95_ms": 50.0}, ["p95"]),
        ({"statements": 13}, ["statements"]),
        ({"first_visit_bytes": 150_000}, ["weight"]),
        ({"cls": 0.01}, ["shift"]),
        ({"lcp_ms": None, "cls": None, "tbt_ms": None}, []),
    ],
)
def test_a_promise_that_is_not_kept_is_named(changes: dict[str, object], missed: list[str]) -> None:
    page = measured(**changes)

    assert page.missed == missed
    assert json.loads(as_json([page]))[0]["missed"] == missed


def test_some_pages_can_be_asked_for_by_words_of_their_names() -> None:
    assert {surface.name for surface in surfaces(["Customers, ", "today"])} == {"customers, found", "customers, none found", "today"}
    assert surfaces(["no such page"]) == []
    assert len(surfaces()) > 80


@pytest.mark.parametrize(
    ("words", "said"), [(["--pages", "--only", "xyzzy"], "No page is called like xyzzy."), (["--only", "today"], "--only is for --pages.")]
)
def test_what_cannot_be_measured_is_said_before_anything_is_loaded(words: list[str], said: str) -> None:
    told = CliRunner().invoke(bench, words)

    assert told.exit_code == 2
    assert said in told.output


def test_an_address_is_made_of_what_is_there() -> None:
    surface = Surface("a page", "/portal/customers/{customer}/contacts/{contact}?q=x", Reader.CLERK)

    assert surface.things == {"customer", "contact"}
    assert surface.address({"customer": 1, "contact": "b"}) == "/portal/customers/1/contacts/b?q=x"
    assert all(surface.slug.replace("-", "").isalnum() for surface in SURFACES)


def test_a_form_is_pressed_as_a_browser_would() -> None:
    page = """<form method="post" action="/elsewhere"><input name="outside" value="1"></form><main>
        <form method="get" action="/find"><input name="q" value="x"></form>
        <form method="post" action="/next"><input type="hidden" name="version" value="3">
        <input type="radio" name="when" value="free"><input type="radio" name="when" value="day" checked>
        <input type="radio" name="who" value="first"><input type="radio" name="who" value="second">
        <input type="checkbox" name="sure" value="yes"><input type="checkbox" name="told" value="yes" checked>
        <select name="reason"><option value="">-</option><option value="price" selected>Price</option></select>
        <textarea name="note">a &amp; b</textarea><button name="step" value="send">Send</button></form>
        <form method="post"><input name="other" value="1"></form></main>"""

    assert pressed(page) == (
        "/next",
        {"version": "3", "when": "day", "who": "first", "told": "yes", "reason": "price", "note": "a & b"},
    )
