"""Templates fail loudly, escape what people wrote, and know their version."""

from __future__ import annotations

import re
from datetime import date

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from partner_portal.infra import templates
from partner_portal.kernel.money import Money
from tests import letters

FILES = sorted(name for name in templates.environment().list_templates() if name.startswith(("terminations/", "web/", "infra/")))


@pytest.mark.parametrize("name", [name for name in FILES if "/mail/" not in name or name.endswith("subject.txt")])
def test_a_template_says_at_its_top_which_words_it_takes(name: str) -> None:
    source, _file, _fresh = templates.environment().loader.get_source(templates.environment(), name)  # type: ignore[union-attr]
    assert source.startswith("{#")


def test_a_word_that_is_not_given_is_an_error() -> None:
    words = letters.words("nl", reason="")
    del words["valid_until"]
    with pytest.raises(UndefinedError, match="valid_until"):
        templates.render("terminations/mail/approval_requested/body.txt", language="nl", **words)


def test_what_people_wrote_is_never_markup_in_pages_and_is_left_alone_in_plain_text() -> None:
    nasty = "<script>alert(1)</script> & Zn."
    words = letters.words("nl", lines=[letters.line("nl", service=nasty)], reason=nasty)
    page = templates.render("terminations/mail/scheduled/body.html", language="nl", subject=nasty, logo=None, unsubscribe=None, **words)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Zn. stopt op" in page
    plain = templates.render("terminations/mail/scheduled/body.txt", language="nl", **words)
    assert f"{nasty} stopt op 15 december 2026" in plain


@pytest.mark.parametrize(
    ("amount", "has_buyout", "said"),
    [
        (Money(0), False, "Beëindigen kost u niets extra."),
        (Money(-4643), False, "U krijgt EUR 46,43 incl. btw terug."),
        (Money(5000), False, "U betaalt EUR 50,00 incl. btw."),
        (Money(5000), True, "U betaalt EUR 50,00 incl. btw. Daarin zit een afkoopsom, omdat het contract nog loopt."),
        (None, True, "Er geldt een afkoopsom, omdat het contract nog loopt; wat u daarvan betaalt, spreekt u af met Noord ICT."),
        (None, False, "Eventuele kosten van het beëindigen spreekt u af met Noord ICT."),
    ],
)
def test_the_consequence_is_told_whatever_it_costs(amount: Money | None, has_buyout: bool, said: str) -> None:  # noqa: FBT001
    words = letters.words("nl", amount=amount, has_buyout=has_buyout, reason="")
    assert said in templates.render("terminations/mail/approval_requested/body.txt", language="nl", **words)


def test_an_amount_never_breaks_over_two_lines_in_html_and_is_left_alone_in_plain_text() -> None:
    words = letters.words("nl", amount=Money(53645), reason="")
    page = templates.render(
        "terminations/mail/approval_requested/body.html", language="nl", subject="", logo=None, unsubscribe=None, **words
    )
    plain = templates.render("terminations/mail/approval_requested/body.txt", language="nl", **words)
    assert not re.search(r"EUR -?\d|\d %", page.partition("<body")[2])
    assert "EUR 536,45" in plain


def test_several_services_are_named_together_with_their_days() -> None:
    def subject(*lines: object) -> str:
        return templates.render("terminations/mail/approval_requested/subject.txt", language="nl", **letters.words("nl", lines=list(lines)))

    one, two, later = (
        letters.line("nl", **words) for words in ({}, {"service": "Bellen"}, {"service": "Mail", "ends_on": date(2027, 1, 31)})
    )
    assert subject(one, two) == "Glasvezel Zakelijk en Bellen stoppen op 15 december 2026: klopt dat? Antwoord uiterlijk 6 december 2026"
    assert (
        subject(one, later)
        == "Glasvezel Zakelijk en Mail stoppen tussen 15 december 2026 en 31 januari 2027: klopt dat? Antwoord uiterlijk 6 december 2026"
    )
    many = subject(one, two, one, two)
    assert many == "Glasvezel Zakelijk, Bellen en nog 2 diensten stoppen op 15 december 2026: klopt dat? Antwoord uiterlijk 6 december 2026"


def test_phrases_serve_html_escaped_and_text_as_it_is() -> None:
    line = letters.line("nl", service="A & B")
    html = templates.environment().get_template("terminations/phrases.jinja.html").make_module({"language": "nl", "brand": letters.BRAND})
    text = templates.environment().get_template("terminations/phrases.jinja.txt").make_module({"language": "nl", "brand": letters.BRAND})
    assert html.ending([line]) == Markup("A &amp; B stopt op 15 december 2026")  # type: ignore[attr-defined]
    assert text.ending([line]) == "A & B stopt op 15 december 2026"  # type: ignore[attr-defined]


def test_the_version_is_that_of_the_template_and_all_it_builds_on_in_that_language() -> None:
    waiting = templates.version("terminations/confirm/waiting.html", "nl")
    assert len(waiting) == 12
    assert waiting == templates.version("terminations/confirm/waiting.html", "nl")
    others = {templates.version("terminations/confirm/decided.html", "nl"), templates.version("terminations/confirm/waiting.html", "en")}
    assert waiting not in others
