"""Numbers in a browser as wide as a telephone: they stay in one piece, and the page never grows wider than the screen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from partner_portal.infra import templates
from tests.chromium import launched

CSS = Path(__file__).parents[2] / "partner_portal/web/static/portal.css"
WIDTH = 360
NUMBERS = ("NRD-T-00001", "NRD-F2026-000012", "HUIS-F2026-1000012")
_PLACES = """<h1>Bevestiging van opzegging {0}, die nog wacht op {0}</h1><p>Dit corrigeert {0} en {0}.</p>
<div class="table-scroll"><table><tr><th>{0}</th><td>EUR 1,00</td></tr></table></div>"""
_LINES = """() => [...document.querySelectorAll(".whole")].map(one => {
    const words = document.createRange();
    words.selectNodeContents(one);
    return new Set([...words.getClientRects()].map(rect => rect.top)).size;
})"""
_WIDTH = "document.documentElement.scrollWidth"


def shown(page: Page, number: str) -> None:
    page.set_content(f"<style>{CSS.read_text()}</style><main>{_PLACES.format(templates.whole(number))}</main>")


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_never_broken(number: str) -> None:
    with launched() as browser:
        page = browser.new_page(viewport={"width": WIDTH, "height": 640})
        shown(page, number)

        assert page.evaluate(_LINES) == [1] * 5
        assert page.evaluate(_WIDTH) == WIDTH


@pytest.mark.parametrize("number", ["K" * 24, "K-" * 20, "Klant van Jan-Willem, afdeling-noord-oost"])
def test_no_number_makes_the_page_wider(number: str) -> None:
    with launched() as browser:
        page = browser.new_page(viewport={"width": WIDTH, "height": 640})
        shown(page, number)

        assert page.evaluate(_WIDTH) == WIDTH


def test_what_people_chose_as_a_number_is_escaped_and_nothing_is_nothing() -> None:
    assert templates.whole("<b>&1") == '<span class="whole">&lt;b&gt;&amp;1</span>'
    assert (templates.whole(""), templates.whole(None)) == ("", "")
    assert re.sub("<[^>]+>", "", templates.whole(NUMBERS[0])) == NUMBERS[0], "it is copied and searched as it is"


def test_numbers_in_a_sentence_are_whole_and_the_rest_is_as_it_was() -> None:
    said = templates.whole_within("Factuur HUIS-F2026-000123 voor Jan-Willem & <b>, zaak NRD-T-00001.")

    assert said == (
        'Factuur <span class="whole">HUIS-F2026-000123</span> voor Jan-Willem &amp; &lt;b&gt;, zaak <span class="whole">NRD-T-00001</span>.'
    )
