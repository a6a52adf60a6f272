"""What somebody in front of a page feels, by the browser's own account: when the largest thing stood, what moved, how long it did not listen.

Each page is opened by a browser that has never been here, on a phone of the middle class as Lighthouse imagines it: 1.6 Mbit/s, 150 ms away, a quarter
of this machine's speed.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from statistics import median
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from playwright.async_api import Browser, ViewportSize

PHONE: ViewportSize = {"width": 412, "height": 823}
_TELEPHONE = {"offline": False, "latency": 150, "downloadThroughput": 1_638_400 / 8, "uploadThroughput": 768_000 / 8}
"""Milliseconds, and bytes a second."""
_SLOWER = 4
_SETTLED_MS = 400
WATCH = """
window.seen = {lcp: 0, cls: 0, tbt: 0, moved: []};
const at = (box) => `${Math.round(box.x)},${Math.round(box.y)} (${Math.round(box.width)} wide)`;
const named = (node) => {
  const part = node?.nodeType === Node.TEXT_NODE ? node.parentElement : node;
  return part ? [part.localName, part.id && "#" + part.id, ...[...part.classList].map((one) => "." + one)].join("") : "?";
};
new PerformanceObserver((list) => list.getEntries().forEach((one) => { seen.lcp = one.startTime; }))
  .observe({type: "largest-contentful-paint", buffered: true});
new PerformanceObserver((list) => list.getEntries().filter((one) => !one.hadRecentInput).forEach((one) => {
  seen.cls += one.value;
  seen.moved.push(...one.sources.map((part) => `${named(part.node)} from ${at(part.previousRect)} to ${at(part.currentRect)}`));
}))
  .observe({type: "layout-shift", buffered: true});
new PerformanceObserver((list) => list.getEntries().forEach((one) => { seen.tbt += Math.max(0, one.duration - 50); }))
  .observe({type: "longtask", buffered: true});
"""


class Vitals(msgspec.Struct, frozen=True):
    """Of one page: largest contentful paint and total blocking time in milliseconds, the cumulative layout shift, and what moved from where to where."""

    lcp_ms: float
    cls: float
    tbt_ms: float
    moved: tuple[str, ...] = ()


@asynccontextmanager
async def browser() -> AsyncIterator[Browser | None]:
    """A headless browser inside the block; None where Playwright or its browser is not installed."""
    try:
        from playwright.async_api import Error, async_playwright  # noqa: PLC0415  # for developers only
    except ImportError:
        yield None
        return
    async with async_playwright() as playwright:
        try:
            running = await playwright.chromium.launch(
                executable_path=shutil.which("chromium"), chromium_sandbox=False, args=["--disable-dev-shm-usage"]
            )
        except Error:
            yield None
            return
        yield running
        await running.close()


async def felt(running: Browser, address: str, cookie: Mapping[str, str], *, times: int) -> Vitals:
    """The page as a first visitor gets it: the median of some visits, but the worst of what moved."""
    visits = [await _visit(running, address, cookie) for _ in range(times)]
    return Vitals(
        lcp_ms=round(median(one.lcp_ms for one in visits)),
        cls=round(max(one.cls for one in visits), 3),
        tbt_ms=round(median(one.tbt_ms for one in visits)),
        moved=tuple(part for one in visits for part in one.moved),
    )


async def _visit(running: Browser, address: str, cookie: Mapping[str, str]) -> Vitals:
    context = await running.new_context(viewport=PHONE, locale="nl-NL")
    try:
        if cookie:
            await context.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": address}])
        await context.add_init_script(WATCH)
        page = await context.new_page()
        line = await context.new_cdp_session(page)
        await line.send("Network.enable")
        await line.send("Network.emulateNetworkConditions", _TELEPHONE)
        await line.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWER})
        await page.goto(address, wait_until="load")
        await page.wait_for_timeout(_SETTLED_MS)
        seen: dict[str, Any] = await page.evaluate("window.seen")
        return Vitals(seen["lcp"], seen["cls"], seen["tbt"], tuple(seen["moved"]))
    finally:
        await context.close()
