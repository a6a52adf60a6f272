"""Pages keep what browsers are told of them: no inline style or script, no other host, and none is forgotten where all are looked at."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from partner_portal.bench.surfaces import SURFACES
from partner_portal.infra import templates
from partner_portal.web import assets
from tests.architecture import sources
from tests.attack import routes

NO_PAGES = ("/api/", "/admin/api/", "/admin/static", "/schema", "/static/", "/brand/", "/problems", "/healthz", "/readyz", "/metrics")
"""What answers with something else than a page."""
FILES = (".csv", ".xlsx", ".pdf", ".ics")

EXCUSED = {
    "/portal/drafts/{}": "leads on to the first open question",
    "/calendar/{}": "answers with a calendar's file",
    "/admin/invoices/{}": "answers with the document as it was sent",
}
"""Routes among the pages that answer with something else, each with its reason."""

NOT_SHOWN_BY_US = ("/templates/mail", "/templates/pdf/", "/mailcatcher/", "infra/templates/letter.html")
"""Mails and letters are written for mailboxes and paper, with their styles inside; the mail catcher is no part of the portal in production."""


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path.partition("?")[0])


def _fits(surface: str, route: str) -> bool:
    """Whether a page of the table stands at this route: named things and literal words alike fill its parameters."""
    pattern = re.escape(route).replace(re.escape("{}"), "[^/]+")
    return re.fullmatch(pattern, _shape(surface)) is not None


def page_routes() -> set[str]:
    shapes = {_shape(route.path) for route in routes.all_routes() if "GET" in route.methods and not route.path.startswith(NO_PAGES)}
    return {shape for shape in shapes if shape not in EXCUSED and not shape.endswith(FILES)}


def test_every_page_is_in_the_table_of_pages_that_are_looked_at() -> None:
    forgotten = [route for route in page_routes() if not any(_fits(surface.path, route) for surface in SURFACES)]

    assert sorted(forgotten) == [], "add a line to partner_portal/bench/surfaces.py, or a reason to EXCUSED"


def test_the_table_names_no_page_that_is_gone() -> None:
    known = page_routes()
    gone = [surface.path for surface in SURFACES if surface.status != 404 and not any(_fits(surface.path, route) for route in known)]

    assert gone == []
    assert len({surface.name for surface in SURFACES}) == len({surface.slug for surface in SURFACES}) == len(SURFACES)


def test_excuses_are_for_routes_that_exist() -> None:
    assert set(EXCUSED) <= {_shape(route.path) for route in routes.all_routes()}


def page_templates() -> list[Path]:
    found = [
        file
        for package in sources.PACKAGES
        for file in (sources.ROOT / package).rglob("templates/**/*")
        if file.suffix in (".html", ".jinja")
    ]
    return [file for file in found if not any(part in file.as_posix() for part in NOT_SHOWN_BY_US)]


INLINE = {
    "style attribute": re.compile(r"<[^>{]*\sstyle\s*=", re.IGNORECASE),
    "style element": re.compile(r"<style\b", re.IGNORECASE),
    "event attribute": re.compile(r"<[a-z][^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "inline script": re.compile(r"<script\b(?![^>]*\ssrc=)", re.IGNORECASE),
    "javascript address": re.compile(r"(href|src|action)\s*=\s*[\"']?\s*javascript:", re.IGNORECASE),
    "htmx that evaluates": re.compile(r"\bhx-on\b|\bhx-vals\s*=\s*[\"']js:|\bhx-trigger\s*=\s*[\"'][^\"']*\[", re.IGNORECASE),
    "another host": re.compile(
        r"<(link|script|img|iframe|source|use|form|video|audio|object|embed)\b[^>]*(https?:)?//[a-z0-9]", re.IGNORECASE
    ),
}


def test_no_page_holds_what_the_browser_is_told_to_refuse() -> None:
    found = [
        f"{sources.name(file)}: {what}: {match[0][:80]}"
        for file in page_templates()
        for what, pattern in INLINE.items()
        for match in pattern.finditer(re.sub(r"\{#.*?#\}", "", file.read_text(), flags=re.DOTALL))
    ]

    assert len(page_templates()) > 10
    assert found == []


class _Said(HTMLParser):
    """What a template says to people by itself: its text, and the attributes that are read out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._code = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._code += tag in CODE
        self.found += [value for name, value in attributes if name in ("alt", "title", "placeholder", "aria-label") and value]

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in CODE

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.found.append(" ".join(data.split()))


CODE = ("script", "style", "code", "kbd", "pre")
WORDS = re.compile(r"[A-Z][a-z]{2,}|[a-z]{2,} [a-z]{2,} [a-z]{2,}")
NO_WORDS = {"Authorization", "Bearer"}
"""Words of protocols, the same in every language."""


def test_no_template_says_anything_that_is_not_in_the_catalogues() -> None:
    found = []
    for file in page_templates():
        tokens = templates.environment().lex(file.read_text())
        reader = _Said()
        reader.feed("".join(value if kind == "data" else "" for _, kind, value in tokens))
        found += [f"{sources.name(file)}: {said}" for said in reader.found if set(WORDS.findall(said)) - NO_WORDS]

    assert found == []


def test_style_sheets_and_scripts_of_ours_name_no_other_host() -> None:
    ours = [file for file in (assets.HERE / "static").iterdir() if file.suffix in (".css", ".js")]
    found = [
        f"{file.name}: {match[0]}"
        for file in ours
        for match in re.finditer(r"@import\b|url\(\s*[\"']?(https?:)?//|\bhttps?://(?!www\.w3\.org)", file.read_text())
    ]

    assert len(ours) >= 2
    assert found == []


def test_scripts_of_ours_write_no_markup_and_evaluate_nothing() -> None:
    hazards = re.compile(r"\b(eval|innerHTML|outerHTML|insertAdjacentHTML|document\.write|new Function|setTimeout\(\s*[\"'])")
    found = [f"{file.name}: {match[0]}" for file in (assets.HERE / "static").glob("*.js") for match in hazards.finditer(file.read_text())]

    assert found == []


def test_nothing_a_page_shows_is_marked_safe_but_what_we_drew() -> None:
    """`|safe` passes whatever it is given; what may stand unescaped comes as Markup from code of ours."""
    found = [sources.name(file) for file in page_templates() if re.search(r"\|\s*safe\b|autoescape\s+false", file.read_text())]

    assert found == []


def test_icons_are_listed_once_and_in_order() -> None:
    names = assets.ICONS.read_text().split()

    assert names == sorted(set(names))


def test_every_icon_named_in_a_template_is_in_the_sprite() -> None:
    known = set(assets.ICONS.read_text().split())
    named = {name for file in page_templates() for name in re.findall(r"\bicon\(\"([a-z0-9-]+)\"\)", file.read_text())}

    assert named
    assert named <= known, "add it to partner_portal/web/icons.txt"
