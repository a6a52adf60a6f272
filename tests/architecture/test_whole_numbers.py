"""A number that people know something by, as NRD-F2026-000012, is one word on every page: it is written by the filter `whole`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.architecture import sources

FOLDERS = ("billing", "tenants", "terminations", "partner_portal/overview", "partner_portal/web")
NO_PAGES = ("mail", "pdf")
# Parts of mails that lie beside the pages, and what a browser writes as plain text wherever it stands.
PARTS_OF_MAILS = ("invoice_parts.html", "reminder_parts.html", "plan_parts.html", "mail_parts.html")
PLAIN = re.compile(r"{% block title %}.*?{% endblock %}|<option.*?</option>|{#.*?#}|<(script|style).*?</\1>", re.DOTALL)
PIECES = re.compile(r'{{(?P<said>.*?)}}|{%.*?%}|(?P<opens><[/a-zA-Z!])|(?P<closes>>)|(?P<quote>")', re.DOTALL)
NUMBER = re.compile(
    r"""
    (?<![|\w.\"']) (?<!\|\ )                  # the beginning of a name, and no filter
    (?:\w+(?:\[\w+\])?\.)*                   # whose it is
    (?:
        (?:case_|customer_|invoice_|credit_)?number
        | (?<!in_fours\(document\.) (?<!in_fours\(claim\.) (?<!in_fours\(one\.) reference  # of a payment: it is read in fours
        | (?<=collects\.) mandate
    )
    \b (?!\s*[=(])
    """,
    re.VERBOSE,
)


def test_each_number_in_the_text_of_a_page_is_one_word() -> None:
    found = [
        f"{sources.name(file)}: {expression.strip()}"
        for folder in FOLDERS
        for file in sorted((sources.ROOT / folder / "templates").rglob("*.html"))
        if not set(file.parts) & set(NO_PAGES) and file.name not in PARTS_OF_MAILS
        for expression in in_text(file.read_text())
        if any(not after.lstrip().startswith("| whole") for after in numbers(expression))
    ]

    assert found == []


def in_text(template: str) -> Iterator[str]:
    """What the template writes between its tags, where people read it."""
    in_tag = in_quotes = False
    for piece in PIECES.finditer(PLAIN.sub("", template)):
        if piece["opens"]:
            in_tag = True
        elif piece["quote"]:
            in_quotes = in_tag and not in_quotes
        elif piece["closes"] and not in_quotes:
            in_tag = False
        elif piece["said"] and not in_tag:
            yield piece["said"]


def numbers(expression: str) -> Iterator[str]:
    """What follows each number that the expression writes."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    for found in NUMBER.finditer(bare):
        yield bare[found.end() :]
