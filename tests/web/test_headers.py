"""What browsers are told to refuse: everything that our own pages do not need."""

from __future__ import annotations

import httpx
import pytest

from partner_portal.web import headers


def policy(answer: httpx.Response) -> dict[str, list[str]]:
    parts = [part.split() for part in answer.headers["content-security-policy"].split(";")]
    return {part[0]: part[1:] for part in parts if part}


@pytest.mark.parametrize("address", ["/hello", "/nowhere", "/static/portal.css", "/brand/1f4e79.css", "/healthz"])
async def test_our_pages_run_and_load_only_what_is_ours(stranger: httpx.AsyncClient, address: str) -> None:
    told = policy(await stranger.get(address, headers={"accept": "text/html"}))

    assert told["default-src"] == ["'none'"]
    assert told["script-src"] == told["style-src"] == told["font-src"] == told["connect-src"] == told["form-action"] == ["'self'"]
    assert told["frame-ancestors"] == told["base-uri"] == ["'none'"]
    everything = {source for sources in told.values() for source in sources}
    assert everything <= {"'none'", "'self'", "data:"}, "nothing inline, nothing evaluated, no other host"
    assert "data:" not in told["script-src"] + told["style-src"]


async def test_the_admin_alone_styles_inline(stranger: httpx.AsyncClient) -> None:
    told = policy(await stranger.get("/admin/nothing"))

    assert "'unsafe-inline'" in told["style-src"]
    assert "'unsafe-inline'" not in told["script-src"]
    assert "'unsafe-eval'" not in told["script-src"]


async def test_nobody_frames_sniffs_or_hears_where_our_readers_come_from(stranger: httpx.AsyncClient) -> None:
    told = (await stranger.get("/nowhere", headers={"accept": "text/html"})).headers

    assert told["x-frame-options"] == "DENY"
    assert told["x-content-type-options"] == "nosniff"
    assert told["referrer-policy"] == "same-origin"
    assert told["cross-origin-opener-policy"] == told["cross-origin-resource-policy"] == "same-origin"
    assert told["cache-control"] == "private, no-cache"
    assert "camera=()" in told["permissions-policy"]
    assert "server" not in told


def test_tls_is_demanded_in_production_only() -> None:
    names = [{name for name, _ in headers.security(production=production).ours} for production in (True, False)]

    assert names[0] - names[1] == {b"strict-transport-security"}


def test_what_an_answer_says_itself_stays() -> None:
    given = [(b"cache-control", b"public, max-age=60"), (b"content-type", b"text/css")]
    told = headers.completed(given, headers.security(production=False).ours)

    assert [value for name, value in told if name == b"cache-control"] == [b"public, max-age=60"]
    assert len({name for name, _ in told}) == len(told)


def test_a_redirect_for_htmx_keeps_all_but_its_name() -> None:
    message = {"type": "http.response.start", "status": 303, "headers": [(b"location", b"/portal"), (b"set-cookie", b"said=x")]}

    assert headers.followed_by_htmx(message) == {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"hx-redirect", b"/portal"), (b"set-cookie", b"said=x")],
    }
