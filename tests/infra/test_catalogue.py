"""Every sentence exists in Dutch, says the same things, and is found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from partner_portal.infra import catalogue, templates
from partner_portal.kernel.money import Money

HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'


@pytest.fixture
def catalogue_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A catalogue of the test's own instead of the real ones."""

    def write(body: str) -> None:
        for language in ("nl", "en"):
            file = tmp_path / language / "LC_MESSAGES" / "portal.po"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(HEADER + (body if language == "nl" else ""), encoding="utf-8")
        monkeypatch.setattr(catalogue, "LOCALE", tmp_path)
        catalogue._sentences.cache_clear()

    yield write
    catalogue._sentences.cache_clear()


def test_every_sentence_in_use_has_a_dutch_translation() -> None:
    assert catalogue.missing("nl") == [], "translate in partner_portal/locale/nl after `python -m partner_portal.infra.catalogue`"


def test_a_translation_names_the_same_words_as_its_source() -> None:
    differing = []
    for message in catalogue.read("nl"):
        if not message.id:
            continue
        forms = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        ids = (message.id,) if isinstance(message.id, str) else message.id
        named = set().union(*map(_words, ids))
        # The form for one may leave the count out ("one month"), the form for many what only the one has.
        wanted = [_words(ids[min(nth, len(ids) - 1)]) - {"count"} for nth in range(len(forms))]
        differing += [form for form, words in zip(forms, wanted, strict=True) if not words <= _words(form) <= named]
    assert differing == []


def _words(sentence: str) -> set[str]:
    return {by_name or by_brace for by_name, by_brace in re.findall(r"%\((\w+)\)s|\{(\w+)\}", sentence)}


def test_a_missing_and_a_guessed_translation_are_both_missing(catalogue_of: Callable[[str], None]) -> None:
    known = [message.id for message in catalogue.source() if isinstance(message.id, str) and message.id]
    catalogue_of(f'#, fuzzy\nmsgid "{known[0]}"\nmsgstr "misschien"\n\nmsgid "{known[1]}"\nmsgstr ""\n')
    assert {known[0], known[1]} <= set(catalogue.missing("nl"))
    assert catalogue.text(known[0], "nl") == known[0]


def test_words_are_written_in_the_readers_language(catalogue_of: Callable[[str], None]) -> None:
    catalogue_of('msgid "%(amount)s before %(day)s"\nmsgstr "%(amount)s voor %(day)s"\n')
    words = {"amount": Money(123456), "day": date(2027, 3, 31)}
    assert catalogue.text("%(amount)s before %(day)s", "nl", **words) == "EUR 1.234,56 voor 31 maart 2027"
    assert catalogue.text("%(amount)s before %(day)s", "en", **words) == "EUR 1,234.56 before 31 March 2027"


def test_the_form_follows_the_count(catalogue_of: Callable[[str], None]) -> None:
    catalogue_of('msgid "%(count)s month"\nmsgid_plural "%(count)s months"\nmsgstr[0] "%(count)s maand"\nmsgstr[1] "%(count)s maanden"\n')
    assert catalogue.texts("%(count)s month", "%(count)s months", "nl", count=1) == "1 maand"
    assert catalogue.texts("%(count)s month", "%(count)s months", "nl", count=6) == "6 maanden"
    assert catalogue.texts("%(count)s month", "%(count)s months", "en", count=0) == "0 months"


def test_a_sentence_without_words_may_hold_a_per_cent_sign() -> None:
    assert catalogue.text("100 % sure", "nl") == "100 % sure"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Oude Telefoon B.V.", "Tell Oude Telefoon B.V. Then wait."),
        ("Oude Telefoon", "Tell Oude Telefoon. Then wait."),
        ("", "Tell . Then wait."),
    ],
)
def test_a_name_that_ends_with_a_full_stop_ends_the_sentence_too(name: str, said: str) -> None:
    assert catalogue.text("Tell %(name)s. Then wait.", "en", name=name) == said
    open_sentence = "{{ _('Tell %(name)s. Then wait.', name=name) }}"
    for kind in ("html", "txt"):
        made = templates.environment().overlay(autoescape=kind == "html").from_string(open_sentence)
        assert made.render(language="en", name=name) == said


def test_a_full_stop_inside_an_address_stays() -> None:
    assert catalogue.text("%(part)s.example.com", "en", part="a.") == "a..example.com"


def test_an_update_keeps_translations_and_drops_what_is_no_longer_said(catalogue_of: Callable[[str], None]) -> None:
    known = next(message.id for message in catalogue.source() if isinstance(message.id, str) and message.id)
    catalogue_of(f'msgid "{known}"\nmsgstr "vertaald"\n\nmsgid "said no more"\nmsgstr "weg"\n')
    catalogue.update()
    written = catalogue.path("nl").read_text()
    assert 'msgstr "vertaald"' in written
    assert "said no more" not in written
