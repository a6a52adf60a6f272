"""What a page is held to, whatever it shows: accessible, within its width, in order, and walkable by keyboard."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice")

_RUN = """async (tags) => {
  const found = await axe.run(document, {
    runOnly: {type: "tag", values: tags}, rules: {"target-size": {enabled: true}}, resultTypes: ["violations"], elementRef: false,
  });
  return found.violations.flatMap((rule) => rule.nodes.map((node) => ({
    rule: rule.id, impact: node.impact, where: node.target.join(" "), html: node.html.slice(0, 160), why: node.failureSummary,
  })));
}"""


@cache
def _axe() -> str:
    return AXE.read_text()


async def axe(page: Page, *tags: str) -> list[str]:
    """What axe-core finds wrong with the page as it stands, by WCAG 2.2 A and AA and its best practices: a readable line each.

    The script comes in by the browser's own debugger, which asks no Content-Security-Policy.
    """
    await page.evaluate(_axe())
    found: list[dict[str, Any]] = await page.evaluate(_RUN, list(tags or TAGS))
    return [f"{one['rule']} ({one['impact']}) at {one['where']}: {one['html']}\n    {_in_one_line(one['why'])}" for one in found]


def _in_one_line(text: str | None) -> str:
    return "; ".join(line.strip() for line in (text or "").splitlines() if line.strip())
