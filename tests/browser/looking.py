"""What a page is held to, whatever it shows: accessible, within its width, in order, and walkable by keyboard."""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from partner_portal.web import assets

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice")

RUN_AXE = """async (tags) => {
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
  const found = await axe.run(document, {
    runOnly: {type: "tag", values: tags}, rules: {"target-size": {enabled: true}}, resultTypes: ["violations"], elementRef: false, preload: false,
  });
  return found.violations.flatMap((rule) => rule.nodes.map((node) => ({
    rule: rule.id, impact: node.impact, where: node.target.join(" "), html: node.html.slice(0, 160), why: node.failureSummary,
  })));
}"""

_ORDER = """() => {
  const seen = (one) => one.checkVisibility({checkVisibilityCSS: true});
  const all = (what) => [...document.querySelectorAll(what)];
  return {
    language: document.documentElement.lang,
    title: document.title,
    headings: all("h1, h2, h3, h4, h5, h6").filter(seen).map((one) => [Number(one.tagName[1]), one.textContent.trim().slice(0, 60)]),
    mains: all("main").length,
    twins: [...new Set(all("[id]").map((one) => one.id).filter((id, at, ids) => ids.indexOf(id) !== at))],
    icons: [...new Set(all("use[href]").map((one) => one.getAttribute("href").split("#")[1]))],
    lost: all("a[href^='#']").map((one) => one.getAttribute("href").slice(1)).filter((id) => id && !document.getElementById(id)),
    targets: all("[popovertarget]").map((one) => one.getAttribute("popovertarget")).filter((id) => !document.getElementById(id)),
  };
}"""

_TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const scrolls = (one) => one && one !== document.body && (getComputedStyle(one).overflowX !== "visible" || scrolls(one.parentElement));
  const out = [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > width + 1 && !scrolls(one.parentElement));
  return [`the page is ${document.documentElement.scrollWidth} wide`, ...out.slice(-3).map((one) => one.outerHTML.slice(0, 140))];
}"""

_FOCUSED = """() => {
  let one = document.activeElement;
  if (!one || one === document.body) return null;
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  const named = one.getAttribute("aria-label") || one.labels?.[0]?.textContent || one.textContent || one.getAttribute("name") || one.id || "";
  return {
    name: `${one.tagName.toLowerCase()} ${named.trim().replace(/\\s+/g, " ").slice(0, 60)}`.trim(),
    marked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
    seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}"""


@cache
def _axe() -> str:
    return AXE.read_text()


async def axe(page: Page, *tags: str) -> list[str]:
    """What axe-core finds wrong with the page, every explanation unfolded, by WCAG 2.2 A and AA and its best practices: a readable line each.

    The script comes in by the browser's own debugger, which asks no Content-Security-Policy.
    """
    await page.evaluate(_axe())
    found: list[dict[str, Any]] = await page.evaluate(RUN_AXE, list(tags or TAGS))
    return [f"{one['rule']} ({one['impact']}) at {one['where']}: {one['html']}\n    {_in_one_line(one['why'])}" for one in found]


def _in_one_line(text: str | None) -> str:
    return "; ".join(line.strip() for line in (text or "").splitlines() if line.strip())


async def order(page: Page, language: str) -> list[str]:
    """What is out of order in the page: its language, title, headings, landmarks, ids and icons."""
    seen: dict[str, Any] = await page.evaluate(_ORDER)
    levels = [level for level, _ in seen["headings"]]
    wrong = [f"the page says it is in {seen['language']!r}"] if seen["language"] != language else []
    wrong += ["no title"] if not seen["title"].strip() else []
    wrong += [f"headings: {seen['headings']}"] if levels.count(1) != 1 or levels[:1] != [1] or _leaps(levels) else []
    wrong += [f"{seen['mains']} main parts"] if seen["mains"] != 1 else []
    wrong += [f"{what}: {seen[name]}" for name, what in _FOUND.items() if seen[name]]
    unknown = set(seen["icons"]) - set(assets.ICONS.read_text().split())
    return wrong + ([f"icons not in the sprite: {sorted(unknown)}"] if unknown else [])


_FOUND = {
    "twins": "ids that stand twice",
    "lost": "links into the page that lead nowhere",
    "targets": "buttons that open nothing",
}


def _leaps(levels: list[int]) -> bool:
    return any(after > before + 1 for before, after in itertools.pairwise(levels))


async def too_wide(page: Page) -> list[str]:
    """What sticks out of the window sideways; nothing when the page fits."""
    found: list[str] = await page.evaluate(_TOO_WIDE)
    return found


async def walk(page: Page, *, most: int = 200) -> list[str]:
    """Tab from the top of the page to its end: what had the focus, in order. Fails where the focus cannot be seen, or comes no further."""
    passed: list[str] = []
    for _ in range(most):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(_FOCUSED)
        if focused is None:
            return passed
        assert focused["marked"], f"nobody sees that the focus is on {focused['name']!r}"
        assert focused["seen"], f"{focused['name']!r} has the focus out of sight"
        passed.append(focused["name"])
        assert passed[-4:] != [passed[-1]] * 4, f"the focus is caught at {focused['name']!r}"
    raise AssertionError(f"after {most} steps the page does not end: {passed[-10:]}")


async def tab_to(page: Page, name: str, *, most: int = 200) -> None:
    """Tab until something whose label begins with `name` has the focus."""
    for _ in range(most):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(_FOCUSED)
        if focused is not None and focused["name"].partition(" ")[2].startswith(name):
            return
    raise AssertionError(f"{name!r} is not reached by keyboard")
