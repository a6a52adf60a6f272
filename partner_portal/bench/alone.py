"""WeasyPrint and nothing else, for a PDF process to run: imports as little as the portal's own part there."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from partner_portal.infra.press import ASSETS

if TYPE_CHECKING:
    from weasyprint import CSS
    from weasyprint.text.fonts import FontConfiguration

_kept: list[tuple[CSS, FontConfiguration]] = []


def draw(page: str) -> float:
    """Milliseconds to draw the page as the same kind of PDF, with the style sheet and the fonts read before."""
    from weasyprint import CSS, HTML  # noqa: PLC0415  # only where it is used: it is large
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415

    if not _kept:
        new: Any = FontConfiguration()
        _kept.append((CSS(ASSETS / "pdf.css", font_config=new), new))
    style, fonts = _kept[0]
    begun = perf_counter()
    HTML(string=page, base_url=f"{ASSETS.as_uri()}/").write_pdf(stylesheets=[style], font_config=fonts, pdf_variant="pdf/a-3a")
    return (perf_counter() - begun) * 1000
